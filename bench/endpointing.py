"""`python -m bench.endpointing`: how often a policy cuts callers off inside a pause, and how long it waits when they
are done. In virtual time, through the ears' own account of turns; the recogniser is a model of Deepgram's v1.
Sets and their format: bench/turns/README.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from bench.turns.caller import Heard, Turn, call
from services.stt.contract import Endpointing

OWN = Path(__file__).parent / "turns" / "own.jsonl"
SIDE_BY_SIDE = {
    "meaning": Endpointing(policy="meaning"),
    "dynamic": Endpointing(policy="dynamic"),
    "fixed 300": Endpointing(policy="fixed", min_delay_ms=300),
    "fixed 500": Endpointing(policy="fixed", min_delay_ms=500),
    "fixed 800": Endpointing(policy="fixed", min_delay_ms=800),
}
CURVE = {
    f"{policy} {least}/{most}": Endpointing(policy=policy, min_delay_ms=least, max_delay_ms=most)
    for policy, least, most in (
        ("meaning", 250, 800), ("meaning", 250, 1200), ("meaning", 250, 1600), ("meaning", 250, 2000),
        ("meaning", 400, 1600), ("meaning", 600, 1600), ("meaning", 800, 2000),
        ("dynamic", 300, 2000), ("dynamic", 600, 2000), ("dynamic", 800, 2000),
        ("fixed", 200, 2000), ("fixed", 400, 2000), ("fixed", 600, 2000), ("fixed", 1000, 2000), ("fixed", 1200, 2000),
    )
}  # fmt: skip


@dataclass(slots=True)
class Tally:
    """One policy on one set. A cut-in is counted once a pause; waits in ms after turns that were truly over."""

    pauses: int = 0
    cut_ins: int = 0
    spoken_over: int = 0
    cut_turns: list[str] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    leads: list[int] = field(default_factory=list)
    early: int = 0
    turns: int = 0

    def add(self, turn: Turn, heard: Heard) -> None:
        self.turns += 1
        self.pauses += len(turn.pauses)
        self.cut_ins += heard.cut_ins
        self.spoken_over += heard.spoken_over
        self.early += heard.early
        if heard.cut_ins:
            self.cut_turns.append(f"{turn.name}: {heard.cut_at}")
        if heard.wait_ms is not None:
            self.waits.append(heard.wait_ms)
            self.leads.append(heard.lead_ms)


def read(path: Path) -> list[list[Turn]]:
    """The calls of a file. Raises ValueError naming the line."""
    turns = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip():
            try:
                turns.append(Turn.read(json.loads(line)))
            except (KeyError, TypeError, ValueError) as e:
                raise ValueError(f"{path}:{number}: {type(e).__name__}: {e}") from e
    return [list(of) for _, of in groupby(turns, key=lambda turn: turn.caller)]


def measure(calls: list[list[Turn]], wish: Endpointing) -> Tally:
    tally = Tally()
    for turns in calls:
        for turn, heard in zip(turns, call(turns, wish), strict=True):
            tally.add(turn, heard)
    return tally


def interval(hits: int, of: int) -> tuple[float, float]:
    """95 % of Wilson's score, in per cent."""
    if not of:
        return 0.0, 100.0
    z, share = 1.96, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * ((share * (1 - share) + z * z / (4 * of)) / of) ** 0.5 / (1 + z * z / of)
    return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)


def row(name: str, tally: Tally) -> str:
    low, high = interval(tally.cut_ins, tally.pauses)
    rate = 100 * tally.cut_ins / max(1, tally.pauses)
    waits = sorted(tally.waits) or [0]
    p95 = waits[min(len(waits) - 1, int(0.95 * len(waits)))]
    return (
        f"| {name} | {tally.cut_ins}/{tally.pauses} = {rate:.1f} % ({low:.1f}-{high:.1f}) | {tally.spoken_over} "
        f"| {median(waits):.0f} / {p95} | {median(tally.leads or [0]):.0f} | {tally.early / max(1, tally.turns):.2f} |"
    )


HEAD = (
    "| policy | cut-ins in pauses (95 %) | spoken over | wait median / p95, ms | eager lead, ms | eager ends a turn |\n"
    "|---|---|---|---|---|---|"
)


def report(path: Path, wishes: dict[str, Endpointing], misses: bool) -> None:
    calls = read(path)
    turns = sum(map(len, calls))
    print(f"\n{path.name}: {len(calls)} callers, {turns} turns\n\n{HEAD}")
    for name, wish in wishes.items():
        tally = measure(calls, wish)
        print(row(name, tally))
        if misses and name == "meaning":
            print("\n".join(f"    {line}" for line in tally.cut_turns))


def main(argv: list[str] | None = None) -> None:
    parser: Any = argparse.ArgumentParser(prog="python -m bench.endpointing", description=__doc__)
    parser.add_argument(
        "files", nargs="*", type=Path, default=sorted(OWN.parent.glob("*.jsonl")), help="sets; none: all of bench/turns"
    )
    parser.add_argument("--curve", action="store_true", help="also many delays of each policy")
    parser.add_argument("--misses", action="store_true", help="list the turns that `meaning` cut")
    options = parser.parse_args(argv)
    for path in options.files:
        report(path, SIDE_BY_SIDE | (CURVE if options.curve else {}), options.misses)


if __name__ == "__main__":
    main()
