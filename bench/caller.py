"""One caller of the bench: asks, listens, and talks over every second reply. Real time, Twilio's protocol."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from functools import lru_cache

from parley.audio import pcm_to_mulaw
from testbed.letters import LETTERS
from testbed.telephone.phone import Call, CallOver, Clock, Phone
from testbed.vendors.openai.script import Messages, Reply, Tools, last_heard
from testbed.vendors.wordcodec import render

REPLY = "thank you for asking about {mark}, it is ready for you at the shop since monday, come by any day."
TALK_OVER_AFTER_S = 1.0
PAUSE_S = 0.8  # of the caller, between a reply and the next question


def mark_of(caller: int, turn: int) -> str:
    """Three words that name one turn of one caller, so that its way through the vendors can be found."""
    return f"{LETTERS[caller // 16 % 16]} {LETTERS[caller % 16]} {LETTERS[turn % 16]}"


def reply_to(messages: Messages, tools: Tools) -> Reply:
    """What the model stand-in says: some 95 characters that name the turn."""
    words = last_heard(messages).lower().split()
    marks = [w for w in words if w.strip(".,?!") in LETTERS][-3:]
    return Reply(REPLY.format(mark=" ".join(m.strip(".,?!") for m in marks) or "that"))


@lru_cache(maxsize=8192)
def speech(text: str) -> bytes:
    rendered = render(text)
    return pcm_to_mulaw(rendered.pcm[: int(rendered.words[-1].end_ms * rendered.rate / 1000)])


def question(mark: str) -> str:
    """About 3 s of speech."""
    return f"tell me about order {mark}"


def interruption(mark: str) -> str:
    return f"sorry no wait what about the order {mark}"


@dataclass
class Turn:
    """One question and what came back. Times: seconds of `time.monotonic()`."""

    mark: str
    started: float
    spoken: float  # last frame of speech sent
    answered: float | None = None
    talked_over: bool = False
    cleared: float | None = None  # for a turn that talks over the bot: when `clear` came


@dataclass
class Caller:
    """Runs one call and keeps its turns."""

    number: int
    phone: Phone
    turns: list[Turn] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    failure: str = ""
    warnings: int = 0

    async def run(self, until: float) -> None:
        try:
            async with self.phone.dial() as call:
                await call.until_bot_speaks()
                await call.until_bot_silent(400)
                await self._talk(call, until)
                self.gaps = [length for _, length in call.heard.gaps()]
                self.warnings = len(call.warnings)
                if call.over:
                    self.failure = self.failure or f"the call ended by itself ({call.ended_by})"
        except (CallOver, TimeoutError) as e:
            self.failure = f"{type(e).__name__}: {e}"

    async def _talk(self, call: Call, until: float) -> None:
        number = 0
        over = False
        while time.monotonic() < until:
            mark = mark_of(self.number, number)
            text = interruption(mark) if over else question(mark)
            clears = len(call.heard.clears)
            spoken = await call.say(speech(text))
            turn = Turn(mark, spoken.start, spoken.end, talked_over=over)
            if over and len(call.heard.clears) > clears:
                turn.cleared = call.heard.clears[clears].at
            self.turns.append(turn)
            turn.answered = await self._answer(call, spoken.end)
            number += 1
            over = number % 2 == 1 and turn.answered is not None
            if over:
                await asyncio.sleep(TALK_OVER_AFTER_S)
            else:
                await call.until_bot_silent(400)
                await asyncio.sleep(PAUSE_S)

    async def _answer(self, call: Call, since: float) -> float | None:
        try:
            return await call.until_bot_speaks(since, timeout_s=5.0)
        except TimeoutError:
            return None


async def run_callers(gateway_url: str, count: int, seconds: float, ramp_s: float, agent: str = "") -> list[Caller]:
    """`count` calls at once for `seconds` after the last one was set up."""
    async with Clock() as clock, asyncio.TaskGroup() as group:
        callers = [Caller(i, Phone(gateway_url, clock, agent=agent)) for i in range(count)]
        until = time.monotonic() + ramp_s + seconds
        for i, caller in enumerate(callers):
            group.create_task(caller.run(until))
            if i + 1 < count:
                await asyncio.sleep(ramp_s / count)
    return callers
