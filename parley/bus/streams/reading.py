"""What a stream keeps, in its order and without a hole, from a number on: for who remembers that number himself.

    reader = await Reader.open(bus, after=4711, stream=made)     # who was told up to 4711
    for each in await reader.next(256, wait_s=5.0):
        ...                                                      # keep it together with `each.seq`

NATS remembers nothing of who reads, so that nothing has to be acknowledged, and nothing is delivered twice or past its
place when a process dies: whoever goes on opens at the number that was kept. A hole in what arrives (the connection was
made anew) ends the reading; it is opened again then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import Error as JetStreamError

from parley.bus.connection import Bus
from parley.bus.streams.records import EVENTS_STREAM, EVENTS_SUBJECT
from parley.errors import Unavailable

IDLE_S = 300.0
"""What NATS keeps of a reader that asks no more is gone after so long."""
_LOST = (NatsError, JetStreamError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Kept:
    """One message. `seq`: its place in the stream."""

    seq: int
    data: bytes


class Reader:
    """`stream`: when the stream was made, as text; `behind`: how many messages were still to come when last told."""

    def __init__(self, bus: Bus, pulling: JetStreamContext.PullSubscription, stream: str, behind: int) -> None:
        self._bus = bus
        self._client = bus.client
        self._pulling = pulling
        self._delivered = 0
        self.stream = stream
        self.behind = behind

    @classmethod
    async def open(
        cls, bus: Bus, after: int, stream: str, name: str = EVENTS_STREAM, subject: str = EVENTS_SUBJECT
    ) -> Self:
        """Read what came after number `after` of the stream that was made at `stream`; of another one, all. Raises
        Unavailable."""
        try:
            js = bus.jetstream()
            info = await js.stream_info(name)
            made = str(info.created or "")
            first = after + 1 if stream in ("", made) and after <= info.state.last_seq else 1
            config = ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=max(1, first),
                ack_policy=AckPolicy.NONE,
                inactive_threshold=IDLE_S,
                num_replicas=1,
                mem_storage=True,
            )
            pulling = await js.pull_subscribe(subject, stream=name, config=config)
        except _LOST as e:
            raise Unavailable(f"the stream {name} cannot be read ({type(e).__name__})") from e
        return cls(bus, pulling, made, max(0, info.state.last_seq - first + 1))

    async def next(self, limit: int, wait_s: float) -> list[Kept]:
        """Up to `limit` messages, in order; none when none came within the time. Raises Unavailable: open it again."""
        if self._bus.client is not self._client or not self._bus.connected:
            raise Unavailable("the connection to NATS is another one")
        try:
            messages = await self._pulling.fetch(limit, timeout=wait_s)
        except TimeoutError:
            return []
        except _LOST as e:
            raise Unavailable(f"the stream cannot be read ({type(e).__name__})") from e
        kept = []
        for message in messages:
            _, seq, delivered, behind = _places(message.reply)
            if delivered != self._delivered + 1:
                raise Unavailable("a message was lost on its way")
            self._delivered, self.behind = delivered, behind
            kept.append(Kept(seq, message.data))
        return kept

    async def close(self) -> None:
        """NATS forgets who does not ask; the subscription here ends now."""
        try:
            await self._pulling.unsubscribe()
        except _LOST:
            return


def _places(reply: str) -> tuple[int, int, int, int]:
    """Deliveries of the message, its place in the stream, in what was delivered, and how many come behind it:
    `$JS.ACK.[domain.account.]stream.consumer.<these, with the time before the last>[.token]`."""
    parts = reply.split(".")
    base = 4 if len(parts) <= 9 else 6
    return int(parts[base]), int(parts[base + 1]), int(parts[base + 2]), int(parts[base + 4])
