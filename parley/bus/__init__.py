"""NATS: what is said to whoever listens (core), and what is kept of every call (JetStream `call.*.event`).

`connection`: the one connection of a process. `streams`: records of calls, on their way to be kept, kept, and followed.
"""

from parley.bus.connection import Bus, OnMessage
from parley.bus.streams.records import make_events_stream, recorded_calls, records_of

__all__ = ["Bus", "OnMessage", "make_events_stream", "recorded_calls", "records_of"]
