"""Which of the bot's lines a heard word belongs to, and whether a line was said whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from testbed.turns.listener import HeardWord
from testbed.turns.record import Record
from testbed.turns.script import AGENT
from testbed.vendors.wordcodec import words_of

BREAK_S = 0.3
"""A silence longer than any inside a line: there the voice was paused."""
_FIXED = (
    "I am sorry, something went wrong on my side. Could you say that again?",
    "I am sorry, I cannot help you right now. Please call again a little later. Goodbye.",
    "Sorry, I did not hear you. Please say that again.",
    "Let me stop you there for a moment.",
    "Are you still there?",
    "I cannot hear you. Is there anything I can do for you?",
    "I will hang up now. Goodbye.",
)
"""Sentences that agents have without being told."""


@dataclass(frozen=True)
class Known:
    """The lines that the bot of a call may say, as words, and what was heard of them."""

    record: Record
    lines: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, record: Record) -> Known:
        agent = {**AGENT, **record.script.agent}
        texts = [*strings(agent["greeting"]), *_FIXED, *strings(record.script.agent)]
        for row in record.script.model_rows:
            texts += [row.first, row.line]
        texts += [asked.answer for asked in record.asked]
        return cls(record, tuple(dict.fromkeys(tuple(words_of(text)) for text in texts if text)))

    @cached_property
    def words(self) -> list[HeardWord]:
        return self.record.words

    def begin_of(self, line: list[str], around: float) -> int | None:
        """Where this line begins among the heard words: last before `around` while it lasts, else next after it."""
        starts = [at for at in range(len(self.words)) if self._begins(at, line)]
        before = [at for at in starts if self.words[at].start <= around]
        if before:
            last = before[-1]
            ends = self.words[min(last + len(line), len(self.words)) - 1].end
            if ends > around or len(starts) == len(before):
                return last
        return next((at for at in starts if self.words[at].start > around), None)

    def _begins(self, at: int, line: list[str]) -> bool:
        head = line[: min(2, len(line))]
        return [word.text for word in self.words[at : at + len(head)]] == head

    def said_whole(self, line: list[str], begin: int) -> str:
        """A complaint when a word of the line is missing after this place, or more than one came twice at a break."""
        place = 0
        holes = self.record.holes_between(self.words[begin].start, float("inf"))
        for at in range(begin, len(self.words)):
            if place == len(line):
                return ""
            text = self.words[at].text
            if text == line[place]:
                place += 1
            elif at > begin and place and text == line[place - 1] and self._broken(at):
                continue
            elif holes and line[place + 1 : place + 2] == [text]:
                holes, place = holes - 1, place + 2
            else:
                return f"after {' '.join(line[max(0, place - 3) : place])!r} came {text!r}, not {line[place]!r}"
        if place >= len(line) - min(holes, 1):
            return ""
        return f"it ended before {' '.join(line[place : place + 4])!r}"

    def _broken(self, at: int) -> bool:
        """The voice paused before this word."""
        return self.words[at].start - self.words[at - 1].end > 0.1


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    return [text for each in value for text in strings(each)] if isinstance(value, list) else []


def spoken_around(record: Record, known: Known, at: float, until: float) -> tuple[list[str] | None, int]:
    """The line that the bot was saying at `at`, and how many of its words had been heard by `until`."""
    heard = [word.text for word in record.words if word.end <= until + 0.05]
    following = [word.text for word in record.words if word.end > until + 0.05]
    best: tuple[int, list[str] | None, int] = (0, None, 0)
    for line in known.lines:
        for place in range(1, len(line) + 1):
            length = 0
            while length < place and length < len(heard) and heard[-1 - length] == line[place - 1 - length]:
                length += 1
            if length == place or length >= 2:
                fits = length * 2 + (
                    bool(following) and place < len(line) and following[0] in line[place - 1 : place + 1]
                )
                if fits > best[0]:
                    best = (fits, list(line), place)
        if not heard and following and following[0] == line[0]:
            best = max(best, (1, list(line), 0), key=lambda found: found[0])
    return best[1], best[2]


def readable(said: list[str], expected: list[str], holes: int) -> bool:
    """The same words, but for those with a hole in them."""
    if said == expected:
        return True
    left = list(said)
    missing = [word for word in expected if not (left and left[0] == word and left.pop(0))]
    return not left and len(missing) <= holes
