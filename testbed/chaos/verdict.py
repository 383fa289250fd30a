"""What a scene lost: the call, the turn, words, effects, time. Pure; made from copies, so that it can run elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from testbed.chaos.cells import PAUSED
from testbed.telephone.heard import RATE, audible
from testbed.vendors.decoder import Word
from testbed.vendors.recorder import heard_words
from testbed.vendors.wordcodec import words_of

CUT_OFF = "Sorry, we were cut off for a moment."
"""What a caller is told who missed words; it is no answer, and may be said."""
_STEP = RATE // 1000
_ANSWERED = 0.5
"""Of an answer's words: with fewer the turn is lost."""
_HOLE_MS = 20.0
_HEARD_WORDS = 1
"""A word cut in its middle was heard or was not."""
_RESUMED_WORDS = 1
"""After a pause the bot goes on at the beginning of the word in which it stopped."""


@dataclass(frozen=True)
class Raw:
    """What is known of one scene. Times in seconds from the beginning of `heard` (µ-law)."""

    caller: str
    aimed: str
    moment: str
    hit: bool
    lost: str  # why the call is over, if it is
    trouble: str
    heard: bytes
    asked_s: float  # end of the last question
    gaps: tuple[tuple[float, float], ...]  # holes of the line itself: when, and how long in ms
    answers: tuple[str, ...]
    cut: str
    said: str  # all words of the questions
    reached: str  # the words that the recogniser's stand-in heard
    understood: tuple[str, ...]  # the caller's last lines as the model was told them
    history: str | None  # the cut answer as the model was told of it; None: nothing was cut
    booked: int  # effects for this question
    books: int  # effects there should be
    own_s: float = 0.0  # the vendor's own time in what the caller waited for because of the fault
    account: tuple[str, ...] = ()  # what the gateways told of the call in this scene, a line each


@dataclass
class Verdict:
    """Of one scene. `delay_s`: from the question's end to the first sound; `hole_s`: the longest silence after it.

    `own_s`: how long the vendor's answer, begun anew because of the fault, had been on its way before.
    `account`: where something was lost, what was asked of the model and what the gateways told, to see why.
    """

    caller: str
    aimed: str
    moment: str
    hit: bool
    call_lost: str = ""
    turn_lost: bool = False
    bot_words_lost: list[str] = field(default_factory=list)
    bot_words_twice: list[str] = field(default_factory=list)
    unreadable: int = 0
    caller_words_unheard: list[str] = field(default_factory=list)
    caller_words_lost: list[str] = field(default_factory=list)
    caller_words_twice: list[str] = field(default_factory=list)
    history_differs: str = ""
    effects_missing: int = 0
    effects_doubled: int = 0
    delay_s: float | None = None
    hole_s: float | None = None
    own_s: float = 0.0
    heard: str = ""
    account: list[str] = field(default_factory=list)

    @property
    def lossless(self) -> bool:
        lost = (self.call_lost, self.turn_lost, self.bot_words_lost, self.caller_words_lost, self.history_differs)
        return not any((*lost, self.effects_missing, self.effects_doubled))


def judge(raw: Raw) -> Verdict:
    verdict = Verdict(raw.caller, raw.aimed, raw.moment, raw.hit, call_lost=raw.lost, own_s=raw.own_s)
    found = heard_words(raw.heard)
    verdict.heard = " ".join(word.text for word in found)
    expected = words_of(raw.said)
    verdict.caller_words_unheard = missing_of(expected, raw.reached.split())
    told = words_of(" ".join(raw.understood))
    verdict.caller_words_lost = missing_of(expected, told)
    verdict.caller_words_twice = missing_of(told, expected)
    _answer(verdict, raw, found)
    _silence(verdict, raw)
    verdict.effects_missing = max(0, raw.books - raw.booked)
    verdict.effects_doubled = max(0, raw.booked - raw.books)
    if not verdict.lossless:
        verdict.account = [f"asked: {' | '.join(raw.understood)}", *raw.account]
    return verdict


def _answer(verdict: Verdict, raw: Raw, found: Sequence[Word]) -> None:
    after = [word for word in found if word.end_ms / 1000 > raw.asked_s]
    before = [word.text for word in found if word.end_ms / 1000 <= raw.asked_s]
    texts = [word.text for word in (after if raw.cut else found)]
    best = min(raw.answers, key=lambda text: len(missing_of(words_of(text), texts)))
    expected = words_of(best)
    missing = missing_of(expected, texts)
    holes = sum(length >= _HOLE_MS for _, length in raw.gaps)
    verdict.turn_lost = len(missing) > len(expected) * _ANSWERED
    if verdict.turn_lost:
        return
    missing = missing_of(missing, verdict.caller_words_lost)  # what the model was not told it cannot say
    # A word in which sound came late cannot be read; that a hole lies there is known from the line.
    verdict.unreadable = min(holes, len(missing)) if not verdict.call_lost else 0
    verdict.bot_words_lost = missing[verdict.unreadable :]
    allowed = Counter(expected) + Counter(words_of(raw.cut)) + Counter(words_of(CUT_OFF))
    twice = list((Counter(texts) - allowed).elements())
    verdict.bot_words_twice = twice[_RESUMED_WORDS:] if raw.aimed == PAUSED else twice
    if raw.history is not None:
        told, sounded = words_of(raw.history), _of_cut(raw.cut, before, texts, expected)
        if abs(len(told) - sounded) > _HEARD_WORDS + holes:
            verdict.history_differs = f"told {len(told)} words, heard {sounded}"


def _of_cut(cut: str, before: Sequence[str], after: Sequence[str], answer: Sequence[str]) -> int:
    """How much of a cut answer sounded, in words: it may have gone on while the caller was not understood."""
    more = Counter(after) - Counter(answer)
    return ((Counter(before) + more) & Counter(words_of(cut))).total()


def missing_of(expected: Sequence[str], found: Sequence[str]) -> list[str]:
    return list((Counter(expected) - Counter(found)).elements())


def _silence(verdict: Verdict, raw: Raw) -> None:
    loud = np.frombuffer(audible(raw.heard), np.uint8)
    steps = np.flatnonzero(loud[: len(loud) // _STEP * _STEP].reshape(-1, _STEP).any(axis=1))
    steps = steps[steps >= raw.asked_s * 1000]
    if not len(steps):
        return
    verdict.delay_s = float(steps[0]) / 1000 - raw.asked_s
    verdict.hole_s = float(np.diff(steps).max(initial=0)) / 1000
