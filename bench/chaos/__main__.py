"""`make chaos`: what callers notice when processes die under them. CELL=kill/stt/speaking for one cell."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import uvloop

from bench.chaos import in_succession, report
from bench.chaos.course import Course, cast
from bench.chaos.store import Kept, Store
from parley.errors import BadInput
from testbed.chaos import town
from testbed.chaos.cells import CUT, Row, cells
from testbed.chaos.rig import Rig, Wave
from testbed.chaos.verdict import judge

CALLS = 44
MOST_WAVES = 14
"""Of a row: a cell that so many could not fill is marked as having few calls."""
_IN_VAIN = 3
"""So many waves in a row that gave no cell of the row a call it lacks: no more are played."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--cell", default=os.environ.get("CELL", ""), help="kind, kind/target, or kind/target/moment")
    parser.add_argument("--calls", type=int, default=CALLS, help="calls at once")
    parser.add_argument("--waves", type=int, default=MOST_WAVES, help="faults per row at most")
    parser.add_argument("--again", action="store_true", help="forget what was measured of these rows before")
    parser.add_argument("--plan", action="store_true", help="only say how much there is to do, and how long it takes")
    parser.add_argument("--report", action="store_true", help="only write docs/chaos.md from what was measured")
    parser.add_argument("--succession", type=float, metavar="SECONDS", help="instead: faults in quick succession")
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="of the succession; or several")
    parser.add_argument("--write", action="store_true", help="put the successions into docs/chaos.md")
    return parser.parse_args()


class Run:
    """One run of `make chaos`."""

    def __init__(self, options: argparse.Namespace, rows: Sequence[tuple[Row, Sequence[str]]], pool: Executor) -> None:
        self._options, self._pool = options, pool
        self._store = Store(town.SCENES)
        self._course = Course(self._store, rows, options.calls, options.waves)
        self._rows = rows

    async def all(self) -> None:
        """Without wires first: a proxy would be in the way of what is measured."""
        with tempfile.TemporaryDirectory() as folder:
            for wired in (False, True):
                rows = [(row, moments) for row, moments in self._rows if (row.kind == CUT) is wired]
                rows = [(row, moments) for row, moments in rows if self._store.lacking(row, moments)]
                if not rows:
                    continue
                print(self._course.line(2 - wired), flush=True)
                async with town.rig(Path(folder) / str(wired), self._options.calls, wired) as rig:
                    for row, moments in rows:
                        await self._row(rig, row, moments)

    async def _row(self, rig: Rig, row: Row, moments: Sequence[str]) -> None:
        """Waves until no cell of the row lacks calls, or it is clear that they cannot be had."""
        vain = 0
        for turn in range(self._options.waves):
            lacking = self._store.lacking(row, moments)
            if not lacking or vain >= _IN_VAIN:
                break
            kept = await self._judged(await rig.wave(row, cast(len(rig.callers), lacking, moments, turn)))
            self._store.add(kept)
            hit = Counter(v.moment for v in kept.verdicts if v.hit)
            vain = 0 if any(hit[moment] for moment in lacking) and not kept.spoiled else vain + 1
            self._course.played(row, kept.took_s, hit.total())
            print(f"{_told(kept)}\n  {self._course.line()}", flush=True)
        if self._store.lacking(row, moments):
            self._course.gave_up(row)

    async def _judged(self, wave: Wave) -> Kept:
        loop, began = asyncio.get_running_loop(), time.monotonic()
        verdicts = await asyncio.gather(*(loop.run_in_executor(self._pool, judge, raw) for raw in wave.raws))
        at, load = time.strftime("%Y-%m-%d %H:%M:%S"), os.getloadavg()[0]
        took_s = wave.took_s + time.monotonic() - began
        return Kept(
            row=wave.row,
            instance=wave.instance,
            at=at,
            calls=len(wave.raws),
            late_ms=round(wave.late_ms),
            load=load,
            verdicts=list(verdicts),
            scenes=town.SCENES,
            took_s=round(took_s, 1),
            busy=round(wave.busy, 2),
        )


def _told(kept: Kept) -> str:
    """One wave for the terminal, with what went wrong."""
    hit = [v for v in kept.verdicts if v.hit]
    moments = ", ".join(f"{moment or 'unclear'} {n}" for moment, n in sorted(Counter(v.moment for v in hit).items()))
    rig = f"{kept.took_s:.1f} s, rig late {kept.late_ms} ms, {kept.busy:.0%} of a core"
    lines = [f"{kept.row} {kept.instance}: {len(hit)} of {kept.calls} calls hit ({moments}); {rig}"]
    for v in kept.verdicts:
        wrong = {
            "call lost": v.call_lost,
            "turn lost": v.turn_lost and (v.heard or "silence"),
            "bot's words lost": v.bot_words_lost,
            "bot's words twice": v.bot_words_twice,
            "caller's words lost": v.caller_words_lost,
            "caller's words twice": v.caller_words_twice,
            "history": v.history_differs,
            "effects missing": v.effects_missing,
            "effects doubled": v.effects_doubled,
        }
        if told := [f"{name}: {value}" for name, value in wrong.items() if value]:
            lines.append(f"    {v.caller} {v.aimed} > {v.moment}{'' if v.hit else ' (not hit)'}: {'; '.join(told)}")
    return "\n".join(lines)


async def main() -> None:
    options = arguments()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # clients that die are what this is about
    if options.succession:
        await in_succession.played(options.succession, options.seed, options.write)
        return
    store = Store(town.SCENES)
    if not options.report:
        try:
            chosen = list(cells(options.cell))
        except BadInput as error:
            sys.exit(f"make chaos: {error}")
        if options.plan:
            print(Course(store, chosen, options.calls, options.waves).line(2))
            return
        for row, _ in chosen if options.again else ():
            store.forget(row)
        town.rehearse()
        with ProcessPoolExecutor(1, get_context("spawn"), os.nice, (20,)) as pool:
            await Run(options, chosen, pool).all()
    print(report.write(store))


if __name__ == "__main__":
    uvloop.run(main())
