"""The live configuration in NATS: KV bucket `config`, one key, `settings`, with the last 64 changes of it.

One value holds all, so that a change of several settings is one change, and the number of a change is the key's
revision. Each write is a compare-and-set; a time-out is no answer: the key is read back, and its `writer` compared.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue
from pydantic import ValidationError

from parley.bus.connection import Bus
from parley.configuration.history import Configuration, Revision
from parley.errors import AlreadyExists, Misconfigured, ParleyError, Unavailable

BUCKET = "config"
KEY = "settings"
KEPT = 64
"""Changes; NATS keeps no more of one key."""
MAX_VALUE_BYTES = 64 * 1024
TIMEOUT_S = 3.0
TRIES = 5
_STREAM = f"KV_{BUCKET}"
_SUBJECT = f"$KV.{BUCKET}.{KEY}"
_NO_BUCKET = "nothing can be configured yet: an orchestrator makes the bucket when it starts (`make run`)"

Step = Callable[[Configuration], Configuration]


class Conflict(AlreadyExists):
    """Somebody else changed it in this moment."""


async def make_bucket(bus: Bus, replicas: int) -> None:
    """Create it, or leave it as it is. For whoever may: those who read and write it may not."""
    js = bus.jetstream()
    try:
        await js.key_value(BUCKET)
    except BucketNotFoundError:
        config = KeyValueConfig(
            bucket=BUCKET,
            history=KEPT,
            storage=StorageType.FILE,
            replicas=replicas,
            max_value_size=MAX_VALUE_BYTES,
            max_bytes=2 * KEPT * MAX_VALUE_BYTES,
        )
        await js.create_key_value(config=config)


async def newest(bus: Bus) -> int | None:
    """A number that rises with every change; None where the bucket is not made yet. Raises Unavailable."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return int((await bus.jetstream().stream_info(_STREAM)).state.last_seq)
    except NotFoundError:
        return None
    except (NatsError, TimeoutError) as e:
        raise _away("the configuration cannot be read", e) from e


async def read(bus: Bus) -> Revision:
    """What holds now; revision 0 before anything was set. Raises Unavailable, Misconfigured (it cannot be read)."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            entry = await (await _bucket(bus)).get(KEY)
    except KeyNotFoundError as e:
        return Revision(int(e.entry.revision or 0) if e.entry is not None else 0, Configuration())
    except (NatsError, TimeoutError) as e:
        raise _away("the configuration cannot be read", e) from e
    return Revision(int(entry.revision or 0), _parsed(entry.value))


async def change(bus: Bus, step: Step, expected: int | None = None) -> Revision:
    """Read, change, and write it; done again when somebody else was faster. With `expected`, the revision that was
    looked at, it is not.

    Raises Conflict, Unavailable, Misconfigured, what `step` raises.
    """
    for _ in range(TRIES - 1):
        try:
            return await _changed(bus, step, expected)
        except Conflict:
            if expected is not None:
                raise
    return await _changed(bus, step, expected)


async def history(bus: Bus) -> list[Revision]:
    """The changes that are kept, newest first. Raises Unavailable, Misconfigured."""
    js, found, after = bus.jetstream(), list[Revision](), 1
    try:
        async with asyncio.timeout(TIMEOUT_S + KEPT * 0.1):
            last = int((await js.stream_info(_STREAM)).state.last_seq)
            while after <= last:
                message = await js.get_msg(_STREAM, seq=after, subject=_SUBJECT, next=True)
                found.append(Revision(int(message.seq or 0), _parsed(message.data)))
                after = found[-1].revision + 1
    except NotFoundError:
        return found[::-1]  # no bucket, or no more of it
    except (NatsError, TimeoutError) as e:
        raise _away("the history cannot be read", e) from e
    return found[::-1]


async def _changed(bus: Bus, step: Step, expected: int | None) -> Revision:
    before = await read(bus)
    if expected not in (None, before.revision):
        raise Conflict(f"revision: somebody else changed it, it is {before.revision} by now; look, and do it again")
    after = step(before.configuration).model_copy(update={"writer": os.urandom(8).hex()})
    data = after.model_dump_json().encode()
    if len(data) > MAX_VALUE_BYTES:
        raise Unavailable(f"the configuration has {len(data):,} bytes; at most {MAX_VALUE_BYTES:,}")
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return Revision(await (await _bucket(bus)).update(KEY, data, last=before.revision), after)
    except KeyWrongLastSequenceError as e:
        found = await read(bus)
        if found.configuration.writer != after.writer:
            raise Conflict(
                "somebody else changed it in this moment, and nothing was written; look, and do it again"
            ) from e
    except (NatsError, TimeoutError) as e:
        try:
            found = await read(bus)
        except ParleyError:
            raise _away("it is not known whether it was written", e) from e
        if found.configuration.writer != after.writer:
            raise _away("nothing was written", e) from e
    return found


def _parsed(data: bytes | None) -> Configuration:
    try:
        return Configuration.model_validate_json(data or b"{}")
    except ValidationError as e:
        raise Misconfigured(
            f"{BUCKET}/{KEY} in NATS is not what this version writes; is another version running?"
        ) from e


async def _bucket(bus: Bus) -> KeyValue:
    try:
        return await bus.jetstream().key_value(BUCKET)
    except BucketNotFoundError as e:
        raise Unavailable(_NO_BUCKET) from e


def _away(what: str, error: Exception) -> Unavailable:
    return Unavailable(f"{what} ({type(error).__name__}); is NATS there, and may this user do it?")
