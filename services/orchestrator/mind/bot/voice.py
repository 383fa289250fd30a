"""What of the bot's voice sounded when, in the last seconds, and what sounds next: as the mouth tells.

Times are the owner's clock, ms. The mouth tells where a stretch of sound began, when its words sound, a little ahead,
and where it ended. Of a stretch of which nothing was told yet, and behind what was, a letter lasts `LETTER_MS`.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache

from parley.text.scripts import asks, spaceless, weight
from parley.text.words import folded, spans, unit_at, whole_until
from services.orchestrator.mind import history
from services.orchestrator.mind.state import BotLine, Call, Place, Stretch

KEPT_MS = 15_000
MAX_STRETCHES = 12
MAX_TOLD = 96  # of one stretch; the first are forgotten first
SLACK_MS = 150  # between the mouth's word and the sound at the caller's ear
LETTER_MS = 70


def begins(call: Call, utterance: int, char: int, at_ms: int) -> Call:
    """An utterance sounds from this character on. Told again, it changes nothing."""
    if _open(call, utterance):
        return call
    kept = tuple(s for s in call.voice if not s.to_ms or at_ms - s.to_ms <= KEPT_MS)
    return replace(call, voice=(*kept, Stretch(utterance, char, char, at_ms))[-MAX_STRETCHES:])


def ends(call: Call, utterance: int, char: int, at_ms: int) -> Call:
    """It has sounded up to this character, and is silent now."""
    stretch = _open(call, utterance)
    if stretch is None:
        return call
    line = history.line_of(call, utterance)
    text = line.text if line is not None and line.kind == "filler" else ""  # it is forgotten once it was heard
    told = tuple(place for place in stretch.told if place.at_ms < at_ms)
    over = replace(stretch, to_char=max(char, stretch.from_char), to_ms=max(at_ms, stretch.from_ms + 1), text=text)
    return _with(call, stretch, replace(over, told=told))


def reaches(call: Call, utterance: int, places: tuple[Place, ...], at_ms: int) -> Call:
    """The voice is, was or will be at these places, whatever was told before from the first of them on.

    Of one that is silent by now nothing is learnt.
    """
    stretch = _open(call, utterance)
    if stretch is None or not places:
        return call
    first, long_ago = places[0], at_ms - KEPT_MS
    kept = (x for x in stretch.told if x.char < first.char and long_ago <= x.at_ms <= first.at_ms)
    return _with(call, stretch, replace(stretch, told=(*kept, *places)[-MAX_TOLD:]))


def breaks_off(call: Call, at_ms: int) -> Call:
    """Nobody will tell any more how far it came: what was told of sounded, up to this time. Told again, it stays."""
    stretch = call.voice[-1] if call.voice else None
    if stretch is None or stretch.to_ms:
        return call
    until_ms = min(at_ms, stretch.told[-1].at_ms if stretch.told else stretch.from_ms)
    return ends(call, stretch.utterance, position(call, until_ms), until_ms)


def position(call: Call, at_ms: int) -> int:
    """The character that sounds at this time, of the utterance that began last."""
    stretch = call.voice[-1] if call.voice else None
    if stretch is None:
        return 0
    if stretch.to_ms:
        return stretch.to_char
    chars, times = _course(stretch, _text(call, stretch))
    return _along(times, chars, at_ms)


def surely_heard(line: BotLine, char: int) -> int:
    """Of its text, when the voice is at this character: the words before that one."""
    return max(line.heard, whole_until(line.text, min(char, len(line.text) - 1)))


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the bot, and when it begins to sound, within `SLACK_MS`. `asked_ms`: when its question was over.

    Of a script without spaces it is one character: where its words lie depends on what stands beside them.
    """

    text: str
    at_ms: int
    asked_ms: int = 0


def words(call: Call, from_ms: int, to_ms: int) -> list[Word]:
    """The words that may have begun to sound between these times, in the order of their sound."""
    found: list[Word] = []
    for stretch in call.voice:
        text = _text(call, stretch)
        chars, times = _course(stretch, text)
        if times[-1] + SLACK_MS < from_ms:
            continue
        end_char = stretch.to_char if stretch.to_ms else len(text)
        asked_ms = stretch.to_ms if end_char >= len(text.rstrip()) and asks(text) else 0
        sounded = unit_at(text, end_char) if stretch.to_ms else None
        until = sounded[1] if sounded else len(text)  # the word in which it fell silent sounded in part
        for begin, end, word in _words(text):
            if end <= stretch.from_char:
                continue
            at_ms = _along(chars, times, begin)
            if begin >= until or at_ms > to_ms + SLACK_MS:
                break
            if at_ms >= from_ms - SLACK_MS:
                found.append(Word(word, at_ms, asked_ms))
    return found


@lru_cache(maxsize=256)
def _words(text: str) -> tuple[tuple[int, int, str], ...]:
    """Where each begins and ends, and how it is compared."""
    found: list[tuple[int, int, str]] = []
    for begin, end in spans(text):
        if spaceless(text[begin]):
            found += [(n, n + 1, part) for n in range(begin, end) if (part := folded(text[n]))]
        else:
            found.append((begin, end, folded(text[begin:end])))
    return tuple(found)


def _course(stretch: Stretch, text: str) -> tuple[list[int], list[int]]:
    """Where in the text the voice was and will be, in order, and when; evenly in between."""
    chars, times = [place.char for place in stretch.told], [place.at_ms for place in stretch.told]
    if not chars or chars[0] > stretch.from_char:
        chars, times = [stretch.from_char, *chars], [stretch.from_ms, *times]
    if not stretch.to_ms:
        times.append(times[-1] + LETTER_MS * weight(text[chars[-1] :]))
        chars.append(len(text))
    elif stretch.to_char > chars[-1]:
        chars.append(stretch.to_char)
        times.append(stretch.to_ms)
    return chars, times


def _along(places: list[int], values: list[int], place: int) -> int:
    """The value at this place; before the first and behind the last, theirs."""
    n = bisect_right(places, place)
    if n in (0, len(places)):
        return values[max(0, n - 1)]
    before, after = places[n - 1], places[n]
    return values[n - 1] + (values[n] - values[n - 1]) * (place - before) // (after - before)


def _text(call: Call, stretch: Stretch) -> str:
    line = history.line_of(call, stretch.utterance)
    return line.text if line is not None else stretch.text


def _with(call: Call, stretch: Stretch, now: Stretch) -> Call:
    return replace(call, voice=tuple(now if each is stretch else each for each in call.voice))


def _open(call: Call, utterance: int) -> Stretch | None:
    return next((s for s in reversed(call.voice) if s.utterance == utterance and not s.to_ms), None)
