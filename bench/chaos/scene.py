"""One question of one caller, timed so that its call is in a certain moment when the fault strikes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from functools import lru_cache

from bench.chaos import cells, talk
from cli.phone import Call, CallOver, Spoken
from parley.audio import pcm_to_mulaw
from tests.sims.wordcodec import Rendered, render

PRELUDE_S = 5.0
"""Before the fault: the longest question and what it needs to be in its moment."""
ANSWER_S = 14.0
"""For an answer to begin, and for it to end."""
QUIET_MS = 2_500.0
"""Silence after which the bot is done; a fault may cause a shorter one."""
_BEFORE_S = {cells.THINKING: 1.0, cells.TOOL: 1.0, cells.SPEAKING: 1.5, cells.PAUSED: 1.6, cells.INTERRUPTED: 1.9}
"""From the end of the question to the fault."""
_OVER_S = {cells.PAUSED: 0.3, cells.INTERRUPTED: 0.3}
"""From the caller's first sound over the bot's voice to the fault."""
_LISTENS_S = 1.0
_KIND = {
    cells.LISTENING: talk.QUICK,
    cells.MID_WORD: talk.QUICK,
    cells.THINKING: talk.SLOW,
    cells.TOOL: talk.BOOK,
    cells.SPEAKING: talk.STORY,
    cells.PAUSED: talk.STORY,
    cells.INTERRUPTED: talk.STORY,
}


@lru_cache(maxsize=4096)
def spoken(text: str) -> Rendered:
    return render(text)


@lru_cache(maxsize=4096)
def sound(text: str) -> bytes:
    """Speech as a caller sends it, without the pause after the last word."""
    said = spoken(text)
    return pcm_to_mulaw(said.pcm[: int(said.words[-1].end_ms * said.rate / 1000)])


@dataclass(frozen=True)
class Line:
    """`at`: seconds from the fault to its first sound. `words`: it is a question, and no mere uh-huh."""

    text: str
    at: float
    words: bool = True

    @property
    def lasts_s(self) -> float:
        return len(sound(self.text)) / 8000


@dataclass(frozen=True)
class Scene:
    """`aimed`: the moment. `answers`: texts of which one must be heard in full; `cut`: one that may be cut short."""

    aimed: str
    mark: str
    lines: tuple[Line, ...]
    answers: tuple[str, ...]
    cut: str = ""
    books: bool = False


def scene(aimed: str, mark: str, other: str) -> Scene:
    """`mark` names the question, `other` the second one, of a caller who interrupts."""
    kind = _KIND[aimed]
    question = talk.ASKS[kind].format(mark=mark)
    answers = (talk.ANSWERS[kind].format(mark=mark),)
    if aimed == cells.LISTENING:
        return Scene(aimed, mark, (Line(question, _LISTENS_S),), answers)
    if aimed == cells.MID_WORD:
        word = spoken(question).words[3]
        return Scene(aimed, mark, (Line(question, -(word.start_ms + word.end_ms) / 2000),), answers)
    first = Line(question, -_BEFORE_S[aimed] - len(sound(question)) / 8000)
    if aimed == cells.TOOL:
        return Scene(aimed, mark, (first,), (*answers, talk.NOT_KNOWN.format(mark=mark)), books=True)
    if aimed == cells.PAUSED:
        return Scene(aimed, mark, (first, Line(talk.UH_HUH, -_OVER_S[aimed], words=False)), answers)
    if aimed == cells.INTERRUPTED:
        over = Line(talk.ASKS[talk.WAIT].format(mark=other), -_OVER_S[aimed])
        return Scene(aimed, mark, (first, over), (talk.ANSWERS[talk.WAIT].format(mark=other),), cut=answers[0])
    return Scene(aimed, mark, (first,), answers)


@dataclass
class Played:
    """A scene as it went. Times: `time.monotonic()`; `asked_at`, the end of the last question, is 0 when it was not."""

    scene: Scene
    began: float = 0.0
    asked_at: float = 0.0
    ended: float = 0.0
    said: list[tuple[Line, Spoken]] = field(default_factory=list)
    trouble: str = ""


async def play(call: Call, scene: Scene, strikes: float) -> Played:
    """Say the lines at their time around `strikes`, and listen until the bot is done."""
    played = Played(scene, began=time.monotonic())
    for line in scene.lines:
        played.said.append((line, call.speak(sound(line.text), strikes + line.at)))
    try:
        for line, said in played.said:
            await said.done
            if line.words:
                played.asked_at = said.end
        await call.until_bot_speaks(played.asked_at, ANSWER_S)
        await asyncio.sleep(max(0.0, strikes + 1.0 - time.monotonic()))
        await call.until_bot_silent(QUIET_MS, 2 * ANSWER_S)
    except (CallOver, TimeoutError) as error:
        played.trouble = f"{type(error).__name__}: {error}"
    played.ended = time.monotonic()
    return played
