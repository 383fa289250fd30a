"""`python -m bench.day`: days of calls against the scaling rule, a fleet that stays as it is, and no forecast."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.day.picture import picture
from bench.day.run import RULE, WAYS, WITHOUT_DRAIN, Outcome, play
from bench.day.traffic import DEVELOPED, HELD_OUT

DOCUMENT = Path(__file__).parents[2] / "docs" / "scaling.md"
PICTURE = DOCUMENT.with_name("scaling-day.svg")
BEGIN, END = "<!-- day: begin -->", "<!-- day: end -->"
HEAD = (
    "| day | calls | open at most | pods | pod-hours, of the static fleet's | asked again and got in | refused"
    " | moved | cut |",
    "|---|--:|--:|---|--:|--:|--:|--:|--:|",
)


def table(outcomes: Sequence[Outcome]) -> str:
    """A row for each day and way; pod-hours of gateway, orchestrator and stt together."""
    whole = {outcome.day: outcome.hours for outcome in outcomes if outcome.way == WAYS[0].name}
    rows = []
    for o in outcomes:
        share = o.hours / whole[o.day]
        cells = (o.day, f"{o.calls:,}", f"{o.highest:,}", o.way, f"{o.hours:,.0f}, {share:.0%}", o.waited, o.refused)
        rows.append(f"| {' | '.join(map(str, cells))} | {o.moved:,} | {o.cut:,} |")
    return "\n".join([*HEAD, *rows])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.day", description=__doc__)
    parser.add_argument("--peak", type=int, default=4000, help="calls open at the height of a usual day")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put table and picture into docs/scaling.md")
    options = parser.parse_args()
    days = (*DEVELOPED, *HELD_OUT)
    runs = [(day, way) for day in days for way in (*WAYS, *((WITHOUT_DRAIN,) if day is days[0] else ()))]
    with ProcessPoolExecutor(options.processes) as pool:
        playing = [pool.submit(play, day, way, float(options.peak)) for day, way in runs]
        outcomes = [each.result() for each in playing]
    shown = table(outcomes)
    print(shown)
    cut = sum(outcome.cut for outcome in outcomes if outcome.way == RULE.name)
    if options.write:
        still, scaled = (next(o for o in outcomes if o.way == way.name) for way in (WAYS[0], RULE))
        PICTURE.write_text(picture(scaled, still), "utf-8")
        text = DOCUMENT.read_text("utf-8")
        block = f"{BEGIN}\n{shown}\n{END}"
        DOCUMENT.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: block, text, flags=re.S), "utf-8")
    if cut:
        raise SystemExit(f"{cut} calls were cut")


if __name__ == "__main__":
    main()
