"""Is the bot told that it said what the caller heard, to the word?"""

from __future__ import annotations

from difflib import SequenceMatcher

from tests.sims.wordcodec import words_of
from tests.turns.lines import Known, strings
from tests.turns.record import Asked, Record

MARGIN = 1
"""Words that a line may be off."""


def heard_truth(record: Record) -> str:
    """A complaint when a line of the bot in the last request is off by more than a word from what was heard."""
    asked = _last_turn(record)
    margin = MARGIN + (record.holes_between(record.answered, asked.at) if asked is not None else 0)
    for line, missing, extra in differences(record):
        if missing > margin:
            return f"told {' '.join(line)!r}, and {missing} of its words were not heard"
        if extra > MARGIN:
            return f"told {' '.join(line)!r}, and {extra} words more were heard"
    return ""


def differences(record: Record) -> list[tuple[list[str], int, int]]:
    """Each line of the bot in the last request, how many of its words were not heard, and how many more were."""
    asked = _last_turn(record)
    if asked is None:
        return []
    told = [words_of(line) for line in asked.bot_lines]
    fillers = {key: value for key, value in record.script.agent.items() if key.startswith("fillers")}
    heard = _once([word.text for word in record.words if word.start < asked.at])
    heard = _without(heard, [words_of(text) for text in strings(fillers)])
    flat = [word for line in told for word in line]
    owner = [number for number, line in enumerate(told) for _ in line]
    missing = [0] * len(told)
    extra = [0] * (len(told) + 1)
    for kind, a, b, c, d in SequenceMatcher(None, flat, heard, autojunk=False).get_opcodes():
        if kind in ("delete", "replace"):
            for place in range(a, b):
                missing[owner[place]] += 1
        if kind in ("insert", "replace"):
            extra[owner[a - 1] if a else 0] += d - c
    return list(zip(told, missing, extra, strict=False))


def _last_turn(record: Record) -> Asked | None:
    """The last request that a turn of the caller brought about: all the bot said before is settled in it."""
    return next((each for each in reversed(record.asked) if each.messages[-1]["role"] == "user"), None)


def _once(words: list[str]) -> list[str]:
    """Without the word that is said again after a pause."""
    return [word for place, word in enumerate(words) if not place or words[place - 1] != word]


def _without(words: list[str], fillers: list[list[str]]) -> list[str]:
    """A filler is said, and never told as an answer."""
    for filler in fillers:
        for at in range(len(words) - len(filler), -1, -1):
            if words[at : at + len(filler)] == filler:
                words = words[:at] + words[at + len(filler) :]
    return words


def mangled(record: Record) -> str:
    """A heard word that is in none of the lines that the bot may say."""
    known = {word for line in Known.of(record).lines for word in line}
    strange = [word.text for word in record.words if word.text not in known]
    return " ".join(strange)
