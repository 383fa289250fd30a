"""The bot's own words that come back by the caller's microphone: told by what they are and by when they came.

An echo comes back within half a second of the word it repeats, in the same order, perhaps misheard. A caller who says
the bot's words again ("the blue one?", "four two seven") says them after having heard them, later than an echo comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import accumulate

from parley.text.scripts import spaceless, weight
from parley.text.words import spans, words
from services.orchestrator.mind.bot import voice
from services.orchestrator.mind.state import Call

LATEST_MS = 500  # an echo comes back no later
BREAK_MS = 250  # between two words of it
_WINDOW_MS = 1_000  # of the bot's words looked at before the caller's
_AFTER_QUESTION_MS = 100  # words that begin so long after a question is over are its answer
_ALIKE = 0.75
_LONG_WORD = 4  # letters
_AGAIN = 4  # words that the bot may say again after a pause in them
_AGAIN_SIGNS = 16  # the same in a script without spaces, of which the bot's words come character by character
_WORD_SIGNS = 4  # characters of a word in such a script that may be missing
_MOST_WORDS = 60  # of one event; more are not compared
_MOST_SIGNS = 5 * _MOST_WORDS
_NEAR_MS = 60  # recognisers place the middle of a word so exactly
_BETWEEN = 1  # letters that a voice could say between two words
_GUESSED_WORD_MS, _GUESSED_LETTER_MS = 350, 70


@dataclass(frozen=True, slots=True)
class _Run:
    """Words `start`..`end` of the caller's that are the bot's; `same` of them alike, the others `misheard` or not.

    `sure`: one at least is the bot's own, and not only alike.
    """

    start: int
    end: int
    same: int
    misheard: tuple[int, ...] = ()
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """When words of the caller's side sounded, by the owner's clock: all of them, and begin and end of each, if known.

    `louder`: meanwhile it was louder than the bot's echo can have been from here to there only, NOWHERE: at no time;
    None: at all times, for all that is known.
    """

    from_ms: int
    to_ms: int
    louder: tuple[int, int] | None = None
    times: tuple[tuple[int, int], ...] = ()


NOWHERE = (0, 0)


def without_echo(call: Call, text: str, heard: Heard, goes_on: bool = False) -> str:
    """The caller's words without those that are an echo; empty when all are.

    `goes_on`: the words before these were an echo, and these follow at once.
    """
    said, own = spans(text), words(text)
    if not said or len(said) > _MOST_WORDS:
        return text
    gone = _no_louder(text, heard)
    left = [i for i, out in enumerate(gone) if not out]
    if left and call.voice:
        exact = len(heard.times) == len(own)
        times = [begin for begin, _ in heard.times] if exact else _evenly(heard, len(own))
        alike = _said_by_bot(call, tuple(own[i] for i in left), [times[i] for i in left], heard, goes_on)
        for i, out in zip(left, alike, strict=True):
            gone[i] = out
    if not any(gone):
        return text
    kept = [text[a:b] for (a, _), (b, _), out in zip(said, said[1:], gone, strict=False) if not out]
    last = "" if gone[-1] else text[said[-1][0] :]
    return "".join([*kept, last]).strip(" ,;:-，、；：。")


def _evenly(heard: Heard, count: int) -> list[int]:
    return [heard.from_ms + (heard.to_ms - heard.from_ms) * i // count for i in range(count)]


def _no_louder(text: str, heard: Heard) -> list[bool]:
    """Which words sounded where nobody was louder than the echo can have been."""
    said, louder = spans(text), heard.louder
    if louder is None:
        return [False] * len(said)
    if louder == NOWHERE:
        return [True] * len(said)
    if len(heard.times) != len(said):  # guessed: all that may lie there counts
        letters = [0, *accumulate(weight(text[a:b]) + _BETWEEN for a, b in said)]
        at = [heard.from_ms + (heard.to_ms - heard.from_ms) * n // letters[-1] for n in letters]
        return [end <= louder[0] or begin >= louder[1] for begin, end in zip(at, at[1:], strict=False)]
    middles = ((begin + end) // 2 for begin, end in heard.times)
    return [not louder[0] - _NEAR_MS <= middle <= louder[1] + _NEAR_MS for middle in middles]


def _said_by_bot(call: Call, own: tuple[str, ...], times: list[int], heard: Heard, goes_on: bool) -> list[bool]:
    """Which words the bot said just before."""
    gone = [False] * len(own)
    bot = voice.words(call, times[0] - _WINDOW_MS, max(heard.to_ms, times[0]))[-_MOST_SIGNS:]
    i = 0
    while bot and i < len(own):
        runs = (_run(own, times, bot, i, j) for j in _beginnings(own[i], bot))
        run = max(runs, key=lambda r: (r.same, -r.end), default=None)
        if run is not None and _counts(run, own, goes_on):
            first = 0 if run.start == 1 and run.same >= 3 else run.start  # a misheard first word
            gone[first : run.end] = [heard.louder is None or n not in run.misheard for n in range(first, run.end)]
            i = run.end
        else:
            i += 1
    return gone


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
    start, first, same, end, sure = i, j, 0, i, False
    misheard: tuple[int, ...] = ()
    while i < len(own) and j < len(bot):
        if many := _heard(own, i, bot, j):
            sure = sure or many > 1 or _equal(own[i], bot[j].text, i == len(own) - 1)
            i, j, same = i + 1, j + many, same + 1
            end = i
        elif i + 1 < len(own) and own[i] + own[i + 1] == bot[j].text:  # one word heard as two
            i, j, same = i + 2, j + 1, same + 2
            end, sure = i, True
        elif not same:
            break
        elif again := _said_again(bot, first, j):
            j += again
        elif missing := _later(own, i, bot, j):
            j += missing
        elif i + 1 < len(own) and _heard(own, i + 1, bot, j):
            i, misheard = i + 1, (*misheard, i)
        elif i + 1 < len(own) and (missing := _later(own, i + 1, bot, j)):
            i, j, misheard = i + 1, j + missing, (*misheard, i)
        else:
            break
    if not same or not _in_time(times, start, bot[first]):
        return _Run(start, start, 0)
    return _Run(start, end, same, misheard, sure)


def _heard(own: tuple[str, ...], i: int, bot: list[voice.Word], j: int) -> int:
    """How many of the bot's from bot[j] on own[i] may be: one word, or the characters of one; 0: it is another."""
    word, said = own[i], bot[j].text
    if not spaceless(word[0]):
        if _alike(word, said, i == len(own) - 1):
            return 1
        return 2 if j + 1 < len(bot) and word == said + bot[j + 1].text else 0
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


def _in_time(times: list[int], start: int, word: voice.Word) -> bool:
    began = times[start]
    if word.asked_ms and began > word.asked_ms + _AFTER_QUESTION_MS:
        return False
    delay = began - word.at_ms
    inside = (began - times[0]) // 5  # inside an interim only the ends have times
    slack = voice.SLACK_MS + inside
    return -slack <= delay <= LATEST_MS + slack


def _counts(run: _Run, own: tuple[str, ...], goes_on: bool) -> bool:
    """Enough to be an echo: (nearly) all that was said; two words at an end of it, or its first; three anywhere.

    Short words alone are not enough, but for the first ones where an echo goes on. One word alone must be the bot's
    own: "stop" is like "shop", and "wait" like "what".
    """
    if not run.same:
        return False
    if run.same == 1 and not run.sure and not goes_on:
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
    """The same word, or one that may be misheard for it."""
    return _equal(a, b, cut_short) or (
        min(len(a), len(b)) >= _LONG_WORD and SequenceMatcher(None, a, b, autojunk=False).ratio() >= _ALIKE
    )


def _equal(a: str, b: str, cut_short: bool) -> bool:
    """The same word; the last of an interim may be half a word."""
    return a == b or (cut_short and weight(a) >= 2 and b.startswith(a))
