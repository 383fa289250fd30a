"""What a caller does in a call: waits for the greeting, says one thing after the other, may interrupt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from testbed.telephone.heard import RATE, audible
from testbed.telephone.phone import Call, CallOver, Spoken

GREETING_S = 8.0
"""A bot that has not greeted by then is spoken to anyway."""
_STILL_S = 0.1


@dataclass(frozen=True)
class Line:
    """Something to say: its words, as far as they are known, and its sound."""

    words: str
    mulaw: bytes


@dataclass(frozen=True)
class Script:
    """`barge_in`: seconds into each answer after which `interruption` is said.

    `patience_s`: how long an answer is waited for; `pause_s`: the silence after which it is taken to be over.
    """

    lines: Sequence[Line]
    interruption: Line | None = None
    barge_in_s: float = 0.0
    patience_s: float = 15.0
    pause_s: float = 1.2


async def converse(call: Call, script: Script) -> list[str]:
    """Hold the conversation and hang up. Returns the words of everything that was said, also when it broke off."""
    said: list[str] = []
    try:
        await _greeted(call, script)
        for line in script.lines:
            said.append(line.words)
            if not await _answered(call, await call.say(line.mulaw), script):
                continue
            if script.interruption is not None:
                await _talk_over(call, script.interruption, script, said)
            await call.until_bot_silent(script.pause_s * 1000)
    except CallOver:
        pass
    await call.hang_up()
    return said


async def _greeted(call: Call, script: Script) -> None:
    try:
        await call.until_bot_speaks(call.born, GREETING_S)
        await call.until_bot_silent(script.pause_s * 1000)
    except TimeoutError:
        return


async def _answered(call: Call, spoken: Spoken, script: Script) -> bool:
    """Until the bot speaks. One that spoke all through the caller's words has not answered them yet."""
    since = spoken.start + (audible(spoken.data).rfind(1) + 1) / RATE
    before = call.heard.first_audible(since - _STILL_S)
    try:
        if before is not None and before < since:
            since = await call.until_bot_silent(_STILL_S * 1000)
        await call.until_bot_speaks(since, script.patience_s)
    except TimeoutError:
        return False
    return True


async def _talk_over(call: Call, line: Line, script: Script, said: list[str]) -> None:
    """Interrupt, some time into the answer; in a pause for breath, when it goes on. Not when it is over by then."""
    await asyncio.sleep(script.barge_in_s)
    try:
        await call.until_bot_speaks(timeout_s=script.pause_s)
    except TimeoutError:
        return
    said.append(line.words)
    await _answered(call, await call.say(line.mulaw), script)
