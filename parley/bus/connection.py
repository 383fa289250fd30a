"""The one NATS connection of a process.

It is made in the background and made again for ever: a service starts, and calls go on, without NATS. A node that is
silent for some seconds is left for another (`PING_S`). Some errors, such as a refused password, close the client for
good: then another client is made.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError, SlowConsumerError
from nats.js import JetStreamContext
from prometheus_client import Counter, Gauge

from parley.aio import TaskSet
from parley.bus.streams.outbox import OnDone, Outbox, Record
from parley.errors import Unavailable
from parley.process.log_limit import Seldom
from parley.security.certificates import Certificates
from parley.settings import Settings, addresses

log = structlog.get_logger()

PING_S = 1  # a node that missed PINGS of these is left for another
PINGS = 2
QUEUED = 4096  # control messages a subscription may have waiting; over it they are dropped and counted
ASKED = 64  # questions that may wait for an answer; over it they have none, and who asked is told by the time
WAIT_S = 0.1  # between two tries at the same node; as often as need be
RECONNECT_S = 0.5
LOOK_S = 1.0
STALE_S = 5.0  # a control message older than this arrived late, after a reconnect: it is ignored

_late = Counter("voice_control_messages_late_total", "Control messages ignored because a reconnect delivered them late")
_slow = Counter("voice_control_messages_dropped_total", "Control messages dropped: this process takes them too slowly")
_connected = Gauge("voice_nats_connected", "1 while connected to NATS")

OnMessage = Callable[[str, bytes, dict[str, str]], Awaitable[None]]
OnRequest = Callable[[bytes], Awaitable[bytes]]
OnConnect = Callable[["Bus"], Awaitable[None]]


class Bus:
    """One NATS connection of a process. Use as a context manager; `on_connect` runs at every (re)connection.

    Where no server is named (`PARLEY_NATS_URL=`) there is none: nothing is told to others, and nothing kept.
    Where servers are `tls://`, nothing is said to one that does not prove its name. Raises Misconfigured.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._certificates = Certificates.of(settings)
        self._name = name
        self._client: Client | None = None
        self._up = asyncio.Event()
        self._tried = asyncio.Event()
        self._closed = asyncio.Event()
        self._subscriptions: list[tuple[str, OnMessage]] = []
        self._answers: list[tuple[str, OnRequest]] = []
        self._on_connect: list[OnConnect] = []
        self._outbox = Outbox(self.jetstream)
        self._trouble = Seldom()
        self._leaving = False
        self._greeting: asyncio.Task[None] | None = None
        self._tasks = TaskSet(lambda e: log.error("bus task failed", exc_info=e))

    async def __aenter__(self) -> Self:
        if addresses(self._settings.nats_url):
            self._tasks.spawn(self._stay_connected())
            self._tasks.spawn(self._outbox.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.connected and self._outbox:
            await self.flushed(2.0)
        self._leaving = True  # the client loses a cancellation now and then (`asyncio.wait_for`, in 3.11)
        self._closed.set()
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

    async def tried(self, timeout_s: float) -> bool:
        """Whether the first connection was made, as soon as that is known: who is not there refuses at once."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._tried.wait()
        except TimeoutError:
            return False
        return self.connected

    def on_connect(self, callback: OnConnect) -> None:
        self._on_connect.append(callback)

    def subscribe(self, subject: str, on_message: OnMessage) -> None:
        """Call before the connection is made (in `wire`). Messages of one subscription come one after the other."""
        self._subscriptions.append((subject, on_message))

    def answer(self, subject: str, on_request: OnRequest) -> None:
        """Answer what is asked there; of several processes of this name one does, and one question after the other.
        Call before the connection is made. What `on_request` raises is in the log, and who asked waits in vain."""
        self._answers.append((subject, on_request))

    async def ask(self, subject: str, data: bytes, timeout_s: float) -> bytes:
        """The answer of one who answers there. Raises Unavailable: nobody does, or not within the time."""
        if self._client is None or not self._client.is_connected:
            raise Unavailable("NATS is away")
        try:
            return (await self._client.request(subject, data, timeout=timeout_s)).data
        except NoRespondersError:
            raise Unavailable(f"nobody answers at {subject}") from None
        except (NatsError, TimeoutError, OSError) as e:
            raise Unavailable(f"no answer from {subject} ({type(e).__name__}); may this user ask there?") from e

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

    def record(self, call_id: str, message_id: str, data: bytes, on_done: OnDone | None = None) -> None:
        """Keep an event record: queued here, stored as soon as NATS takes it. Never waits.

        `on_done(message_id)`: it is stored, or refused for good. The same `message_id` again is kept once.
        """
        self._outbox.put(Record(f"call.{call_id}.event", data, message_id, on_done, call_id))

    async def flushed(self, timeout_s: float) -> bool:
        """True when all records were stored within the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._outbox.empty()
        except TimeoutError:
            return False
        return True

    async def _stay_connected(self) -> None:
        while not self._leaving:
            self._closed.clear()
            try:
                self._client = await self._connect()
                await self._prepare()
            except (OSError, ValueError, NatsError, TimeoutError) as e:
                self._tried.set()
                self._trouble.warning("no connection to NATS", error=type(e).__name__)
                if self._client is not None:
                    await self._quietly(self._client.close())
                await asyncio.sleep(RECONNECT_S)
                continue
            await self._until_closed(self._client)
            if not self._leaving:
                self._trouble.warning("NATS closed the connection for good; connecting anew")
                await asyncio.sleep(RECONNECT_S)

    async def _until_closed(self, client: Client) -> None:
        """The client does not tell of every end: an error while it reconnects closes it without a word."""
        while not (client.is_closed or self._leaving):
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._closed.wait()
            except TimeoutError:
                continue
            return

    async def _connect(self) -> Client:
        password = self._settings.nats_password.get_secret_value()
        user = self._settings.nats_user
        client = _Client(self._certificates)
        await client.connect(
            servers=addresses(self._settings.nats_url),
            name=f"parley-{self._name}",
            inbox_prefix=f"_INBOX_{user or self._name}",
            connect_timeout=2,
            reconnect_time_wait=WAIT_S,  # type: ignore[arg-type] # it sleeps for so long, whole or not
            max_reconnect_attempts=-1,
            ping_interval=PING_S,
            max_outstanding_pings=PINGS,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
            user=user or None,
            password=password if user else None,
        )
        return client

    async def _prepare(self) -> None:
        assert self._client is not None
        for subject, on_message in self._subscriptions:
            await self._client.subscribe(subject, cb=_fresh(on_message), pending_msgs_limit=QUEUED)
        for subject, on_request in self._answers:
            await self._client.subscribe(subject, self._name, cb=_answering(on_request), pending_msgs_limit=ASKED)
        await self._greet()

    async def _greet(self) -> None:
        _connected.set(1)
        self._tried.set()
        self._outbox.wake()
        if self._greeting is not None:
            self._greeting.cancel()
        left = await self._greeted(self._on_connect)
        if left:
            self._greeting = self._tasks.spawn(self._greet_again(left))
        self._up.set()
        self._trouble.over()

    async def _greeted(self, callbacks: list[OnConnect]) -> list[OnConnect]:
        """Run what is due at a connection; gives those that NATS was not ready for."""
        left: list[OnConnect] = []
        for callback in callbacks:
            try:
                await callback(self)
            except (NatsError, TimeoutError, Unavailable) as e:
                self._trouble.warning("NATS is not ready yet", error=str(e) or type(e).__name__)
                left.append(callback)
        return left

    async def _greet_again(self, left: list[OnConnect]) -> None:
        """JetStream may elect a leader for seconds after the connection stands. The next connection starts anew."""
        while left and self.connected:
            await asyncio.sleep(0.5)
            left = await self._greeted(left)

    async def _on_error(self, error: Exception) -> None:
        self._tried.set()
        if isinstance(error, SlowConsumerError):
            _slow.inc()
        self._trouble.warning("NATS error", error=str(error) or type(error).__name__)

    async def _on_disconnected(self) -> None:
        _connected.set(0)
        if not self._leaving:
            self._trouble.warning("NATS connection lost")

    async def _on_reconnected(self) -> None:
        log.info("NATS connection is back")
        self._tasks.spawn(self._greet())

    async def _on_closed(self) -> None:
        _connected.set(0)
        self._closed.set()

    async def _quietly(self, awaitable: Awaitable[Any]) -> None:
        try:
            async with asyncio.timeout(1.0):
                await awaitable
        except (NatsError, TimeoutError, OSError) as e:
            self._trouble.warning("NATS did not take it", error=type(e).__name__)


class _Client(Client):
    """With the certificate of the moment at each connection, and never in the clear where TLS is asked for."""

    def __init__(self, certificates: Certificates | None) -> None:
        super().__init__()
        self._certificates = certificates

    @property
    def ssl_context(self) -> ssl.SSLContext:
        return super().ssl_context if self._certificates is None else self._certificates.now().context

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        # The server's first words, before any password is sent. The library itself goes on without TLS.
        tls = self._current_server is not None and self._current_server.uri.scheme == "tls"
        if initial_connection and tls and not info.get("tls_required"):
            raise NatsError("nats: the address says tls://, the server does not")
        await super()._process_info(info, initial_connection)


def _fresh(on_message: OnMessage) -> Callable[[Msg], Awaitable[None]]:
    """Skip control messages that a reconnect delivers late."""

    async def receive(message: Msg) -> None:
        headers = message.headers or {}
        at = headers.get("at")
        if at is not None and not _is_fresh(at):
            _late.inc()
            return
        await on_message(message.subject, message.data, headers)

    return receive


def _answering(on_request: OnRequest) -> Callable[[Msg], Awaitable[None]]:
    async def receive(message: Msg) -> None:
        if message.reply:
            await message.respond(await on_request(message.data))

    return receive


def _is_fresh(at: str) -> bool:
    """`at`: seconds since 1970 by the sender's clock. What cannot be read is not."""
    try:
        return time.time() - float(at) <= STALE_S
    except ValueError:
        return False
