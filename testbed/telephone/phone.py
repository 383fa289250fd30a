"""A telephone behind a carrier that does with a call what Twilio does. It calls a gateway, in real time.

    async with Clock() as clock:
        phone = Phone("http://127.0.0.1:8080", clock)
        async with phone.dial() as call:
            await call.until_bot_speaks()
            await call.until_bot_silent(600)
            await call.say(mulaw)                # returns when its last frame is sent
            await call.until_bot_speaks()
            await call.hang_up()
        call.heard.mulaw()                       # what the caller heard, silence included
        call.warnings                            # what the carrier would complain about

With a list of URLs, or a `Front` that phones share, the gateways stand behind one address, as behind a load balancer
that takes the first that is ready: a call whose gateway dies is brought back by the next verb of its TwiML, to another.

Audio is µ-law, 8 kHz. All times are seconds of `time.monotonic()`. One thing is more lenient than Twilio: on a
loopback address the stream's URL may be ws.
"""

from __future__ import annotations

import asyncio
import binascii
import secrets
import time
from array import array
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import nan

from parley.aio import background
from parley.errors import ParleyError
from testbed.telephone.carrier import Warned
from testbed.telephone.clock import Clock
from testbed.telephone.exchange import Exchange, Subscriber
from testbed.telephone.front import Front
from testbed.telephone.heard import Heard
from testbed.telephone.stream import FRAME, PERFECT, Conditions, MediaStream

__all__ = ["Call", "CallOver", "Clock", "Conditions", "Phone", "Spoken"]

_SILENCE = binascii.b2a_base64(b"\xff" * FRAME, newline=False).decode()


class CallOver(Exception):
    """The call ended before what was waited for."""


@dataclass(eq=False)
class Spoken:
    """Something the caller says. `start` and `end`: when its first and its last frame were sent; nan until then."""

    data: bytes
    at: float
    done: asyncio.Future[None] = field(repr=False)
    start: float = nan
    end: float = nan
    sent: int = 0


CALLED = "+15550100"
"""Which number is called, unless another is said."""


class Phone:
    """Calls a gateway, or any of several; a phone may have several calls. For the arguments see `Subscriber`."""

    def __init__(
        self,
        gateway_url: str | Sequence[str] | Front,
        clock: Clock,
        *,
        from_: str = "+15550111",
        to: str = CALLED,
        agent: str = "",
        auth_token: str = "",
        account_sid: str = "AC" + "0" * 32,
        public_url: str = "",
        conditions: Conditions = PERFECT,
        dial_status: str = "no-answer",
        dial_s: float = 0.5,
    ) -> None:
        self._clock = clock
        self._who = Subscriber(
            gateway_url if isinstance(gateway_url, Front) else Front(gateway_url, public_url),
            from_,
            to,
            agent,
            auth_token,
            account_sid,
            conditions,
            dial_status,
            dial_s,
        )

    @asynccontextmanager
    async def dial(self, call_sid: str = "") -> AsyncIterator[Call]:
        """A call, once its first stream runs or it is over. Hung up when the block is left.

        Raises Unavailable, BadInput: the webhook gave no TwiML at all.
        """
        call = Call(self._who, self._clock, call_sid or f"CA{secrets.token_hex(16)}")
        async with background(call._run()):
            try:
                await call._answered_or_over()
                yield call
            finally:
                await call.hang_up()


class Call:
    """One call, made by `Phone.dial`."""

    def __init__(self, who: Subscriber, clock: Clock, sid: str) -> None:
        self.sid = sid
        self.born = time.monotonic()
        """Zero of the timeline."""
        self.answered_at = nan
        self.ended_at = nan
        self.heard = Heard(self.born)
        self.sent_at = array("d")
        """When each frame was sent, one every 20 ms since the call was answered."""
        self.lost_frames = 0
        """Frames that fell between two streams."""
        self.spoken: list[Spoken] = []
        self.microphone: Callable[[float], bytes] | None = None
        """Gives the next 20 ms of sound, 160 bytes, at each tick's time; then nothing that was queued is said."""
        self._clock = clock
        self._queue: deque[Spoken] = deque()
        self._exchange = Exchange(who, sid, self.heard, self._wake)
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters: set[asyncio.Future[None]] = set()

    # What the caller does

    def speak(self, mulaw: bytes, at: float = 0.0) -> Spoken:
        """Queue speech, to begin now or at `at`, after what is queued already."""
        whole = mulaw + b"\xff" * (-len(mulaw) % FRAME)
        spoken = Spoken(whole, at, asyncio.get_running_loop().create_future())
        if self._over.done() or not whole:
            spoken.done.set_result(None)
            return spoken
        self.spoken.append(spoken)
        self._queue.append(spoken)
        return spoken

    async def say(self, mulaw: bytes, at: float = 0.0) -> Spoken:
        """Speak; returns when the last frame was sent. Cancelled: falls silent. Raises CallOver."""
        spoken = self.speak(mulaw, at)
        try:
            await spoken.done
        except asyncio.CancelledError:
            if spoken in self._queue:
                self._queue.remove(spoken)
            raise
        if spoken.sent < len(spoken.data):
            raise CallOver("the call ended while the caller spoke")
        return spoken

    def dtmf(self, digits: str) -> None:
        """Press keys: 0-9, *, #, A-D. Raises CallOver when no stream is open."""
        if self._exchange.live is None:
            raise CallOver("no stream is open to press keys on")
        for digit in digits:
            self._exchange.live.dtmf(digit)

    async def hang_up(self) -> None:
        """Put the receiver down and wait until the call is over."""
        self._exchange.end("caller")
        await asyncio.shield(self._over)

    # What others do to the call

    def cut(self) -> None:
        """The carrier loses the stream's connection without a word; the call goes on with the next verb."""
        if self._exchange.live is not None:
            self._exchange.live.cut()

    def update(self, *, status: str = "", document: str = "") -> None:
        """As the carrier's REST API: `document` replaces the running TwiML, `status` completed ends the call."""
        if document:
            self._exchange.replace(document)
        elif status in ("completed", "canceled"):
            self._exchange.end("rest")

    # What there is to see

    @property
    def status(self) -> str:
        """As in webhooks: `ringing`, `in-progress`, `completed`."""
        return self._exchange.status

    @property
    def ended_by(self) -> str:
        """`caller`, `bot`, `rest`, `end of TwiML`, `failed`; empty while the call lasts."""
        return self._exchange.ended_by

    @property
    def failure(self) -> ParleyError | None:
        return self._exchange.failure

    @property
    def streams(self) -> Sequence[MediaStream]:
        return self._exchange.streams

    @property
    def documents(self) -> Sequence[str]:
        """All TwiML of this call."""
        return self._exchange.documents

    @property
    def announced(self) -> Sequence[str]:
        """What the carrier itself was told to `<Say>`. It makes no sound here."""
        return self._exchange.announced

    @property
    def dialled(self) -> Sequence[str]:
        return self._exchange.dialled

    @property
    def warnings(self) -> Sequence[Warned]:
        return self._exchange.debugger.warnings

    @property
    def over(self) -> bool:
        return self._over.done()

    # What there is to wait for

    async def until_over(self) -> None:
        await asyncio.shield(self._over)

    async def until_bot_speaks(self, since: float | None = None, timeout_s: float = 15.0) -> float:
        """Until an audible sample sounds at or after `since` (now); returns when it did.

        Raises CallOver, TimeoutError.
        """
        since = time.monotonic() if since is None else since
        async with asyncio.timeout(timeout_s):
            while True:
                sounds = self.heard.first_audible(since)
                if sounds is not None and sounds <= time.monotonic():
                    return sounds
                if self._over.done():
                    raise CallOver("the call ended before the bot spoke")
                await self._stir(sounds)

    async def until_bot_silent(self, ms: float = 600.0, timeout_s: float = 60.0) -> float:
        """Until nothing audible has sounded for `ms`, or the call is over; returns the end of the last sound.

        Raises TimeoutError.
        """
        async with asyncio.timeout(timeout_s):
            while True:
                ended = self.heard.last_audible()
                quiet = ended + ms / 1000
                if quiet <= time.monotonic() or self._over.done():
                    return ended
                await self._stir(quiet)

    # Inside

    def tick(self, now: float) -> None:
        """Every 20 ms: one frame."""
        self.sent_at.append(now)
        payload = _SILENCE
        if self.microphone is not None:
            payload = binascii.b2a_base64(self.microphone(now), newline=False).decode("ascii")
        elif self._queue and self._queue[0].at <= now:
            payload = self._next_frame(self._queue[0], now)
        if (stream := self._exchange.live) is None:
            self.lost_frames += 1
        else:
            stream.send_frame(payload)

    def _next_frame(self, spoken: Spoken, now: float) -> str:
        if not spoken.sent:
            spoken.start = now
        frame = spoken.data[spoken.sent : spoken.sent + FRAME]
        spoken.sent += FRAME
        spoken.end = now
        if spoken.sent >= len(spoken.data):
            self._queue.popleft()
            if not spoken.done.done():
                spoken.done.set_result(None)
        return binascii.b2a_base64(frame, newline=False).decode("ascii")

    async def _run(self) -> None:
        self._exchange.answered.add_done_callback(lambda _: self._begin())
        try:
            await self._exchange.run()
        finally:
            self._clock.leave(self)
            self.ended_at = time.monotonic()
            for spoken in self._queue:
                if not spoken.done.done():
                    spoken.done.set_result(None)
            self._queue.clear()
            self._over.set_result(None)
            self._wake()

    def _begin(self) -> None:
        if not self._over.done():
            self.answered_at = time.monotonic()
            self._clock.join(self)

    async def _answered_or_over(self) -> None:
        await asyncio.wait({self._exchange.answered, self._over}, return_when=asyncio.FIRST_COMPLETED)
        if not self.documents and self.failure is not None:
            raise self.failure

    async def _stir(self, until: float | None) -> None:
        """Until something changes in what is heard, or the time has come."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait({waiter}, timeout=None if until is None else max(0.0, until - time.monotonic()))
        finally:
            self._waiters.discard(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
