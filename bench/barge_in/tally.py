"""What came of the trials of one kind, read from the records of their calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from math import sqrt

from bench.barge_in.trials import ASK, Kind
from testbed.turns.caller import Played
from testbed.turns.record import Record
from testbed.turns.script import DESK
from testbed.turns.truth import differences
from testbed.vendors.wordcodec import words_of

STORY = words_of(DESK[0].line)
FRAME_S = 0.02
MISSED_S = 1.5
"""An interruption that has not silenced the bot for good by then, after its last sample, was missed."""
_SETTLED_S = 0.8
"""After the caller's own question: what is played from then on has nothing to do with it."""


@dataclass(slots=True)
class Tally:
    """Times in ms. `holes`: silences that pauses left in a line that went on. `off`: words by which a line of the bot,
    as the model was told it, differs from what was heard. `played_s`: the bot was heard so long with nobody speaking.
    """

    kind: Kind
    calls: int = 0
    trials: int = 0
    unplayed: list[str] = field(default_factory=list)
    clears: list[float] = field(default_factory=list)
    silences: list[float] = field(default_factory=list)
    missed: int = 0
    stopped: int = 0
    pauses: int = 0
    holes: list[float] = field(default_factory=list)
    lost: int = 0
    repeated: int = 0
    broken_by_holes: int = 0
    off: list[int] = field(default_factory=list)
    worst: str = ""
    played_s: float = 0.0

    def add(self, record: Record) -> None:
        self.calls += 1
        if record.failure:
            self.unplayed.append(record.failure)
        for told, missing, extra in differences(record):
            self.off.append(max(0, max(missing, extra) - len(record.holes)))
            if self.off[-1] == max(self.off) > 1:
                self.worst = f"told {' '.join(told)!r}, {missing} words of it not heard, {extra} more heard"
        for place, played in enumerate(record.played):
            until = record.played[place + 1].begun if place + 1 < len(record.played) else record.ended_at
            if played.line.what != ASK:
                self._sound(record, played, until)
            elif not self.kind.sounds:
                self.trials += 1
                self._line(record, played, played.ends, until)

    def _sound(self, record: Record, played: Played, until: float) -> None:
        self.trials += 1
        if self.kind.real:
            self._interruption(record, played)
        else:
            self._line(record, played, played.begun, until)

    def _interruption(self, record: Record, played: Played) -> None:
        arrived = played.begun + (played.voiced - played.begun) // FRAME_S * FRAME_S
        clear = next((c.at for c in record.clears if c.at >= arrived), float("inf"))
        deadline = played.silent + MISSED_S
        heard = [w.text for w in record.words if played.silent + 0.5 < w.start < deadline + 2]
        went_on = any(STORY[n : n + 2] == heard[:2] for n in range(2, len(STORY) - 1))
        if clear > deadline or went_on:
            self.missed += 1
            return
        self.clears.append((clear - arrived) * 1000)
        silent = next((run.end for run in record.fine if run.end > played.voiced - 0.3), arrived)
        self.silences.append(max(0.0, silent - arrived) * 1000)

    def _line(self, record: Record, played: Played, since: float, until: float) -> None:
        """A line over which nothing was said that counts: what became of it?"""
        asked = any(played.begun < a.at < until and self._new_turn(record, a.at, played) for a in record.asked)
        before = [each.ends for each in record.played if each.line.what == ASK and each.ends < since]
        begin = before[-1] if self.kind.sounds and before else since
        words = [w for w in record.words if begin < w.start < until]
        said = [w.text for w in words]
        if asked or not set(STORY[-3:]) & set(said[-3:]):
            self.stopped += 1
            return
        self._words(record, said, begin, until)
        self.played_s += sum(
            min(run.end, until) - max(run.start, since) for run in record.fine if run.end > since and run.start < until
        )
        for clear in record.clears:
            if since + (_SETTLED_S if not self.kind.sounds else 0.0) < clear.at < until and clear.dropped_ms > 0:
                self.pauses += 1
                again = next((run.start for run in record.fine if clear.at - 0.01 <= run.start < until), None)
                if again is not None:
                    self.holes.append((again - clear.at) * 1000)

    def _new_turn(self, record: Record, at: float, played: Played) -> bool:
        """A request that is not the answer to the caller's own question."""
        return played.line.what != ASK or at > played.ends + 3.0

    def _words(self, record: Record, said: list[str], begin: float, until: float) -> None:
        holes = record.holes_between(begin, until)
        lost = repeated = 0
        for kind, a, b, c, d in SequenceMatcher(None, STORY, said, autojunk=False).get_opcodes():
            lost += b - a if kind in ("delete", "replace") else 0
            repeated += d - c if kind in ("insert", "replace") else 0
        self.broken_by_holes += min(lost, holes)
        self.lost += max(0, lost - holes) > 0
        self.repeated += repeated > 1


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % interval of a rate, as shares."""
    if not trials:
        return 0.0, 1.0
    z, rate = 1.96, hits / trials
    centre = rate + z * z / (2 * trials)
    spread = z * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
