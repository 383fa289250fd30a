"""Which words of the caller count: those that are more than a backchannel ("uh-huh", "okay", "はい")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from parley.text.scripts import spaceless
from parley.text.words import plain, words
from services.orchestrator.mind.state import Call


@dataclass(frozen=True, slots=True)
class _Listening:
    """Backchannels, made ready: what each first word may go on with, longest first; all beginnings that are not whole;
    and those of scripts without spaces, which follow each other as one word."""

    phrases: dict[str, list[tuple[str, ...]]]
    begun: frozenset[tuple[str, ...]]
    run: re.Pattern[str]
    run_begun: frozenset[str]
    longest: int


@lru_cache(maxsize=64)
def _listening(backchannels: tuple[str, ...]) -> _Listening:
    phrases: dict[str, list[tuple[str, ...]]] = {}
    for phrase in sorted(map(words, backchannels), key=len, reverse=True):
        if phrase:
            phrases.setdefault(phrase[0], []).append(phrase)
    all_phrases = [phrase for found in phrases.values() for phrase in found]
    runs = sorted((r for p in all_phrases if all(spaceless(w[0]) for w in p) and (r := "".join(p))), key=len)[::-1]
    run = re.compile(f"(?:{'|'.join(map(re.escape, runs))})+" if runs else r"(?!)")
    begun = frozenset(phrase[:length] for phrase in all_phrases for length in range(1, len(phrase)))
    run_begun = frozenset(phrase[:length] for phrase in runs for length in range(1, len(phrase)))
    return _Listening(phrases, begun, run, run_begun, max(map(len, (*begun, *run_begun)), default=0))


def real_words(call: Call, text: str) -> int:
    """Words that are more than a backchannel ("uh-huh", "okay")."""
    said, listening = words(text), _listening(call.policy.backchannels)
    count = place = 0
    while place < len(said):
        many = _backchannel(said, place, listening)
        count, place = (count, place + many) if many else (count + 1, place + 1)
    return count


def _backchannel(said: tuple[str, ...], place: int, listening: _Listening) -> int:
    """How many words from here on are one, or several side by side."""
    if spaceless(said[place][0]) and (not place or not spaceless(said[place - 1][0])):
        end = next((n for n in range(place, len(said)) if not spaceless(said[n][0])), len(said))
        if listening.run.fullmatch("".join(said[place:end])):
            return end - place
    phrases = listening.phrases.get(said[place], ())
    return next((len(phrase) for phrase in phrases if said[place : place + len(phrase)] == phrase), 0)


def sure_words(call: Call, text: str) -> int:
    """`real_words` of words that may go on: an "i" may become "i see"."""
    real = real_words(call, text)
    if not real or not (begun := begun_backchannel(call, text)):
        return real
    return min(real, real_words(call, plain(text).removesuffix(begun)))


def begun_backchannel(call: Call, text: str) -> str:
    """The last words, if they are the beginning of a backchannel and not all of it; else empty."""
    said, listening = words(text), _listening(call.policy.backchannels)
    for length in range(min(listening.longest, len(said)), 0, -1):
        if said[-length:] in listening.begun:
            return plain(" ".join(said[-length:]))
    return _begun_run(said, listening)


def _begun_run(said: tuple[str, ...], listening: _Listening) -> str:
    """The same where no spaces part the words, and a beginning need not be a word: "わか" of "わかりました"."""
    first = next((n for n in range(len(said), 0, -1) if not spaceless(said[n - 1][0])), 0)
    run, whole = "".join(said[first:]), listening.run.fullmatch
    borders = {len("".join(said[n:])) for n in range(first, len(said))}
    for length in range(min(listening.longest, len(run)), 0, -1):
        begun = run[-length:]
        if begun not in listening.run_begun or not (length in borders or whole(run[:-length])):
            continue
        if whole(begun) or not whole(run):  # the "了" of "明白了" begins nothing
            return begun
    return ""
