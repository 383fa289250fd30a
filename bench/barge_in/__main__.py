"""`python -m bench.barge_in` (`make bench-turns`): who may silence the bot, how fast, and what it costs to be wrong.

Method and figures: docs/turn-taking.md.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
from pathlib import Path

import uvloop

from bench.barge_in import report
from bench.barge_in.run import KINDS, Run, measure, told

ALONE_TRIALS = 30


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.barge_in", description=__doc__)
    parser.add_argument("--calls", type=int, default=50, help="at once")
    parser.add_argument("--trials", type=int, default=300, help="of each kind of sound")
    parser.add_argument("--kinds", nargs="+", choices=[kind.name for kind in KINDS], default=None)
    parser.add_argument("--alone", action="store_true", help=f"then {ALONE_TRIALS} interruptions with one call")
    parser.add_argument("--short", action="store_true", help="12 trials of each kind, 12 calls at once: a quick look")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/turn-taking.md")
    return parser.parse_args()


async def main() -> None:
    given = arguments()
    calls, trials = (12, 12) if given.short else (given.calls, given.trials)
    kinds = [kind for kind in KINDS if given.kinds is None or kind.name in given.kinds]
    runs: list[Run] = []
    for number, count, wanted in (
        (calls, trials, kinds),
        *([(1, ALONE_TRIALS, [KINDS[0]])] if given.alone else []),
    ):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(await measure(number, count, wanted, Path(folder)))
        print(told(runs[-1]), flush=True)
    print(report.tables(runs))
    if given.write:
        await asyncio.to_thread(report.write, runs)


if __name__ == "__main__":
    logging.disable(logging.INFO)
    uvloop.run(main())
