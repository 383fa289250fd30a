"""What the replicas of a service tell each other of vendors that are down: NATS KV, bucket `outages`.

    <service>.here.<replica>                       this replica lives; written every 10 s
    <service>.open.<engine>-<account>.<replica>    its breaker opened: {"at", "until", "alone"}, in Unix seconds

Entries go by themselves after 30 s, the time a breaker stays open. Each replica writes its own keys only, and a poll is
one small request, so nothing here waits for another. Never on the voice path: calls ask the breaker, which is memory.
Without NATS each replica goes by what it sees itself.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
import structlog
from nats.errors import Error as NatsError
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import BucketNotFoundError, KeyNotFoundError
from nats.js.kv import KeyValue

from parley.aio import TaskSet
from parley.bus import Bus
from parley.engines.breaker import OPEN_S, Breaker, Breakers
from parley.errors import Unavailable
from parley.settings import Settings

log = structlog.get_logger()

BUCKET = "outages"
POLL_S = 2.0
HERE_S = 10.0
TOGETHER_S = 10.0
"""Two replicas that report the same vendor within this time speak for all."""
MAX_REPORTS = 16
"""Reports read in one poll; more replicas than that say nothing new."""
TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Report:
    """One replica's breaker opened `at` and stays so `until`. `alone`: it knew of no other replica."""

    at: float
    until: float
    alone: bool = False


def verdict(reports: Mapping[str, Report], now: float) -> float:
    """For how many more seconds a vendor is to be passed over by all, by these reports of replicas; 0: it is not."""
    standing = sorted((r for r in reports.values() if r.until > now), key=lambda r: r.at)
    found = [r.until for r in standing if r.alone]
    for one, next_one in zip(standing, standing[1:], strict=False):
        if next_one.at - one.at <= TOGETHER_S:
            found.append(max(one.until, next_one.until))
    return max(found, default=now) - now


async def make_bucket(bus: Bus, replicas: int) -> None:
    """Create the bucket, or leave it as it is. For whoever may: the services that use it may not."""
    js = bus.jetstream()
    try:
        await js.key_value(BUCKET)
    except BucketNotFoundError:
        config = KeyValueConfig(
            bucket=BUCKET, history=1, ttl=OPEN_S, storage=StorageType.MEMORY, replicas=replicas, direct=True
        )
        await js.create_key_value(config=config)


class Outages:
    """This replica's part: tells what its breakers found, and tells them what others found. `run` for ever.

    `accounts`: engine -> its vendor, account and region as a digest. An engine without one is this machine's own and
    nobody else's concern.
    """

    def __init__(self, bus: Bus, breakers: Breakers, accounts: Mapping[str, str], replica: str = "") -> None:
        self._bus = bus
        self._breakers = breakers
        self._topics = {engine: f"{engine}-{account}" for engine, account in accounts.items() if account}
        self.replica = replica or os.urandom(6).hex()
        self.alone = False
        self._kv: tuple[object, KeyValue] | None = None
        self._here_at = 0.0
        self._news = asyncio.Event()
        self._opened: dict[str, Report] = {}  # to be told
        self._closed: dict[str, float] = {}  # when this replica found it well; what was reported before is history
        self._taken_back: set[str] = set()  # own reports to be removed
        for engine in self._topics:
            breaker = breakers.of(engine)
            breaker.opened, breaker.closed = self._on_opened, self._on_closed

    async def run(self) -> None:
        """Poll until cancelled. What NATS does not take is tried again at the next poll."""
        while True:
            self._news.clear()
            try:
                async with asyncio.timeout(2 * TIMEOUT_S):
                    await self.poll()
            except (NatsError, TimeoutError, Unavailable) as e:
                log.debug("outages are not shared now", error=type(e).__name__)
            try:
                async with asyncio.timeout(POLL_S):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def poll(self) -> None:
        """Write what is to be told, read what others tell. Raises Unavailable, TimeoutError or NATS errors."""
        kv = await self._bucket()
        service = self._breakers.service
        if time.monotonic() - self._here_at > HERE_S:
            await kv.put(f"{service}.here.{self.replica}", b"")
            self._here_at = time.monotonic()
        for topic, report in list(self._opened.items()):
            body = orjson.dumps({"at": report.at, "until": report.until, "alone": report.alone})
            await kv.put(f"{service}.open.{topic}.{self.replica}", body)
            self._opened.pop(topic, None)
        for topic in list(self._taken_back):
            await kv.delete(f"{service}.open.{topic}.{self.replica}")
            self._taken_back.discard(topic)
        self._learn(await self._read(kv))

    async def _read(self, kv: KeyValue) -> dict[str, dict[str, Report]]:
        """Reports of the other replicas by topic; also sees whether there are others."""
        service = self._breakers.service
        prefix = f"$KV.{BUCKET}.{service}."
        info = await self._bus.jetstream().stream_info(f"KV_{BUCKET}", subjects_filter=f"{prefix}>")
        keys = [subject.removeprefix(prefix).split(".") for subject in info.state.subjects or {}]
        self.alone = not any(key[0] == "here" and key[-1] != self.replica for key in keys)
        reports: dict[str, dict[str, Report]] = {}
        wanted = [key for key in keys if key[0] == "open" and len(key) == 3 and key[1] in self._topics.values()]
        for _, topic, replica in wanted[:MAX_REPORTS]:
            try:
                entry = await kv.get(f"{service}.open.{topic}.{replica}")
                body = orjson.loads(entry.value or b"")
                reports.setdefault(topic, {})[replica] = Report(body["at"], body["until"], bool(body["alone"]))
            except KeyNotFoundError:
                continue  # expired or taken back in this moment
            except (ValueError, KeyError, TypeError):
                log.warning("an outage's report cannot be read", topic=topic, replica=replica)
        return reports

    def _learn(self, reports: Mapping[str, Mapping[str, Report]]) -> None:
        now = time.time()
        for engine, topic in self._topics.items():
            well_since = self._closed.get(topic, 0.0)
            fresh = {name: report for name, report in reports.get(topic, {}).items() if report.at > well_since}
            if left := verdict(fresh, now):
                self._breakers.of(engine).told(min(left, OPEN_S))

    def _on_opened(self, breaker: Breaker) -> None:
        now, topic = time.time(), self._topics[breaker.engine]
        self._taken_back.discard(topic)
        self._opened[topic] = Report(now, now + OPEN_S, self.alone)
        self._news.set()

    def _on_closed(self, breaker: Breaker) -> None:
        topic = self._topics[breaker.engine]
        self._closed[topic] = time.time()
        self._opened.pop(topic, None)
        self._taken_back.add(topic)
        self._news.set()

    async def _bucket(self) -> KeyValue:
        """Asked for once per connection. Raises Unavailable while there is none."""
        js = self._bus.jetstream()
        if self._kv is None or self._kv[0] is not self._bus.client:
            try:
                self._kv = self._bus.client, await js.key_value(BUCKET)
            except BucketNotFoundError as e:
                raise Unavailable("the bucket of outages is not made yet") from e
        return self._kv[1]


class Sharing:
    """The sharing of a process's breakers, whose engines and accounts may change."""

    def __init__(self, bus: Bus, breakers: Breakers) -> None:
        self._bus = bus
        self._breakers = breakers
        self._replica = os.urandom(6).hex()
        self._accounts: dict[str, str] = {}
        self._tasks = TaskSet(lambda e: log.error("outages are no longer shared", exc_info=e))

    async def take(self, settings: Settings, engines: Collection[str]) -> None:
        """Share those of these engines. Where there is no choice of engines, or none of them has an account anywhere,
        there is nothing to share."""
        accounts = {engine: settings.account(engine, self._breakers.service) for engine in engines}
        if accounts == self._accounts:
            return
        await self.aclose()
        self._accounts = accounts
        if len(accounts) > 1 and any(accounts.values()):
            self._tasks.spawn(Outages(self._bus, self._breakers, accounts, self._replica).run())

    async def aclose(self) -> None:
        await self._tasks.close()
        for engine in self._accounts:
            breaker = self._breakers.of(engine)
            breaker.opened = breaker.closed = lambda _: None


@asynccontextmanager
async def shared(bus: Bus, settings: Settings, breakers: Breakers, engines: Collection[str]) -> AsyncIterator[None]:
    """Share the breakers of these engines with the other replicas while the body runs."""
    sharing = Sharing(bus, breakers)
    await sharing.take(settings, engines)
    try:
        yield
    finally:
        await sharing.aclose()
