"""Calls whose state nobody has written for a while: who looks for them need not go through all calls.

The stream of states is in the order of writing, and keeps the last state of each call. A live one is written again and
again, and so is always near the stream's end; what is old stands at its beginning. Each look goes on where the last
one ended, and ends at the first state that is young.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import Error as JetStreamError

from parley.bus.callstate import BUCKET
from parley.bus.connection import Bus
from parley.errors import Unavailable

PAGE = 200
PAGES = 50
"""Of one look. What is more comes with the next."""
LOOK_S = 5.0
_STREAM = f"KV_{BUCKET}"
_PREFIX = f"$KV.{BUCKET}."


@dataclass(frozen=True, slots=True)
class Old:
    """`revision`: the state's, as it was when it was seen. `written`: Unix time."""

    revision: int
    written: float

    @property
    def age_s(self) -> float:
        return time.time() - self.written


class Untouched:
    """What one process has seen of them so far."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._made: datetime | None = None  # the stream, which may be made anew
        self._seen = 0  # everything in it up to here
        self._old: dict[str, Old] = {}

    async def look(self, age_s: float) -> dict[str, Old]:
        """States not written for so long, by call id; also those of earlier looks that were not forgotten. Raises
        Unavailable."""
        try:
            async with asyncio.timeout(LOOK_S):
                js = self._bus.jetstream()
                stream = await js.stream_info(_STREAM)
                if stream.created != self._made:
                    self._made, self._seen, self._old = stream.created, 0, {}
                if stream.state.last_seq > self._seen:
                    await self._read_on(js, age_s)
        except (NatsError, JetStreamError, TimeoutError) as e:
            raise Unavailable("the states of the calls cannot be looked through") from e
        return dict(self._old)

    def forget(self, call_id: str) -> None:
        """It is cleared away, or was written meanwhile: then it will be seen again when that is old."""
        self._old.pop(call_id, None)

    async def _read_on(self, js: JetStreamContext, age_s: float) -> None:
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._seen + 1,
            ack_policy=AckPolicy.NONE,
            headers_only=True,
            mem_storage=True,
            num_replicas=1,
            inactive_threshold=2 * LOOK_S,
        )
        reading = await js.pull_subscribe(f"{_PREFIX}>", stream=_STREAM, config=config)
        try:
            pending = (await reading.consumer_info()).num_pending or 0
            for _ in range(PAGES):
                if not pending:
                    return
                page = await reading.fetch(min(PAGE, pending), timeout=LOOK_S)
                pending -= len(page)
                for message in page:
                    if not self._is_old(message, age_s):
                        return
        finally:
            await reading.unsubscribe()

    def _is_old(self, message: Msg, age_s: float) -> bool:
        at = message.metadata
        old = Old(at.sequence.stream, at.timestamp.timestamp())
        if old.age_s < age_s:
            return False
        self._seen = old.revision
        if not (message.headers or {}).get("KV-Operation"):  # else it says that the call was cleared away
            self._old[message.subject.removeprefix(_PREFIX)] = old
        return True
