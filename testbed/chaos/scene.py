"""One question of one caller, timed so that its call is in a certain moment when the fault strikes."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from parley.audio import pcm_to_mulaw
from testbed.chaos import cells, talk
from testbed.telephone.phone import Call, CallOver, Spoken
from testbed.vendors.recorder import heard_words
from testbed.vendors.wordcodec import Rendered, render, words_of

_READY_S = 0.3
"""Before the first caller's first word."""
ANSWER_S = 14.0
"""For an answer to begin, and for it to end."""
QUIET_MS = 2_500.0
"""Silence after which the bot is done, whatever it said; a fault may cause a shorter one."""
DONE_MS = 800.0
"""Silence after which it is done when its answer has been heard."""
_BEFORE_S = {
    cells.LOOKUP: -0.2,
    cells.THINKING: 1.0,
    cells.TOOL: 1.5,
    cells.SPEAKING: 1.5,
    cells.PAUSED: 2.1,
    cells.INTERRUPTED: 2.2,
}
"""From the end of the question to the fault."""
_OVER_S = {cells.PAUSED: 0.4, cells.INTERRUPTED: 0.3}
"""From the caller's first sound over the bot's voice to the fault."""
_LISTENS_S = 0.6
_KIND = {
    cells.LISTENING: talk.QUICK,
    cells.MID_WORD: talk.QUICK,
    cells.THINKING: talk.SLOW,
    cells.TOOL: talk.BOOK,
    cells.SPEAKING: talk.STORY,
    cells.PAUSED: talk.STORY,
    cells.INTERRUPTED: talk.TALE,
    cells.LOOKUP: talk.QUICK,
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

    @property
    def prelude_s(self) -> float:
        """From its first word to the fault."""
        return max(0.0, -self.lines[0].at)

    def answered(self, heard: bytes) -> bool:
        """Whether one of the answers is in this sound, with all its words."""
        said = Counter(word.text for word in heard_words(heard))
        return any(not Counter(words_of(answer)) - said for answer in self.answers)


def prelude_s(scenes: Sequence[Scene]) -> float:
    """How long before the fault the scenes must begin."""
    return max(scene.prelude_s for scene in scenes) + _READY_S


def scene(aimed: str, mark: str, other: str) -> Scene:
    """`mark` names the question, `other` the second one, of a caller who interrupts."""
    kind = _KIND[aimed]
    question = talk.ASKS[kind].format(mark=mark)
    answers = (talk.ANSWERS[kind].format(mark=mark),)
    if aimed == cells.LISTENING:
        return Scene(aimed, mark, (Line(question, _LISTENS_S),), answers)
    if aimed == cells.MID_WORD:
        word = spoken(question).words[2]
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


async def play(call: Call, scene: Scene, strikes: float, quiet_ms: float = QUIET_MS) -> Played:
    """Say the lines at their time around `strikes`, and listen until the bot is done: silent for `quiet_ms`."""
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
        await call.until_bot_silent(DONE_MS, 2 * ANSWER_S)
        if not scene.answered(_since(call, played.asked_at if scene.cut else played.began)):
            await call.until_bot_silent(quiet_ms, 2 * ANSWER_S)
    except (CallOver, TimeoutError) as error:
        played.trouble = f"{type(error).__name__}: {error}"
    played.ended = time.monotonic()
    return played


def _since(call: Call, at: float) -> bytes:
    return call.heard.mulaw(time.monotonic(), at)


def fingerprint(*more: object) -> str:
    """Changes with anything that is said or timed in a scene: silences of other scenes are no measure for these."""
    scenes = [scene(moment, "alpha bravo", "alpha charlie") for moment in cells.BASELINE.moments]
    told = repr((scenes, QUIET_MS, DONE_MS, talk.PACES, more))
    return hashlib.sha256(told.encode()).hexdigest()[:12]
