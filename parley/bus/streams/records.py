"""The event records that NATS keeps of every call: the stream they stand in, and how they are read."""

from __future__ import annotations

import structlog
from nats.errors import Error as NatsError
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import NotFoundError

from parley.bus.connection import Bus
from parley.errors import BadInput, Unavailable

log = structlog.get_logger()

EVENTS_STREAM = "CALL_EVENTS"
EVENTS_SUBJECT = "call.*.event"
EVENTS_HOURS = 24.0
EVENTS_MB = 2048
SAME_S = 120  # a record with the same message id within this time is kept once


async def make_events_stream(bus: Bus, replicas: int, megabytes: int = EVENTS_MB, hours: float = EVENTS_HOURS) -> None:
    """Create the stream of event records, or leave it as it is; other limits than these are told in the log."""
    config = StreamConfig(
        name=EVENTS_STREAM,
        subjects=[EVENTS_SUBJECT],
        max_age=hours * 3600,
        max_bytes=megabytes << 20,
        storage=StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=min(SAME_S, hours * 3600),
    )
    js = bus.jetstream()
    try:
        there = (await js.stream_info(EVENTS_STREAM)).config
    except NotFoundError:
        await js.add_stream(config)
        return
    if (there.max_bytes, there.max_age) != (config.max_bytes, config.max_age):
        log.warning(
            "the stream of event records keeps its limits; an operator may change them with the nats command",
            bytes=there.max_bytes,
            hours=(there.max_age or 0) / 3600,
        )


async def recorded_calls(bus: Bus) -> list[str]:
    """Ids of the calls whose event records are kept. Raises Unavailable."""
    try:
        info = await bus.jetstream().stream_info(EVENTS_STREAM, subjects_filter=EVENTS_SUBJECT)
    except NotFoundError:
        return []
    except (NatsError, TimeoutError) as e:
        raise Unavailable(f"the recorded calls cannot be listed ({type(e).__name__})") from e
    return sorted(subject.split(".")[1] for subject in info.state.subjects or {})


async def record_at(bus: Bus, call_id: str, after: int = 1) -> bytes | None:
    """The first event record of a call, as it was stored; None without any. Raises Unavailable."""
    try:
        message = await bus.jetstream().get_msg(EVENTS_STREAM, seq=after, subject=f"call.{call_id}.event", next=True)
    except NotFoundError:
        return None
    except (NatsError, TimeoutError) as e:
        raise Unavailable(f"the records of call {call_id} cannot be read ({type(e).__name__})") from e
    return message.data or b""


async def last_record(bus: Bus, call_id: str) -> bytes | None:
    """The newest event record of a call, as it was stored; None without any. Raises Unavailable."""
    try:
        message = await bus.jetstream().get_last_msg(EVENTS_STREAM, f"call.{call_id}.event")
    except NotFoundError:
        return None
    except (NatsError, TimeoutError) as e:
        raise Unavailable(f"the records of call {call_id} cannot be read ({type(e).__name__})") from e
    return message.data or b""


async def purge_call(bus: Bus, call_id: str) -> int:
    """Remove the event records of a call for good; how many there were. Raises Unavailable."""
    subject = f"call.{call_id}.event"
    try:
        js = bus.jetstream()
        info = await js.stream_info(EVENTS_STREAM, subjects_filter=subject)
        count = sum((info.state.subjects or {}).values())
        if count:
            await js.purge_stream(EVENTS_STREAM, subject=subject)
        return count
    except NotFoundError:
        return 0
    except (NatsError, TimeoutError) as e:
        raise Unavailable(
            f"the records of call {call_id} cannot be removed ({type(e).__name__}); is NATS there, and may this user?"
        ) from e


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
