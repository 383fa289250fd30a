"""What is published, in NATS: KV bucket `agents` and the object store `agents`.

    agents/agent.<name>         its versions: which one new calls have, a canary, those before (JSON, `Versions`)
    agents/numbers              which called number reaches which agent (JSON, `Numbers`)
    OBJ_agents <name>/<digest>  one version's files as a tar

Who may write there runs code in the tools service: `tools.py` is executed. Services read, and make no consumer for it.
Each write is a compare-and-set of one key. A time-out is no answer: the key is read back, and its `writer` compared.
"""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, ObjectStoreConfig, StorageType
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue
from pydantic import BaseModel, ValidationError

from parley.bus.connection import Bus
from parley.errors import AlreadyExists, BadInput, ParleyError, Unavailable
from parley.published.bundle import (
    ID_CHARS,
    MAX_BYTES,
    MAX_FILES,
    Bundle,
    Corrupt,
    contents,
    knowledge_of,
    opened,
    packed,
)
from parley.published.changes import MAX_CHANGES, Change, Told, of_versions
from parley.published.numbers import Numbers
from parley.published.versions import MAX_NAME, Version, Versions, is_name

BUCKET = "agents"
NUMBERS = "numbers"
AGENT = "agent."
MAX_VALUE_BYTES = 512 * 1024
MAX_KEYS_BYTES = 64 << 20
STORE_BYTES = 1 << 30
"""Of all bundles; kept free for them on each node's disk."""
MAX_TAR_BYTES = MAX_BYTES + (MAX_FILES + 20) * 2048
"""A file's name and padding come on top of it."""
ORPHAN_S = 3600.0
"""Files that no version needs are removed when they are older: they may be those of one that is being published."""
READ_S = 5.0
WRITE_S = 5.0
BUNDLE_S = 60.0
_STREAM = f"KV_{BUCKET}"
SUBJECTS = f"$KV.{BUCKET}.>"
"""Under which all of it is written, and heard of."""
_STORE = f"OBJ_{BUCKET}"

Value = TypeVar("Value", bound=BaseModel)
Entry = TypeVar("Entry", Versions, Numbers)


class Conflict(AlreadyExists):
    """Somebody else wrote in between."""


async def make_buckets(bus: Bus, replicas: int) -> None:
    """Create both, or leave them as they are. For whoever may: those who read and write them may not."""
    js = bus.jetstream()
    try:
        await js.key_value(BUCKET)
    except BucketNotFoundError:
        config = KeyValueConfig(
            bucket=BUCKET,
            history=1,
            storage=StorageType.FILE,
            replicas=replicas,
            max_value_size=MAX_VALUE_BYTES,
            max_bytes=MAX_KEYS_BYTES,
        )
        await js.create_key_value(config=config)
    try:
        await js.object_store(BUCKET)
    except BucketNotFoundError:
        store = ObjectStoreConfig(storage=StorageType.FILE, replicas=replicas, max_bytes=STORE_BYTES)
        await js.create_object_store(BUCKET, store)


async def newest(bus: Bus) -> int | None:
    """A number that rises with every write; None where the bucket is not made yet. Raises Unavailable."""
    try:
        async with asyncio.timeout(READ_S):
            return int((await bus.jetstream().stream_info(_STREAM)).state.last_seq)
    except NotFoundError:
        return None
    except (NatsError, TimeoutError) as e:
        raise _away("what is published cannot be read", e) from e


async def keys(bus: Bus) -> list[str]:
    """Raises Unavailable."""
    prefix = f"$KV.{BUCKET}."
    try:
        async with asyncio.timeout(READ_S):
            info = await bus.jetstream().stream_info(_STREAM, subjects_filter=f"{prefix}>")
    except (NatsError, TimeoutError) as e:
        raise _away("what is published cannot be listed", e) from e
    return [subject.removeprefix(prefix) for subject in info.state.subjects or {}]


async def published(bus: Bus) -> dict[str, Versions]:
    """The versions of every agent of which there are any. Raises Unavailable, Corrupt."""
    names = [key.removeprefix(AGENT) for key in await keys(bus) if key.startswith(AGENT)]
    return {name: (await read(bus, AGENT + name, Versions))[0] for name in names}


async def read(bus: Bus, key: str, kind: type[Value]) -> tuple[Value, int]:
    """The value and its revision; the empty value when there is none. Raises Unavailable, Corrupt (no such thing)."""
    try:
        async with asyncio.timeout(READ_S):
            entry = await (await _bucket(bus)).get(key)
    except KeyNotFoundError as e:
        return kind(), int(e.entry.revision or 0) if e.entry is not None else 0
    except (NatsError, TimeoutError) as e:
        raise _away("what is published cannot be read", e) from e
    try:
        return kind.model_validate_json(entry.value or b""), int(entry.revision or 0)
    except ValidationError as e:
        raise Corrupt(f"{BUCKET}/{key} in NATS is not what this version writes; publish or set it anew") from e


async def change(
    bus: Bus, key: str, kind: type[Entry], step: Callable[[Entry], Entry], told: Told[Entry] | None = None
) -> tuple[Entry, Entry]:
    """Read, change, and set it if nobody did meanwhile; before and after. `told`: of whom, for the audit. Raises
    Conflict, Unavailable, what `step` raises."""
    before, revision = await read(bus, key, kind)
    after = step(before)
    return before, await write(bus, key, after, revision, told(before, after) if told is not None else None)


async def write(bus: Bus, key: str, value: Entry, revision: int, by: Change | None = None) -> Entry:
    """In the place of what was read at `revision`. Raises Conflict, Unavailable (it may have been written or not)."""
    writer = os.urandom(8).hex()
    value = value.model_copy(update={"writer": writer})
    if by is not None:
        changes = (*value.changes, by.model_copy(update={"writer": writer}))[-MAX_CHANGES:]
        value = value.model_copy(update={"changes": changes})
    data = value.model_dump_json().encode()
    if len(data) > MAX_VALUE_BYTES:
        raise Unavailable(f"{key}: {len(data):,} bytes; at most {MAX_VALUE_BYTES:,}")
    try:
        async with asyncio.timeout(WRITE_S):
            await (await _bucket(bus)).update(key, data, last=revision)
    except KeyWrongLastSequenceError as e:
        if (await read(bus, key, type(value)))[0].writer != value.writer:
            raise Conflict(
                "somebody else changed it in this moment, and nothing was written; look, and do it again"
            ) from e
    except (NatsError, TimeoutError) as e:
        try:
            found = await read(bus, key, type(value))
        except ParleyError:
            raise _away("it is not known whether it was written", e) from e
        if found[0].writer != value.writer:
            raise _away("nothing was written", e) from e
    return value


async def publish(
    bus: Bus, name: str, folder: Path, language: str, note: str = "", percent: float | None = None, who: str = ""
) -> tuple[Versions, Versions]:
    """The agent's folder as its newest version, a canary with `percent`; what was published before, and what is now.
    Both are the same where nothing has changed. Its files are stored before anybody is told of them.

    Raises Misconfigured (the folder), BadInput, Conflict, Unavailable.
    """
    if not is_name(name):
        raise BadInput(f"{name!r}: only names of small letters, digits, - and _ can be published, {MAX_NAME} at most")
    files = await asyncio.to_thread(contents, folder)
    bundle = await asyncio.to_thread(packed, files)
    knowledge = knowledge_of(files, language)
    made = Version(
        id=bundle.id, digest=bundle.digest, size=len(bundle.data), at=time.time(), note=note, knowledge=knowledge
    )
    before, revision = await read(bus, AGENT + name, Versions)
    known = before.find(made.id)
    same_note = known is None or note in ("", known.note)
    if percent is None and (before.current, before.canary) == (made.id, "") and same_note:
        return before, before
    after = before.publish(made, percent)
    await put_bundle(bus, name, bundle)
    by = of_versions(who, "agent.published", name)(before, after)
    return before, await write(bus, AGENT + name, after, revision, by)


async def put_bundle(bus: Bus, name: str, bundle: Bundle) -> None:
    """Store it, unless it is there, whole, and so new that nobody sweeps it before it is wanted. Raises Unavailable."""
    try:
        data, at = await _stored(bus, name, bundle.digest)
        opened(data, bundle.digest)
        if time.time() - at < ORPHAN_S / 2:
            return
    except Corrupt:
        pass
    try:
        async with asyncio.timeout(BUNDLE_S):
            store = await bus.jetstream().object_store(BUCKET)
            await store.put(_object(name, bundle.digest), bundle.data)
    except BucketNotFoundError as e:
        raise Unavailable(_NO_BUCKET) from e
    except (NatsError, TimeoutError) as e:
        raise _away("the files could not be stored", e) from e


async def get_bundle(bus: Bus, name: str, digest: str) -> bytes:
    """A version's tar. Raises Unavailable, Corrupt (there is none, or not all of it)."""
    return (await _stored(bus, name, digest))[0]


async def _stored(bus: Bus, name: str, digest: str) -> tuple[bytes, float]:
    """And when it was stored, Unix seconds. Read message by message: a reader then needs no right to make consumers,
    and a hole is seen."""
    js, told = bus.jetstream(), f"version {digest[:ID_CHARS]}"
    try:
        async with asyncio.timeout(BUNDLE_S):
            message = await js.get_last_msg(_STORE, _meta(_object(name, digest)))
            about = orjson.loads(message.data or b"{}")
            size, chunks, at = int(about["size"]), _chunks(about["nuid"]), _at(about)
            if size > MAX_TAR_BYTES:
                raise Corrupt(f"what is stored of {told} has {size:,} bytes, more than any version")
            data, after = bytearray(), 1
            while len(data) < size:
                chunk = await js.get_msg(_STORE, seq=after, subject=chunks, next=True)
                data += chunk.data or b""
                after = int(chunk.seq or 0) + 1
            return bytes(data), at
    except NotFoundError as e:
        raise Corrupt(f"the files of {told} are not (all) in the store") from e
    except (ValueError, KeyError, TypeError) as e:
        raise Corrupt(f"what is stored of {told} cannot be read") from e
    except (NatsError, TimeoutError) as e:
        raise _away("the files could not be fetched", e) from e


async def sweep(bus: Bus, name: str, versions: Versions) -> int:
    """Remove the files of an agent's versions that nobody can go back to; how many. Those that were stored within the
    last hour stay: somebody may be publishing them. Raises Unavailable."""
    js, swept, known = bus.jetstream(), 0, {version.digest for version in versions.versions}
    try:
        async with asyncio.timeout(BUNDLE_S):
            info = await js.stream_info(_STORE, subjects_filter=f"$O.{BUCKET}.M.>")
            for subject in info.state.subjects or {}:
                stored, _, digest = base64.urlsafe_b64decode(subject.rpartition(".")[2]).decode().partition("/")
                if stored != name or digest in known:
                    continue
                message = await js.get_last_msg(_STORE, subject)
                about = orjson.loads(message.data or b"{}")
                if time.time() - _at(about) > ORPHAN_S:
                    upto = int(message.seq or 0) + 1  # what was stored anew meanwhile stays
                    await js.purge_stream(_STORE, seq=upto, subject=subject)
                    await js.purge_stream(_STORE, subject=_chunks(about["nuid"]))
                    swept += 1
    except (ValueError, KeyError, TypeError, NotFoundError) as e:
        raise Unavailable(f"the store of versions holds what is not ours ({type(e).__name__})") from e
    except (NatsError, TimeoutError) as e:
        raise _away("older files could not be removed", e) from e
    return swept


_NO_BUCKET = "nothing can be published yet: an orchestrator makes the buckets when it starts (`make run`)"


async def _bucket(bus: Bus) -> KeyValue:
    try:
        return await bus.jetstream().key_value(BUCKET)
    except BucketNotFoundError as e:
        raise Unavailable(_NO_BUCKET) from e


def _object(name: str, digest: str) -> str:
    return f"{name}/{digest}"


def _meta(name: str) -> str:
    return f"$O.{BUCKET}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"


def _chunks(nuid: str) -> str:
    return f"$O.{BUCKET}.C.{nuid}"


def _at(about: dict[str, Any]) -> float:
    return datetime.fromisoformat(about["mtime"]).timestamp()


def _away(what: str, error: Exception) -> Unavailable:
    return Unavailable(f"{what} ({type(error).__name__}); is NATS there, and may this user do it?")
