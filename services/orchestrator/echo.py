"""The bot's own words that come back by the caller's microphone: told by what they are and by when they came.

An echo comes back within half a second of the word it repeats, in the same order, perhaps misheard. A caller who says
the bot's words again ("the blue one?", "four two seven") says them after having heard them, later than an echo comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from parley.scripts import spaceless, weight
from parley.words import spans, words
from services.orchestrator import voice
from services.orchestrator.state import Call

LATEST_MS = 500  # an echo comes back no later
BREAK_MS = 250  # between two words of it
_LASTING = 0.7  # of a run's own length: nobody repeats a sentence before its end
_WINDOW_MS = 3_000  # of the bot's words looked at before the caller's
_AFTER_QUESTION_MS = 100  # words that begin so long after a question is over are its answer
_ALIKE = 0.75
_LONG_WORD = 4  # letters
_AGAIN = 4  # words that the bot may say again after a pause in them
_AGAIN_SIGNS = 16  # the same in a script without spaces, of which the bot's words come character by character
_WORD_SIGNS = 4  # characters of a word in such a script that may be missing
_MOST_WORDS = 60  # of one event; more are not compared
_MOST_SIGNS = 5 * _MOST_WORDS
_GUESSED_WORD_MS, _GUESSED_LETTER_MS = 350, 70


@dataclass(frozen=True, slots=True)
class _Run:
    """Words `start`..`end` of the caller's that are the bot's; `same` of them alike."""

    start: int
    end: int
    same: int


def without_echo(call: Call, text: str, from_ms: int, to_ms: int, goes_on: bool = False) -> str:
    """The caller's words without those that are an echo; empty when all are. Times: the owner's clock, 0 = unknown.

    `goes_on`: the words before these were an echo, and these follow at once.
    """
    said, own = spans(text), words(text)
    if not said or len(said) > _MOST_WORDS or not call.voice:
        return text
    to_ms = max(to_ms, from_ms)
    bot = voice.words(call, from_ms - _WINDOW_MS, to_ms)[-_MOST_SIGNS:]
    if not bot:
        return text
    times = [from_ms + (to_ms - from_ms) * i // len(own) for i in range(len(own))]
    gone = [False] * len(own)
    i = 0
    while i < len(own):
        runs = (_run(own, times, bot, i, j) for j in _beginnings(own[i], bot))
        run = max(runs, key=lambda r: (r.same, -r.end), default=None)
        if run is not None and _counts(run, own, goes_on):
            first = 0 if run.start == 1 and run.same >= 3 else run.start  # a misheard first word
            gone[first : run.end] = [True] * (run.end - first)
            i = run.end
        else:
            i += 1
    if not any(gone):
        return text
    kept = [text[a:b] for (a, _), (b, _), out in zip(said, said[1:], gone, strict=False) if not out]
    last = "" if gone[-1] else text[said[-1][0] :]
    return "".join([*kept, last]).strip(" ,;:-，、；：。")


def guessed_from(text: str, to_ms: int) -> int:
    """When words that ended at `to_ms` began, where the recogniser does not say."""
    said = spans(text)
    if said and spaceless(text[said[-1][0]]):
        return to_ms - max(_GUESSED_WORD_MS, _GUESSED_LETTER_MS * weight(text))
    return to_ms - _GUESSED_WORD_MS * max(1, len(said))


def _beginnings(word: str, bot: list[voice.Word]) -> Iterable[int]:
    """Where this word may be among the bot's."""
    if not spaceless(word[0]):
        return range(len(bot))
    return (j for j, said in enumerate(bot) if word.startswith(said.text))


def _run(own: tuple[str, ...], times: list[int], bot: list[voice.Word], i: int, j: int) -> _Run:
    """The run of alike words from own[i] and bot[j] on: one may be misheard, missing or too many, not two in a row."""
    start, first, same, end = i, j, 0, i
    while i < len(own) and j < len(bot):
        if many := _heard(own, i, bot, j):
            i, j, same = i + 1, j + many, same + 1
            end = i
        elif not same:
            break
        elif again := _said_again(bot, first, j):
            j += again
        elif missing := _later(own, i, bot, j):
            j += missing
        elif i + 1 < len(own) and _heard(own, i + 1, bot, j):
            i += 1
        elif i + 1 < len(own) and (missing := _later(own, i + 1, bot, j)):
            i, j = i + 1, j + missing
        else:
            break
    if not same or not _in_time(times, start, bot, first, j - 1, same):
        return _Run(start, start, 0)
    return _Run(start, end, same)


def _heard(own: tuple[str, ...], i: int, bot: list[voice.Word], j: int) -> int:
    """How many of the bot's from bot[j] on own[i] may be: one word, or the characters of one; 0: it is another."""
    word, said = own[i], bot[j].text
    if not spaceless(word[0]):
        return int(_alike(word, said, i == len(own) - 1))
    end = j
    while word and end < len(bot) and word.startswith(bot[end].text):
        word = word[len(bot[end].text) :]
        end += 1
    return 0 if word else end - j


def _later(own: tuple[str, ...], i: int, bot: list[voice.Word], j: int) -> int:
    """How many of the bot's are missing before own[i]: one word, or the characters of one; 0: it does not come."""
    most = _WORD_SIGNS if spaceless(bot[j].text[0]) else 1
    return next((n for n in range(1, most + 1) if j + n < len(bot) and _heard(own, i, bot, j + n)), 0)


def _said_again(bot: list[voice.Word], first: int, at: int) -> int:
    """How many of the words from bot[at] on repeat those before, after a pause in them; the echo has them once."""
    most = _AGAIN_SIGNS if spaceless(bot[at].text[0]) else _AGAIN
    for many in range(1, min(most, at - first, len(bot) - at) + 1):
        if all(bot[at + n].text == bot[at - many + n].text for n in range(many)):
            return many
    return 0


def _in_time(times: list[int], start: int, bot: list[voice.Word], first: int, last: int, same: int) -> bool:
    word, began = bot[first], times[start]
    if word.asked_ms and began > word.asked_ms + _AFTER_QUESTION_MS:
        return False
    delay = began - word.at_ms
    inside = (began - times[0]) // 5  # inside an interim only the ends have times
    lasting = int((bot[last].at_ms - word.at_ms) * _LASTING) if same >= 3 else 0
    return -(word.early_ms + inside) <= delay <= max(LATEST_MS, lasting) + word.slack_ms + inside


def _counts(run: _Run, own: tuple[str, ...], goes_on: bool) -> bool:
    """Enough to be an echo: (nearly) all that was said; two words at an end of it, or its first; three anywhere.

    Short words alone are not enough, but for the first ones where an echo goes on.
    """
    if not run.same:
        return False
    if goes_on and run.start == 0:
        return True
    if run.end - run.start == len(own) and run.same * 3 >= len(own) * 2:
        return True
    if max(map(weight, own[run.start : run.end])) < _LONG_WORD:
        return False
    at_an_end = run.start == 0 or run.end == len(own)
    return run.same >= 3 or (at_an_end and run.same == 2) or (run.start == 0 and run.same == 1)


@lru_cache(maxsize=4096)
def _alike(a: str, b: str, cut_short: bool = False) -> bool:
    """The same word, or one that may be misheard for it; the last of an interim may be half a word."""
    if a == b:
        return True
    if cut_short and weight(a) >= 2 and b.startswith(a):
        return True
    return min(len(a), len(b)) >= _LONG_WORD and SequenceMatcher(None, a, b, autojunk=False).ratio() >= _ALIKE
