"""What of the bot's voice sounded when, in the last seconds: by what the mouth told, and by its pace in between.

Times are the owner's clock, ms. The mouth tells where a stretch of sound began and, once it is known, where it ended;
words in between lie evenly, but for the pauses that a voice makes at commas and points. Of what sounds now the end is
not known: the pace of this voice so far is the guess, from where the mouth last said that it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from services.orchestrator import history
from services.orchestrator.state import Call, Stretch

KEPT_MS = 15_000
MAX_STRETCHES = 12
SLACK_MS = 150  # between the mouth's word and the sound at the caller's ear
DRIFT = 0.15  # of the time since the mouth last told, when only the pace is known
MAX_SLACK_MS = 1_200
UNTOLD_MS = 1_500  # without a word of the mouth: one that still sounded would have told by then
_PACES = (30, 200)  # ms per character that a voice may have
_PAUSES = {".": 3, "!": 3, "?": 3, ",": 2, ";": 2, ":": 2}
"""How many characters a voice could say in the pause behind one of these."""
_TOO_SHORT = 20  # characters, to learn a pace from

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


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
    over = replace(stretch, to_char=max(char, stretch.from_char), to_ms=max(at_ms, stretch.from_ms + 1), text=text)
    length = _length(said, over.from_char, over.to_char)
    if length >= _TOO_SHORT:
        pace = (over.to_ms - over.from_ms) // length
        if _PACES[0] <= pace <= _PACES[1]:
            call = replace(call, pace_ms=(call.pace_ms + pace) // 2)
    return replace(call, voice=tuple(over if s is stretch else s for s in call.voice))


def reaches(call: Call, utterance: int, char: int, at_ms: int) -> Call:
    """It sounds, and is at this character now. Of one that is silent by now nothing is learnt."""
    stretch = _open(call, utterance)
    if stretch is None or char < max(stretch.from_char, stretch.known_char):
        return call
    known = replace(stretch, known_char=char, known_ms=at_ms)
    return replace(call, voice=tuple(known if s is stretch else s for s in call.voice))


def breaks_off(call: Call, at_ms: int) -> Call:
    """Nobody will tell any more how far it came: at this time it was where the guess is. Told again, it stays."""
    stretch = call.voice[-1] if call.voice else None
    if stretch is None or stretch.to_ms:
        return call
    until_ms = min(at_ms, (stretch.known_ms or stretch.from_ms) + UNTOLD_MS)
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
    begin, since_ms = max(stretch.from_char, stretch.known_char), stretch.known_ms or stretch.from_ms
    left = (at_ms - since_ms) // _pace(call, stretch, text)
    for char in range(begin, len(text)):
        if left <= 0:
            return char
        left -= 1 + _PAUSES.get(text[char], 0)
    return max(len(text), begin)


def _pace(call: Call, stretch: Stretch, text: str) -> int:
    """Of what sounds now, as far as the mouth has told; else of this voice so far. ms per character."""
    length = _length(text, stretch.from_char, stretch.known_char)
    if length >= _TOO_SHORT // 2:
        pace = (stretch.known_ms - stretch.from_ms) // length
        if _PACES[0] <= pace <= _PACES[1]:
            return pace
    return max(1, call.pace_ms)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the bot: when it began to sound, at most `early_ms` sooner or `slack_ms` later.

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
        line = history.line_of(call, stretch.utterance)
        text = line.text if line is not None else stretch.text
        end_char = stretch.to_char if stretch.to_ms else len(text)
        length = max(1, _length(text, stretch.from_char, end_char))
        pace = (stretch.to_ms - stretch.from_ms) / length if stretch.to_ms else 0.0
        asks = stretch.to_ms and end_char >= len(text.rstrip()) and text.rstrip().endswith("?")
        for match in _WORD.finditer(text.lower()):
            if match.end() <= stretch.from_char:
                continue
            if not text[end_char : match.start()].isspace() and match.start() > end_char:
                break  # the word in which it fell silent sounded in part
            passed = _length(text, stretch.from_char, match.start()) * (pace or call.pace_ms)
            at_ms = stretch.from_ms + max(0, int(passed))
            early = slack = SLACK_MS + min(int(passed * DRIFT), MAX_SLACK_MS)
            if stretch.to_ms:  # its words lie evenly only on the average
                slack, early = SLACK_MS, SLACK_MS + min(early - SLACK_MS, int((stretch.to_ms - at_ms) * DRIFT))
            if at_ms + slack >= from_ms and at_ms - early <= to_ms:
                found.append(Word(match.group(), at_ms, slack, early, stretch.to_ms if asks else 0))
    return found


def _length(text: str, from_char: int, to_char: int) -> int:
    """Characters from here to there, with those that could be said in the pauses behind commas and points."""
    return to_char - from_char + sum(_PAUSES.get(char, 0) for char in text[from_char:to_char])


def _open(call: Call, utterance: int) -> Stretch | None:
    return next((s for s in reversed(call.voice) if s.utterance == utterance and not s.to_ms), None)
