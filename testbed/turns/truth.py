"""Is the bot told that it said what the caller heard, to the word?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from testbed.turns.lines import Known, strings
from testbed.turns.record import Asked, Record
from testbed.vendors.wordcodec import words_of

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
    missing, extra = [0] * len(told), [0] * len(told)
    pairs = [(-1, -1), *_in_common(flat, heard), (len(flat), len(heard))]
    for (told_before, heard_before), (told_at, heard_at) in pairwise(pairs):
        for place in range(told_before + 1, told_at):
            missing[owner[place]] += 1
        if told:
            extra[owner[told_before] if told_before >= 0 else 0] += heard_at - heard_before - 1
    return list(zip(told, missing, extra, strict=False))


def _in_common(told: Sequence[str], heard: Sequence[str]) -> list[tuple[int, int]]:
    """Places of the words of a longest common subsequence, in order."""
    longest = [[0] * (len(heard) + 1) for _ in range(len(told) + 1)]
    for a in range(len(told) - 1, -1, -1):
        row, below, word = longest[a], longest[a + 1], told[a]
        for b in range(len(heard) - 1, -1, -1):
            row[b] = below[b + 1] + 1 if word == heard[b] else max(below[b], row[b + 1])
    found, a, b = [], 0, 0
    while a < len(told) and b < len(heard):
        if told[a] == heard[b]:
            found.append((a, b))
            a, b = a + 1, b + 1
        elif longest[a + 1][b] >= longest[a][b + 1]:
            a += 1
        else:
            b += 1
    return found


def _last_turn(record: Record) -> Asked | None:
    """The last request that a turn of the caller brought about: all the bot said before is settled in it."""
    return next((each for each in reversed(record.asked) if each.messages[-1]["role"] == "user"), None)


def _once(words: list[str]) -> list[str]:
    """Without the word that is said again after a pause."""
    return [word for place, word in enumerate(words) if not place or words[place - 1] != word]


def _without(words: list[str], fillers: list[list[str]]) -> list[str]:
    """A filler is said, whole or cut short, and never told as an answer."""
    for filler in fillers:
        for length in range(len(filler), 1, -1):
            for at in range(len(words) - length, -1, -1):
                if words[at : at + length] == filler[:length]:
                    words = words[:at] + words[at + length :]
    return words


def mangled(record: Record) -> str:
    """A heard word that is in none of the lines that the bot may say."""
    known = {word for line in Known.of(record).lines for word in line}
    strange = [word.text for word in record.words if word.text not in known]
    return " ".join(strange)
