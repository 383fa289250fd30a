"""The event records that NATS keeps of every call: the stream they stand in, and how they are read."""

from __future__ import annotations

from nats.errors import Error as NatsError
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import NotFoundError

from parley.bus.connection import Bus
from parley.errors import BadInput, Unavailable

EVENTS_STREAM = "CALL_EVENTS"
EVENTS_SUBJECT = "call.*.event"
EVENTS_AGE_S = 24 * 3600
EVENTS_BYTES = 2 << 30
SAME_S = 120  # a record with the same message id within this time is kept once


async def make_events_stream(bus: Bus, replicas: int) -> None:
    """Create the stream of event records, or leave it as it is."""
    config = StreamConfig(
        name=EVENTS_STREAM,
        subjects=[EVENTS_SUBJECT],
        max_age=EVENTS_AGE_S,
        max_bytes=EVENTS_BYTES,
        storage=StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=SAME_S,
    )
    js = bus.jetstream()
    try:
        await js.stream_info(EVENTS_STREAM)
    except NotFoundError:
        await js.add_stream(config)


async def recorded_calls(bus: Bus) -> list[str]:
    """Ids of the calls whose event records are kept. Raises Unavailable."""
    try:
        info = await bus.jetstream().stream_info(EVENTS_STREAM, subjects_filter=EVENTS_SUBJECT)
    except NotFoundError:
        return []
    except (NatsError, TimeoutError) as e:
        raise Unavailable(f"the recorded calls cannot be listed ({type(e).__name__})") from e
    return sorted(subject.split(".")[1] for subject in info.state.subjects or {})


async def records_of(bus: Bus, call_id: str) -> list[bytes]:
    """The event records of a call as they were stored, one after the other. Raises BadInput, Unavailable."""
    if not call_id or set(call_id) & set(".*> \t\r\n"):
        raise BadInput(f"call id {call_id!r}: letters, digits, - and _, as in the log")
    found: list[bytes] = []
    after = 1
    try:
        while True:
            message = await bus.jetstream().get_msg(
                EVENTS_STREAM, seq=after, subject=f"call.{call_id}.event", next=True
            )
            found.append(message.data or b"")
            after = int(message.seq or 0) + 1
    except NotFoundError:
        return found
    except (NatsError, TimeoutError) as e:
        raise Unavailable(f"the records of the call cannot be read ({type(e).__name__})") from e
