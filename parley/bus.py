"""NATS: what is said to whoever listens (core), and what is kept of every call (JetStream `call.*.event`).

The connection is made in the background and made again for ever: a service starts, and calls go on, without NATS.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Self

import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js import JetStreamContext
from nats.js.api import StorageType, StreamConfig
from nats.js.errors import BadRequestError, NotFoundError
from prometheus_client import Counter, Gauge

from parley.aio import TaskSet
from parley.errors import BadInput, Unavailable
from parley.settings import Settings, addresses

log = structlog.get_logger()

EVENTS_STREAM = "CALL_EVENTS"
EVENTS_SUBJECT = "call.*.event"
EVENTS_AGE_S = 24 * 3600
EVENTS_BYTES = 2 << 30
OUTBOX = 20_000  # records waiting for NATS; over it the oldest is dropped and counted
IN_FLIGHT = 64
STALE_S = 5.0  # a control message older than this arrived late, after a reconnect: it is ignored

_dropped = Counter("voice_event_records_dropped_total", "Event records lost: NATS away too long, or refused", ["why"])
_late = Counter("voice_control_messages_late_total", "Control messages ignored because a reconnect delivered them late")
_waiting = Gauge("voice_event_records_waiting", "Event records not yet stored")
_connected = Gauge("voice_nats_connected", "1 while connected to NATS")

OnMessage = Callable[[str, bytes, dict[str, str]], Awaitable[None]]
OnConnect = Callable[["Bus"], Awaitable[None]]


class Bus:
    """One NATS connection of a process. Use as a context manager; `on_connect` runs at every (re)connection."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._client: Client | None = None
        self._up = asyncio.Event()
        self._closed = asyncio.Event()
        self._subscriptions: list[tuple[str, OnMessage]] = []
        self._on_connect: list[OnConnect] = []
        self._outbox: deque[tuple[str, bytes, str]] = deque()
        self._wake = asyncio.Event()
        self._greeting: asyncio.Task[None] | None = None
        self._tasks = TaskSet(lambda e: log.error("bus task failed", exc_info=e))

    async def __aenter__(self) -> Self:
        self._tasks.spawn(self._stay_connected())
        self._tasks.spawn(self._send_outbox())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.connected and self._outbox:
            await self.flushed(2.0)
        await self._tasks.close()
        if self._client is not None and not self._client.is_closed:
            await self._quietly(self._client.close())
        _connected.set(0)

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def ready(self, timeout_s: float) -> bool:
        """True when the first connection was made within the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError:
            return False
        return True

    def on_connect(self, callback: OnConnect) -> None:
        self._on_connect.append(callback)

    def subscribe(self, subject: str, on_message: OnMessage) -> None:
        """Call before the connection is made (in `wire`). Messages of one subscription come one after the other."""
        self._subscriptions.append((subject, on_message))

    @property
    def client(self) -> object:
        """The present connection, to tell it from the next."""
        return self._client

    def jetstream(self) -> JetStreamContext:
        """Raises Unavailable while there is no connection."""
        if self._client is None or not self._client.is_connected:
            raise Unavailable("NATS is away")
        return self._client.jetstream(timeout=1.0)

    async def publish(self, subject: str, data: bytes, traceparent: str = "") -> None:
        """Say it once, to whoever listens now. While NATS is away it is not said at all: it would come too late."""
        if self._client is None or not self._client.is_connected:
            return
        headers = {"at": f"{time.time():.3f}", "traceparent": traceparent}
        await self._quietly(self._client.publish(subject, data, headers=headers))

    def record(self, call_id: str, message_id: str, data: bytes) -> None:
        """Keep an event record: queued here, stored as soon as NATS takes it. Never waits."""
        if len(self._outbox) >= OUTBOX:
            self._outbox.popleft()
            _dropped.labels("outbox full").inc()
        self._outbox.append((f"call.{call_id}.event", data, message_id))
        _waiting.set(len(self._outbox))
        self._wake.set()

    async def flushed(self, timeout_s: float) -> bool:
        """True when all records were stored within the time."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._outbox:  # noqa: ASYNC110 - at shutdown only
                    await asyncio.sleep(0.01)
        except TimeoutError:
            return False
        return True

    async def _stay_connected(self) -> None:
        while True:
            self._closed.clear()
            try:
                self._client = await self._connect()
                await self._prepare()
            except (OSError, ValueError, NatsError, TimeoutError) as e:
                log.warning("no connection to NATS", error=type(e).__name__)
                if self._client is not None:
                    await self._quietly(self._client.close())
                await asyncio.sleep(0.5)
                continue
            await self._closed.wait()
            log.error("NATS closed the connection for good; connecting anew")
            await asyncio.sleep(0.5)

    async def _connect(self) -> Client:
        password = self._settings.nats_password.get_secret_value()
        auth = {"user": self._settings.nats_user, "password": password} if self._settings.nats_user else {}
        return await nats.connect(
            servers=addresses(self._settings.nats_url),
            name=f"parley-{self._name}",
            inbox_prefix=f"_INBOX_{self._settings.nats_user or self._name}",
            connect_timeout=2,
            reconnect_time_wait=0.1,
            max_reconnect_attempts=-1,
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
            **auth,
        )

    async def _prepare(self) -> None:
        assert self._client is not None
        for subject, on_message in self._subscriptions:
            await self._client.subscribe(subject, cb=_fresh(on_message))
        await self._greet()

    async def _greet(self) -> None:
        _connected.set(1)
        if self._greeting is not None:
            self._greeting.cancel()
        left = await self._greeted(self._on_connect)
        if left:
            self._greeting = self._tasks.spawn(self._greet_again(left))
        self._up.set()
        self._wake.set()

    async def _greeted(self, callbacks: list[OnConnect]) -> list[OnConnect]:
        """Run what is due at a connection; gives those that NATS was not ready for."""
        left: list[OnConnect] = []
        for callback in callbacks:
            try:
                await callback(self)
            except (NatsError, TimeoutError, Unavailable) as e:
                log.warning("NATS is not ready yet", error=str(e) or type(e).__name__)
                left.append(callback)
        return left

    async def _greet_again(self, left: list[OnConnect]) -> None:
        """JetStream may elect a leader for seconds after the connection stands. The next connection starts anew."""
        while left and self.connected:
            await asyncio.sleep(0.5)
            left = await self._greeted(left)

    async def _on_error(self, error: Exception) -> None:
        log.warning("NATS error", error=str(error))

    async def _on_disconnected(self) -> None:
        _connected.set(0)
        log.warning("NATS connection lost")

    async def _on_reconnected(self) -> None:
        log.info("NATS connection is back")
        self._tasks.spawn(self._greet())

    async def _on_closed(self) -> None:
        _connected.set(0)
        self._closed.set()

    async def _send_outbox(self) -> None:
        """Store the records, several at once; what was not acknowledged is sent again (the message id dedupes)."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outbox and self.connected:
                batch = [self._outbox[i] for i in range(min(IN_FLIGHT, len(self._outbox)))]
                errors = await asyncio.gather(*(self._store(*record) for record in batch))
                for record in batch:
                    if any(errors) or not self._outbox or self._outbox[0] is not record:
                        break
                    self._outbox.popleft()
                _waiting.set(len(self._outbox))
                if any(errors):
                    log.warning("event records wait", waiting=len(self._outbox), error=next(filter(None, errors)))
                    await asyncio.sleep(0.5)

    async def _store(self, subject: str, data: bytes, message_id: str) -> str:
        """Why the record is not stored; "" when there is nothing more to do for it."""
        try:
            await self.jetstream().publish(subject, data, timeout=2.0, headers={"Nats-Msg-Id": message_id})
        except (MaxPayloadError, BadRequestError):  # it never will be: it must not hold up the others
            _dropped.labels("refused").inc()
            log.error("an event record is refused, perhaps too large", subject=subject, bytes=len(data))
        except (NatsError, TimeoutError, Unavailable) as e:
            return type(e).__name__
        return ""

    async def _quietly(self, awaitable: Awaitable[Any]) -> None:
        try:
            async with asyncio.timeout(1.0):
                await awaitable
        except (NatsError, TimeoutError, OSError) as e:
            log.warning("NATS did not take it", error=type(e).__name__)


def _fresh(on_message: OnMessage) -> Callable[[Msg], Awaitable[None]]:
    """Skip control messages that a reconnect delivers late."""

    async def receive(message: Msg) -> None:
        headers = message.headers or {}
        at = headers.get("at")
        if at is not None and time.time() - float(at) > STALE_S:
            _late.inc()
            return
        await on_message(message.subject, message.data, headers)

    return receive


async def make_events_stream(bus: Bus, replicas: int) -> None:
    """Create the stream of event records, or leave it as it is."""
    config = StreamConfig(
        name=EVENTS_STREAM,
        subjects=[EVENTS_SUBJECT],
        max_age=EVENTS_AGE_S,
        max_bytes=EVENTS_BYTES,
        storage=StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=120,
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
