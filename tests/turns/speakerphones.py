"""Calls on a speakerphone: any level, any delay, any way of being misheard, replies of any length.

`python -m tests.turns.speakerphones [SEEDS]` plays the whole family in virtual time and counts what went wrong.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from testbed.turns.judge import Case, complaints
from testbed.turns.parse import parse
from testbed.turns.record import Record
from testbed.turns.script import Expect, Script
from testbed.turns.virtual.play import play
from testbed.turns.virtual.speakerphone import KINDS, Mishears
from testbed.vendors.wordcodec import words_of

LEVELS_DB = (-12, -16, -20, -26, -32, -40)
DELAYS_MS = (60, 150, 300, 450, 600)
LENGTHS = (20, 45, 140)
"""Words of the reply: about 8, 18 and 58 seconds."""
SAYS = (
    "wait what color is it",
    "stop",
    "no",
    "hold on what color is it",
    "sorry i wanted the price",
    "could you tell me the price instead",
)
TEXT = (
    "The tour begins at the old harbour, where the boats still bring in fish before sunrise. From there you walk along"
    " the north wall, and on your left you will see the house of the first mayor. Nobody lives in it today, but the"
    " garden is open, and in spring the apple trees are worth a longer rest. After the garden the road climbs for about"
    " ten minutes. Most guests stop half way, drink some water, and take a picture of the bay. At the top there is a"
    " small museum with letters, maps and two hundred model ships. Tickets cost four dollars, children pay nothing, and"
    " on Mondays it is closed. Behind the museum a quiet path leads through the forest to a bridge. Cross it slowly,"
    " because the planks move, and then follow the yellow signs down to the market. There you can buy bread, honey, and"
    " cheese from the farms around here. The last bus leaves at twenty past six, so please keep an eye on the clock,"
    " and remember that the driver never waits for anybody."
)


@dataclass(frozen=True, slots=True)
class Speakerphone:
    """One call: the echo, how it is misheard, how long the reply is, and what the caller says into it, if anything."""

    level_db: int
    delay_ms: int
    mishears: Mishears
    length: int
    says: str = ""
    at_word: int = 0

    @property
    def reply(self) -> str:
        return " ".join(TEXT.split()[: self.length]).rstrip(".,") + "."

    @property
    def name(self) -> str:
        what = f", {self.says!r} at word {self.at_word}" if self.says else ""
        m = self.mishears
        return f"{self.level_db} dB, {self.delay_ms} ms, {m.kind} {m.seed}, {self.length} words{what}"

    @property
    def script(self) -> Script:
        lines = [
            f"call: {self.name}",
            "play: virtual",
            f'bot: "explain" -> "{self.reply}"',
            f"line: echo {self.level_db} dB after {self.delay_ms} ms",
            'at 7000 ms: caller: "please explain"',
        ]
        if not self.says:
            lines += ['expect bot finishes "explain"', 'expect turns "please explain"']
        else:
            cue = " ".join(words_of(self.reply)[self.at_word - 3 : self.at_word])
            stops = "stops" if self.mishears.kind != "late" else "pauses"  # it may go on until the words are known
            lines += [f'when bot says "{cue}": caller: "{self.says}"', f"expect bot {stops} within 5000 ms"]
            lines += [f'expect turns "please explain" / "{self.says}"']
        return parse("\n".join(lines))[0]


def family(seeds: range, *, talks: bool) -> Iterator[Speakerphone]:
    """For each seed every level, delay and kind, with a length and words by the seed's dice."""
    for seed in seeds:
        dice = random.Random(seed)
        for level in LEVELS_DB:
            for delay in DELAYS_MS:
                for kind in KINDS:
                    length = dice.choice(LENGTHS[:2] if talks else LENGTHS)
                    says = dice.choice(SAYS) if talks else ""
                    at_word = dice.randrange(6, min(length, 28) - 6) if talks else 0
                    mishears = Mishears(kind, dice.randrange(1_000_000), dice.choice((0.3, 0.5, 0.7)))
                    yield Speakerphone(level, delay, mishears, length, says, at_word)


def silent_after_ms(record: Record) -> float | None:
    """From the caller's first sample to the bot's silence, in the line that interrupts."""
    case = Case(record, record.played[-1], Expect(0, "", "stops"), 0.0)
    return None if case.silenced is None else (case.silenced - case.it.voiced) * 1000


def holes_ms(record: Record) -> list[float]:
    """Silences that a `clear` made in the reply."""
    found = []
    for before, after in zip(record.fine, record.fine[1:], strict=False):
        if any(abs(clear.at - before.end) < 0.06 for clear in record.clears):
            found.append((after.start - before.end) * 1000)
    return found


async def _main(seeds: range, talks: bool) -> None:
    wrong: Counter[str] = Counter()
    calls, took, holes, clears = 0, [], [], 0
    for each in family(seeds, talks=talks):
        record = await play(each.script, mishears=each.mishears)
        calls += 1
        found = complaints(record, 0)
        if found:
            print(each.name, "|", "; ".join(found)[:200], flush=True)
            for value in (f"{each.level_db} dB", f"{each.delay_ms} ms", each.mishears.kind, f"{each.length} words", ""):
                wrong[value] += 1
        clears += len([c for c in record.clears if c.dropped_ms])
        if talks:
            took.append(silent_after_ms(record))
        else:
            holes += holes_ms(record)
    print(f"{calls} calls, {wrong.pop('', 0)} wrong; clears {clears}", dict(wrong))
    for name, values in (("silent after", [x for x in took if x is not None]), ("holes", holes)):
        values.sort()
        if values:
            p = [round(values[min(len(values) - 1, int(len(values) * q))]) for q in (0.5, 0.95, 0.99)]
            print(name, len(values), p, round(values[-1]), "over 150:", sum(v > 150 for v in values))


if __name__ == "__main__":
    logging.disable(logging.INFO)
    first, last = (int(x) for x in sys.argv[2:4])
    asyncio.run(_main(range(first, last), sys.argv[1] == "talks"))
