"""A durable consumer: what a stream keeps is given once each, also after a restart of who follows it.

    following = Following(bus, "my-bookkeeping")
    while True:
        for delivered in await following.next(100):
            ...
            await delivered.done()

What is neither done nor given back within `ack_wait_s` is delivered again, to this process or to another one that
follows by the same name; so is what a process had when it died. Who publishes never waits for who follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from parley.bus.connection import Bus
from parley.bus.streams.records import EVENTS_STREAM, EVENTS_SUBJECT
from parley.errors import Unavailable
from parley.process.log_limit import Seldom

log = structlog.get_logger()

PULL_S = 5.0  # one request waits so long for messages; it is lost with its connection
CHECK_S = 30.0  # so often the consumer is made sure of: somebody may have removed it
AGAIN_S = 0.5
IDLE_DAYS = 30
"""A consumer that nobody asked for so long is forgotten by NATS."""
_LOST = (NatsError, JetStreamError, TimeoutError, Unavailable, OSError, ConnectionError)


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message. `seq`: its place in the stream; `tries`: how often it was delivered, 1 the first time; `at_ms`: when
    it was stored, since 1970; `behind`: how many are still to come after it."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    seq: int
    tries: int
    at_ms: int
    behind: int
    _message: Msg

    async def done(self) -> None:
        """It is not delivered again, unless NATS does not hear of it."""
        await _quietly(self._message.ack())

    async def again(self, delay_s: float) -> None:
        """Not now: deliver it again after so long."""
        await _quietly(self._message.nak(delay=delay_s))

    async def working(self) -> None:
        """It takes longer: the time until it is delivered again begins anew."""
        await _quietly(self._message.in_progress())


class Following:
    """What this process follows. `room`: at most so many are under way at once, in all processes of this `name`.

    `since`: where a name begins that was never heard of, at all that is kept (`all`) or with what is new.
    """

    def __init__(
        self,
        bus: Bus,
        name: str,
        subject: str = EVENTS_SUBJECT,
        stream: str = EVENTS_STREAM,
        *,
        room: int = 512,
        ack_wait_s: float = 30.0,
        since: str = "all",
    ) -> None:
        self._bus = bus
        self._stream = stream
        self._config = ConsumerConfig(
            name=name,
            durable_name=name,
            filter_subject=subject,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait_s,
            max_deliver=-1,
            max_ack_pending=room,
            deliver_policy=DeliverPolicy.NEW if since == "new" else DeliverPolicy.ALL,
            inactive_threshold=IDLE_DAYS * 86_400,
        )
        self._bound: tuple[object, float, JetStreamContext.PullSubscription] | None = None
        self._trouble = Seldom(patience_s=10.0)
        self.name = name

    async def next(self, limit: int) -> list[Delivered]:
        """From 1 to `limit` messages, in the order of the stream; waits for them, also for NATS."""
        while True:
            try:
                subscription = await self._subscription()
            except _LOST as e:
                self._trouble.warning("cannot be followed now", name=self.name, error=str(e) or type(e).__name__)
                self._bound = None
                await asyncio.sleep(AGAIN_S)
                continue
            try:
                messages = await subscription.fetch(limit, timeout=PULL_S)
            except TimeoutError:
                continue
            except _LOST as e:
                self._trouble.warning("cannot be followed now", name=self.name, error=str(e) or type(e).__name__)
                self._bound = None
                await asyncio.sleep(AGAIN_S)
                continue
            self._trouble.over()
            if messages:
                return [_delivered(message) for message in messages]

    async def behind(self) -> int:
        """How many were never delivered yet, or not done. Raises Unavailable."""
        try:
            info = await self._bus.jetstream().consumer_info(self._stream, self.name)
        except NotFoundError:
            return 0
        except _LOST as e:
            raise Unavailable(f"the consumer {self.name} cannot be asked ({type(e).__name__})") from e
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    async def close(self) -> None:
        """Ask for no more. What was delivered and is not done comes again, to whoever follows by this name."""
        if self._bound is not None:
            await _quietly(self._bound[2].unsubscribe())
            self._bound = None

    async def _subscription(self) -> JetStreamContext.PullSubscription:
        now = asyncio.get_running_loop().time()
        client = self._bus.client
        if self._bound is not None and self._bound[0] is client and now - self._bound[1] < CHECK_S:
            return self._bound[2]
        js = self._bus.jetstream()
        await js.add_consumer(self._stream, self._config)  # leaves one that is the same as it is
        if self._bound is not None and self._bound[0] is client:
            subscription = self._bound[2]
        else:
            subscription = await js.pull_subscribe_bind(durable=self.name, stream=self._stream)
        self._bound = client, now, subscription
        return subscription


def _delivered(message: Msg) -> Delivered:
    at = message.metadata
    return Delivered(
        message.subject,
        message.data,
        message.headers or {},
        at.sequence.stream,
        at.num_delivered,
        int(at.timestamp.timestamp() * 1000),
        at.num_pending,
        message,
    )


async def _quietly(told: Awaitable[object]) -> None:
    """What does not reach NATS comes again."""
    try:
        async with asyncio.timeout(1.0):
            await told
    except _LOST as e:
        log.debug("NATS was not told", error=type(e).__name__)
