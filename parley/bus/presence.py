"""What each process tells of itself to operators: NATS KV, bucket `processes`, `<service>.<replica>`.

Told every 5 s, and when something changed: which change of the configuration it has, what its environment sets, what it
could not take and why; engines with their breakers and how fast they were. An entry goes by itself after 15 s, so that
who is listed lives. Never on the voice path, and no call waits for it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, NotFoundError
from nats.js.kv import KeyValue
from pydantic import BaseModel, ConfigDict, ValidationError

from parley.aio import TaskSet
from parley.bus.connection import Bus
from parley.bus.live import Live
from parley.errors import Unavailable
from parley.security.report import given, trust
from parley.settings import addresses

log = structlog.get_logger()

BUCKET = "processes"
TELL_S = 5.0
GONE_S = 15.0
TIMEOUT_S = 2.0
MAX_BYTES = 64 * 1024
MAX_PROCESSES = 500
"""That are read at a time; more are left out, and that is said."""
_STREAM = f"KV_{BUCKET}"


class EngineState(BaseModel):
    """One engine in one process, first = preferred. `count`: answers within the last minutes, with their latency in
    milliseconds (None: there were none); `errors`: failures within them. `open_s`: for so much longer it is passed
    over; None: it is not."""

    model_config = ConfigDict(frozen=True)

    name: str
    open_s: float | None = None
    count: int = 0
    errors: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    histogram: dict[str, int] = {}  # upper bound in ms -> answers up to it


class ProcessState(BaseModel):
    """`settings`: the live settings it makes something of; `locked`: of these, those its environment sets; `values`:
    what they are for new calls, secrets not readable; `refused`: whose value it could not take, and why. `agents`: whom
    a new call could reach. `trust`, `given`: see `parley.security.report`. `at`: Unix seconds."""

    model_config = ConfigDict(frozen=True)

    service: str
    replica: str
    host: str = ""
    at: float = 0.0
    since: float = 0.0
    revision: int = 0
    settings: tuple[str, ...] = ()
    locked: tuple[str, ...] = ()
    values: dict[str, str] = {}
    refused: dict[str, str] = {}
    stage: str = ""
    engines: tuple[EngineState, ...] = ()
    agents: tuple[str, ...] = ()
    trust: dict[str, str] = {}
    given: dict[str, str] = {}


class Presence:
    """Of this process. `more`: fields of ProcessState that the service adds when it is told."""

    def __init__(self, bus: Bus, live: Live, more: Callable[[], dict[str, Any]] = dict) -> None:
        self.replica = os.urandom(6).hex()
        self._bus = bus
        self._live = live
        self._more = more
        self._since = time.time()
        self._news = asyncio.Event()
        self._kv: tuple[object, KeyValue] | None = None
        live.changed = self._news.set

    def state(self) -> ProcessState:
        live = self._live
        return ProcessState(
            service=live.service,
            replica=self.replica,
            host=socket.gethostname(),
            at=time.time(),
            since=self._since,
            revision=live.revision,
            settings=tuple(sorted(live.variables)),
            locked=tuple(sorted(live.locked)),
            values=live.values,
            refused=live.refused,
            trust=trust(live.settings, live.service),
            given=given(live.settings, live.service),
            **self._more(),
        )

    async def tell(self) -> None:
        """Raises Unavailable, TimeoutError or NATS errors."""
        data = self.state().model_dump_json(exclude_defaults=True).encode()
        if len(data) > MAX_BYTES:
            raise Unavailable(f"{len(data):,} bytes to be told; at most {MAX_BYTES:,}")
        async with asyncio.timeout(TIMEOUT_S):
            await (await self._bucket()).put(f"{self._live.service}.{self.replica}", data)

    async def run(self) -> None:
        """Until cancelled. What NATS does not take is told the next time."""
        while True:
            self._news.clear()
            try:
                await self.tell()
            except (NatsError, TimeoutError, Unavailable) as e:
                log.debug("this process is not told of now", error=type(e).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(TELL_S):
                    await self._news.wait()

    async def _bucket(self) -> KeyValue:
        js = self._bus.jetstream()
        if self._kv is None or self._kv[0] is not self._bus.client:
            try:
                self._kv = self._bus.client, await js.key_value(BUCKET)
            except BucketNotFoundError as e:
                raise Unavailable("the bucket of processes is not made yet") from e
        return self._kv[1]


@asynccontextmanager
async def present(bus: Bus, live: Live, more: Callable[[], dict[str, Any]] = dict) -> AsyncIterator[None]:
    """Tell of this process while the body runs."""
    tasks = TaskSet(lambda e: log.error("this process is no longer told of", exc_info=e))
    if addresses(live.settings.nats_url):
        tasks.spawn(Presence(bus, live, more).run())
    try:
        yield
    finally:
        await tasks.close()


async def make_bucket(bus: Bus, replicas: int) -> None:
    """Create it, or leave it as it is."""
    js = bus.jetstream()
    try:
        await js.key_value(BUCKET)
    except BucketNotFoundError:
        config = KeyValueConfig(
            bucket=BUCKET, history=1, ttl=GONE_S, storage=StorageType.MEMORY, replicas=replicas, max_bytes=32 << 20
        )
        await js.create_key_value(config=config)


async def processes(bus: Bus) -> list[ProcessState]:
    """Those that live, by service and replica. Raises Unavailable."""
    prefix, found = f"$KV.{BUCKET}.", list[ProcessState]()
    try:
        async with asyncio.timeout(2 * TIMEOUT_S):
            info = await bus.jetstream().stream_info(_STREAM, subjects_filter=f"{prefix}>")
            keys = sorted(subject.removeprefix(prefix) for subject in info.state.subjects or {})
            if len(keys) > MAX_PROCESSES:
                log.warning("more processes than are read", processes=len(keys), read=MAX_PROCESSES)
            kv = await bus.jetstream().key_value(BUCKET)
            for state in await asyncio.gather(*(_one(kv, key) for key in keys[:MAX_PROCESSES])):
                found += [state] if state is not None else []
    except (NotFoundError, BucketNotFoundError):
        return []
    except (NatsError, TimeoutError) as e:
        raise Unavailable(f"processes cannot be asked ({type(e).__name__}); is NATS there?") from e
    return found


def given_of(states: Iterable[ProcessState]) -> dict[str, str]:
    """What processes say of the settings that `parley.security.report` names; of replicas that differ, the one that
    told last."""
    found: dict[str, str] = {}
    for state in sorted(states, key=lambda each: each.at):
        found |= state.given
    return found


async def _one(kv: KeyValue, key: str) -> ProcessState | None:
    try:
        return ProcessState.model_validate_json((await kv.get(key)).value or b"")
    except KeyNotFoundError:
        return None  # gone in this moment
    except ValidationError:
        log.warning("what a process tells of itself cannot be read", key=key)
        return None
