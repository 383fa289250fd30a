"""`python -m bench.quality` (`make quality`): how well the local engines understand. Method: docs/quality.md."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import structlog

from bench.quality import sets, table
from bench.quality.desk import Desk, desk
from bench.quality.judge import Tally
from bench.quality.sets import Case, Spoken
from bench.quality.speech import LINES, Words, heard, recogniser
from bench.quality.table import Line

OWN, HELD_OUT, OWN_VOICED = "own", "held out", "own, held-out voices"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("--only", choices=("typed", "spoken"))
    parser.add_argument("--misses", action="store_true", help="print the own sentences that went wrong")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/quality.md")
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("--write: writes typed and spoken figures; leave out --only")
    return options


async def typed(front: Desk, cases: list[Case], misses: bool) -> Tally:
    tally = Tally()
    for case in cases:
        outcome = await front.hears(case, case.text)
        if not tally.add(case, outcome, front.agent) and misses:
            print(f"    {case.text!r} ({case.intent or 'out of domain'}): {outcome}", flush=True)
    return tally


async def spoken(front: Desk, folder: Path, misses: bool) -> dict[tuple[str, str], Line]:
    own, held_out = sets.own_spoken(), sets.held_out_spoken()
    said: dict[str, list[Spoken]] = {OWN: own, OWN_VOICED: sets.in_voices_of(own, held_out), HELD_OUT: held_out}
    decoders = recogniser(folder)
    lines: dict[tuple[str, str], Line] = {}
    for name, sentences in said.items():
        as_typed = await typed(front, [one.case for one in sentences], misses=False)
        for kind, form in LINES.items():
            line = lines[name, kind] = Line(Words(), Tally(), as_typed)
            for one, text in heard(sentences, form, decoders):
                line.words.add(one, text)
                right = line.heard.add(one.case, await front.hears(one.case, text), front.agent)
                if misses and not right and name != HELD_OUT:
                    print(f"    {kind}: {one.case.text!r} by {one.voice} heard as {text!r}", flush=True)
    return lines


async def main() -> None:
    options = arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        async with desk(Path(folder)) as front:
            if options.only != "spoken":
                tallies = {
                    OWN: await typed(front, sets.own_typed(), options.misses),
                    HELD_OUT: await typed(front, sets.held_out_typed(), misses=False),
                }
                tables += [table.typed_table(tallies), table.intents_table(tallies)]
            if options.only != "typed":
                tables.append(table.spoken_table(await spoken(front, Path(folder), options.misses)))
    print("\n\n".join(tables))
    if options.write:
        table.write(tables)


if __name__ == "__main__":
    asyncio.run(main())
