"""`python -m bench` (`make bench`): Parley beside a bare one-process bot, in one run. Method: docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import uvloop

from bench import report
from bench.run import Result, line, measure, vendors, warm_up
from bench.servers import Served, bare, on_the_callers_core, parley

ALONE = 2.5  # one call has few turns: it runs so much longer
SERVERS = ("bare", "parley", "parley+vad", "parley+tls", "parley+backoffice")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run; 2.5 times as long with one call")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each row; the one of median CPU is reported")
    parser.add_argument("--servers", nargs="+", choices=SERVERS, default=list(SERVERS[:3]))
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    return parser.parse_args()


def server_of(name: str, env: dict[str, str], folder: Path) -> AbstractAsyncContextManager[Served]:
    choices: dict[str, Callable[[], Any]] = {
        "bare": lambda: bare(env),
        "parley": lambda: parley({**env, "PARLEY_VAD": "off"}, folder),
        "parley+vad": lambda: parley({**env, "PARLEY_VAD": "silero"}, folder),
        "parley+tls": lambda: parley({**env, "PARLEY_VAD": "off"}, folder, tls=True),
        "parley+backoffice": lambda: parley({**env, "PARLEY_VAD": "off"}, folder, backoffice=True),
    }
    chosen: AbstractAsyncContextManager[Served] = choices[name]()
    return chosen


async def one(name: str, calls: int, seconds: float) -> Result:
    """One run, told as it ends."""
    async with vendors() as sims:
        # Without a token the callers need not sign; the vendors' keys stay.
        env = {**sims.environment(), "TWILIO_AUTH_TOKEN": ""}
        with tempfile.TemporaryDirectory() as folder:
            result = await measure(name, server_of(name, env, Path(folder)), sims, calls, seconds)
    print(line(result), flush=True)
    for failure in sorted(set(result.failures)):
        print(f"    {failure}", flush=True)
    return result


async def main() -> None:
    options = arguments()
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("python -m bench: two cores are needed: one for the servers, one for callers and stand-ins")
    on_the_callers_core()
    warm_up(max(options.calls))
    results: list[Result] = []
    for calls in options.calls:
        for name in options.servers:
            seconds = options.seconds * (ALONE if calls == 1 else 1)
            runs = [await one(name, calls, seconds) for _ in range(options.repeat)]
            results.append(sorted(runs, key=lambda r: r.cpu_sum)[len(runs) // 2])
    print(report.table(results))
    if options.write:
        report.write(results)


if __name__ == "__main__":
    uvloop.run(main())
