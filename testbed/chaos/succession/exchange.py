"""One exchange of a caller as it goes: a question, perhaps something said into its answer, and what is heard."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from math import inf

from testbed.chaos.scene import ANSWER_S, sound
from testbed.chaos.succession.blows import Blows
from testbed.chaos.succession.chatter import Topic
from testbed.telephone.phone import Call, CallOver, Spoken
from testbed.vendors.recorder import heard_words
from testbed.vendors.wordcodec import words_of

DONE_MS = 1_000.0
"""Silence after which it is looked whether the answer has been heard."""
PATIENCE_S = 12.0
"""Silence after which no answer is waited for: what stood still goes on after 5 s, and is found out."""
LONGEST_S = 75.0
_TAIL_S = 0.5
"""Of sound that follows an exchange and still belongs to it."""


@dataclass
class Line:
    """Something said. `lost`: frames of it that reached no gateway, the call being between two legs."""

    text: str
    spoken: Spoken
    lost: int


@dataclass
class Exchange:
    """Times: `time.monotonic()`. `broke`: when a leg of the call was lost; `lost`: why the call is over."""

    caller: str
    topic: Topic
    call: Call
    began: float
    lines: list[Line] = field(default_factory=list)
    broke: list[float] = field(default_factory=list)
    ended: float = 0.0
    trouble: str = ""
    lost: str = ""

    @property
    def over(self) -> Line | None:
        """What was said into the answer."""
        return self.lines[1] if len(self.lines) > 1 else None

    @property
    def asked_at(self) -> float:
        """End of the words that are to be answered."""
        place = 1 if self.topic.interrupts else 0
        return self.lines[place].spoken.end if len(self.lines) > place else inf

    def sound(self, since: float) -> bytes:
        until = min(self.ended or time.monotonic(), time.monotonic())
        return self.call.heard.mulaw(until, since)


def answered(sound: bytes, answers: Sequence[str]) -> bool:
    """Whether one of the answers has been heard, with all its words."""
    heard = Counter(word.text for word in heard_words(sound))
    return any(not Counter(words_of(answer)) - heard for answer in answers)


async def exchange(caller: str, call: Call, topic: Topic, blows: Blows, pool: Executor | None) -> Exchange:
    """Until the answer has been heard, or nothing is heard for so long that there will be none. `pool`: listens."""
    each = Exchange(caller, topic, call, time.monotonic())
    watch = asyncio.ensure_future(_legs(call, each.broke))
    aimed: list[asyncio.Future[None]] = []
    try:
        async with asyncio.timeout(LONGEST_S):
            await _say(each, topic.question)
            if topic.over:
                await _into_the_answer(each, blows, aimed)
            await _answer(each, pool)
    except (CallOver, TimeoutError) as error:
        each.trouble = f"{type(error).__name__}: {error}".rstrip(": ")
    finally:
        watch.cancel()
        await asyncio.gather(watch, *aimed, return_exceptions=True)
    each.ended = time.monotonic() + _TAIL_S
    each.lost = f"{call.ended_by} {call.failure or ''}".strip() if call.over else ""
    return each


async def _say(each: Exchange, text: str) -> None:
    before = each.call.lost_frames
    spoken = await each.call.say(sound(text))
    each.lines.append(Line(text, spoken, each.call.lost_frames - before))


async def _into_the_answer(each: Exchange, blows: Blows, aimed: list[asyncio.Future[None]]) -> None:
    topic = each.topic
    began = await each.call.until_bot_speaks(each.lines[0].spoken.end, 2 * ANSWER_S)
    await asyncio.sleep(max(0.0, began + topic.into_s - time.monotonic()))
    now = time.monotonic()
    why = f"{each.caller} says {topic.over!r}"
    aimed += [asyncio.ensure_future(blows.at_ears(each.caller, now + aim, why)) for aim in topic.aims]
    await _say(each, topic.over)


async def _answer(each: Exchange, pool: Executor | None) -> None:
    """What is heard after a silence may still be the answer."""
    call, since = each.call, each.lines[-1].spoken.end
    while True:
        try:
            since = await call.until_bot_speaks(since, PATIENCE_S)
        except TimeoutError:
            return
        since = await call.until_bot_silent(DONE_MS, LONGEST_S) + 0.001
        heard = each.sound(each.lines[0].spoken.end)
        if await asyncio.get_running_loop().run_in_executor(pool, answered, heard, each.topic.answers):
            return


async def _legs(call: Call, broke: list[float]) -> None:
    """Note when the call's stream is lost, and the next, and the next."""
    while True:
        stream = call.streams[-1]
        await asyncio.wait({stream.closed})
        broke.append(time.monotonic())
        while call.streams[-1] is stream:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
