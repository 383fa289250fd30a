"""What of the bot's voice sounded when, in the last seconds: by what the mouth told, and by its pace in between.

Times are the owner's clock, ms. The mouth tells where a stretch of sound began, about once a second where it is, and
where it ended; words in between lie evenly, but for the pauses that a voice makes at commas and points. Beyond the last
that it told, the pace of this voice so far is the guess.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate

from parley.scripts import asks, spaceless, weight
from parley.words import folded, spans, unit_at, whole_until
from services.orchestrator.mind import history
from services.orchestrator.mind.state import BotLine, Call, Place, Stretch

KEPT_MS = 15_000
MAX_STRETCHES = 12
MAX_TOLD = 24  # of one stretch; the first are forgotten first
SLACK_MS = 150  # between the mouth's word and the sound at the caller's ear
DRIFT = 0.15  # of the time since the mouth last told, when only the pace is known
MAX_SLACK_MS = 1_200
UNTOLD_MS = 1_500  # without a word of the mouth: one that still sounded would have told by then
_PACES = (30, 200)  # ms per letter that a voice may have
_PAUSES = dict.fromkeys(".!?。！？؟।۔", 3) | dict.fromkeys(",;:，、；：،؛", 2)
"""How many letters a voice could say in the pause behind one of these."""
_TOO_SHORT = 20  # letters, to learn a pace from


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
    said = line.text if line is not None else ""
    text = said if line is not None and line.kind == "filler" else ""  # it is forgotten once it was heard
    told = tuple(place for place in stretch.told if place.char < char)  # a pause goes back to the start of its word
    over = replace(stretch, to_char=max(char, stretch.from_char), to_ms=max(at_ms, stretch.from_ms + 1), text=text)
    over = replace(over, told=told)
    length = _length(said, over.from_char, over.to_char)
    if length >= _TOO_SHORT:
        pace = (over.to_ms - over.from_ms) // length
        if _PACES[0] <= pace <= _PACES[1]:
            call = replace(call, pace_ms=(call.pace_ms + pace) // 2)
    return replace(call, voice=tuple(over if s is stretch else s for s in call.voice))


def reaches(call: Call, utterance: int, char: int, at_ms: int) -> Call:
    """It sounds, and is at this character now. Of one that is silent by now nothing is learnt."""
    stretch = _open(call, utterance)
    if stretch is None or char < _last(stretch).char:
        return call
    told = replace(stretch, told=(*stretch.told, Place(char, at_ms))[-MAX_TOLD:])
    return replace(call, voice=tuple(told if s is stretch else s for s in call.voice))


def breaks_off(call: Call, at_ms: int) -> Call:
    """Nobody will tell any more how far it came: at this time it was where the guess is. Told again, it stays."""
    stretch = call.voice[-1] if call.voice else None
    if stretch is None or stretch.to_ms:
        return call
    until_ms = min(at_ms, _last(stretch).at_ms + UNTOLD_MS)
    over = replace(stretch, to_char=position(call, until_ms), to_ms=max(until_ms, stretch.from_ms + 1))
    return replace(call, voice=(*call.voice[:-1], over))


def position(call: Call, at_ms: int) -> int:
    """The character that sounds at this time, by the guess; of the utterance that began last."""
    stretch = call.voice[-1] if call.voice else None
    if stretch is None:
        return 0
    if stretch.to_ms:
        return stretch.to_char
    line = history.line_of(call, stretch.utterance)
    text = line.text if line is not None else ""
    last = _last(stretch)
    letters = _letters(text)
    until = letters[min(last.char, len(text))] + (at_ms - last.at_ms) // _pace(call, stretch, text)
    return max(last.char, min(bisect_left(letters, until, last.char), len(text)))


def surely_heard(line: BotLine, guess: int) -> int:
    """Of its text, when the voice is guessed to be at this character: the words before that one."""
    return max(line.heard, whole_until(line.text, min(guess, len(line.text) - 1)))


def _last(stretch: Stretch) -> Place:
    return stretch.told[-1] if stretch.told else Place(stretch.from_char, stretch.from_ms)


def _pace(call: Call, stretch: Stretch, text: str) -> int:
    """Of what sounds now, as far as the mouth has told; else of this voice so far. ms per letter."""
    last = _last(stretch)
    length = _length(text, stretch.from_char, last.char)
    if length >= _TOO_SHORT // 2:
        pace = (last.at_ms - stretch.from_ms) // length
        if _PACES[0] <= pace <= _PACES[1]:
            return pace
    return max(1, call.pace_ms)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the bot: when it began to sound, at most `early_ms` sooner or `slack_ms` later.

    Of a script without spaces it is one character: where its words lie depends on what stands beside them.
    `asked_ms`: when its question was over.
    """

    text: str
    at_ms: int
    slack_ms: int
    early_ms: int
    asked_ms: int = 0


def words(call: Call, from_ms: int, to_ms: int) -> list[Word]:
    """The words that may have sounded between these times, in the order of their sound."""
    found: list[Word] = []
    for stretch in call.voice:
        places = _places(stretch)
        if stretch.to_ms and max(place.at_ms for place in places) + SLACK_MS < from_ms:
            continue
        line = history.line_of(call, stretch.utterance)
        text = line.text if line is not None else stretch.text
        end_char = stretch.to_char if stretch.to_ms else len(text)
        asked_ms = stretch.to_ms if end_char >= len(text.rstrip()) and asks(text) else 0
        sounded = unit_at(text, end_char) if stretch.to_ms else None
        until = sounded[1] if sounded else len(text)  # the word in which it fell silent sounded in part
        for begin, end, word in _words(text):
            if end <= stretch.from_char:
                continue
            if begin >= until:
                break
            at_ms, slack, early = _when(call, stretch, places, text, begin)
            if at_ms + slack >= from_ms and at_ms - early <= to_ms:
                found.append(Word(word, at_ms, slack, early, asked_ms))
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


def _places(stretch: Stretch) -> tuple[Place, ...]:
    """Where in the text the voice was known to be, from its beginning on."""
    places = (Place(stretch.from_char, stretch.from_ms), *stretch.told)
    return (*places, Place(stretch.to_char, stretch.to_ms)) if stretch.to_ms else places


def _when(call: Call, stretch: Stretch, places: tuple[Place, ...], text: str, char: int) -> tuple[int, int, int]:
    """When this character sounds; how much later and how much sooner it may be."""
    n = bisect_right(places, char, key=lambda place: place.char) - 1
    here = places[max(0, n)]
    after = places[n + 1] if n + 1 < len(places) else None
    length = _length(text, here.char, char)
    if after is None:
        passed = max(0, length * _pace(call, stretch, text)) if not stretch.to_ms else 0
        slack = SLACK_MS + min(int(passed * DRIFT), MAX_SLACK_MS)
        return here.at_ms + passed, slack, slack
    passed = max(0, (after.at_ms - here.at_ms) * length // max(1, _length(text, here.char, after.char)))
    left = after.at_ms - here.at_ms - passed  # between two places words lie evenly only on the average
    return here.at_ms + passed, SLACK_MS, SLACK_MS + min(int(min(passed, left) * DRIFT), MAX_SLACK_MS)


def _length(text: str, from_char: int, to_char: int) -> int:
    """Letters from here to there, with those that could be said in the pauses behind commas and points."""
    letters, last = _letters(text), len(text)
    return letters[min(to_char, last)] - letters[min(from_char, last)]


@lru_cache(maxsize=256)
def _letters(text: str) -> tuple[int, ...]:
    """Before each character, and behind the last."""
    return tuple(accumulate((weight(char) + _PAUSES.get(char, 0) for char in text), initial=0))


def _open(call: Call, utterance: int) -> Stretch | None:
    return next((s for s in reversed(call.voice) if s.utterance == utterance and not s.to_ms), None)
