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

from bench.chaos import report, town
from bench.chaos.cells import CUT, WANTED, Row, cells
from bench.chaos.rig import Rig, Wave
from bench.chaos.store import Kept, Store
from bench.chaos.verdict import judge
from parley.errors import BadInput

CALLS = 16
MOST_WAVES = 14
"""Of a row: a cell that so many could not fill is marked as having few calls."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--cell", default=os.environ.get("CELL", ""), help="kind, kind/target, or kind/target/moment")
    parser.add_argument("--calls", type=int, default=CALLS, help="calls at once")
    parser.add_argument("--waves", type=int, default=MOST_WAVES, help="faults per row at most")
    parser.add_argument("--again", action="store_true", help="forget what was measured of these rows before")
    parser.add_argument("--report", action="store_true", help="only write docs/chaos.md from what was measured")
    return parser.parse_args()


def moments_for(calls: int, wanted: Sequence[str], counts: Counter[str], turn: int) -> list[str]:
    """What each caller is to be in: first what lacks calls most; nobody is in the same moment all the time."""
    have = Counter({moment: counts[moment] for moment in wanted})
    chosen = []
    for _ in range(calls):
        least = min(wanted, key=lambda moment: have[moment])
        have[least] += 1
        chosen.append(least)
    shift = turn % calls
    return chosen[shift:] + chosen[:shift]


async def try_row(rig: Rig, row: Row, moments: Sequence[str], options: argparse.Namespace, pool: Executor) -> None:
    store = Store()
    if options.again:
        store.forget(row)
    for turn in range(options.waves):
        counts = store.counts(row)
        if all(counts[moment] >= WANTED for moment in moments):
            break
        wave = await rig.wave(row, moments_for(len(rig.callers), moments, counts, turn))
        kept = await _judged(wave, len(rig.callers), pool)
        store.add(kept)
        print(_line(kept), flush=True)


async def _judged(wave: Wave, calls: int, pool: Executor) -> Kept:
    loop = asyncio.get_running_loop()
    verdicts = await asyncio.gather(*(loop.run_in_executor(pool, judge, raw) for raw in wave.raws))
    at = time.strftime("%Y-%m-%d %H:%M:%S")
    return Kept(wave.row, wave.instance, at, calls, round(wave.late_ms), os.getloadavg()[0], list(verdicts))


def _line(kept: Kept) -> str:
    """One wave for the terminal, with what went wrong."""
    hit = [v for v in kept.verdicts if v.hit]
    moments = ", ".join(f"{moment or 'unclear'} {n}" for moment, n in sorted(Counter(v.moment for v in hit).items()))
    lines = [f"{kept.row} {kept.instance}: {len(hit)} of {kept.calls} calls hit ({moments}); late {kept.late_ms} ms"]
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
    if not options.report:
        try:
            chosen = list(cells(options.cell))
        except BadInput as error:
            sys.exit(f"make chaos: {error}")
        town.rehearse(16)
        with (
            tempfile.TemporaryDirectory() as folder,
            ProcessPoolExecutor(1, get_context("spawn")) as pool,
        ):
            for wired in (False, True):
                rows = [(row, moments) for row, moments in chosen if (row.kind == CUT) is wired]
                if not rows:
                    continue
                async with town.rig(Path(folder) / str(wired), options.calls, wired) as rig:
                    for row, moments in rows:
                        await try_row(rig, row, moments, options, pool)
    print(report.write(Store()))


if __name__ == "__main__":
    uvloop.run(main())
