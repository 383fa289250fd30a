"""`make bench-largest`: how many calls one core carries, and a picture of where its time goes.

A number of calls is carried when the 95th percentile of the overhead stays below 200 ms, no call fails, and at most 1 %
of the replies (or one) are lost or have a gap. One that is not carried is tried a second time before that is believed.
The search ends when the least number that was too many is at most 8 % above the largest that was carried.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import re
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import uvloop

from bench import report
from bench.__main__ import SERVERS, one, server_of
from bench.latency import percentile
from bench.run import Result, measure, vendors, warm_up
from bench.servers import Served, on_the_callers_core

SLOW_MS = 200
FAULTY = 0.01
WITHIN = 1.08
GROWS = 1.5
MOST = 400
"""Beyond this the callers' core, not the server's, would be measured."""
PICTURE = report.DOCUMENT.with_name("where-the-time-goes.svg")
PICTURE_S = 15


def carried(result: Result) -> bool:
    faults = result.lost + len(result.gaps)
    return (
        bool(result.overhead)
        and not result.failures
        and percentile(result.overhead, 0.95) < SLOW_MS
        and faults <= max(1, FAULTY * result.turns)
    )


async def largest(run: Callable[[int], Awaitable[Result]], start: int) -> Result | None:
    """The result at the largest number of calls that was carried; None when not even one call was."""
    best: Result | None = None
    low, high = 0, MOST + 1
    calls = start
    while True:
        result = await run(calls)
        if not carried(result):
            result = await run(calls)
        if carried(result):
            best, low = result, calls
        else:
            high = calls
        if low == MOST or high == 1 or (low and high <= max(low + 1, low * WITHIN)):
            return best
        calls = min(MOST, round(low * GROWS)) if high > MOST else (low + high) // 2


_PROCESS = re.compile(
    r"<title>process [0-9]+:&quot;[^<]*? -m (?P<module>[\w.]+)[^<]*?&quot;"
    r"(?P<share> \([^<]*</title><rect[^>]*><text[^>]*>)(?P<label>[^<]*)"
)


def named(svg: str, title: str) -> str:
    """The picture with a title; its processes are called by their modules, not by where they lie on this machine."""

    def called(process: re.Match[str]) -> str:
        module, room = process["module"], len(html.unescape(process["label"]))
        label = module if len(module) <= room else f"{module[: room - 2]}.." if room > 2 else ""
        return f"<title>{module}{process['share']}{label}"

    svg = re.sub(r'(<text id="title"[^>]*>)[^<]*', lambda at: at[1] + html.escape(title), svg)
    return _PROCESS.sub(called, svg)


async def picture(name: str, calls: int, seconds: float) -> None:
    """A flame graph of all the server's Python processes in the midst of so many calls, by py-spy."""
    spy = shutil.which("py-spy", path=str(Path(sys.executable).parent))
    assert spy is not None, "py-spy is installed with the tests"
    async with vendors() as sims:
        env = {**sims.environment(), "TWILIO_AUTH_TOKEN": ""}
        with tempfile.TemporaryDirectory() as folder:
            server = _Watched(server_of(name, env, Path(folder)), spy, calls)
            await measure(name, server, sims, calls, seconds + PICTURE_S)
            await server.drawn


class _Watched:
    """A server that is looked at once its calls are on the line."""

    def __init__(self, server: AbstractAsyncContextManager[Served], spy: str, calls: int) -> None:
        self._server, self._spy, self._calls = server, spy, calls
        self.drawn: asyncio.Future[None]

    async def __aenter__(self) -> Served:
        served = await self._server.__aenter__()
        self.drawn = asyncio.ensure_future(self._draw(served.pid))
        return served

    async def __aexit__(self, *raised: object) -> None:
        await self.drawn
        await self._server.__aexit__(None, None, None)

    async def _draw(self, pid: int) -> None:
        await asyncio.sleep(2 + 0.25 * self._calls + 5)
        watch = ("record", "--subprocesses", "--pid", str(pid), "--duration", str(PICTURE_S), "--rate", "50")
        spy = await asyncio.create_subprocess_exec(
            self._spy,
            *watch,
            *("--output", str(PICTURE)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await spy.communicate()
        if spy.returncode:
            print(f"no picture: py-spy may not look at the services (run as root): {said.decode().strip()[-200:]}")
        else:
            title = f"Where the time goes: {self._calls} calls, {PICTURE_S} s"
            PICTURE.write_text(named(PICTURE.read_text("utf-8"), title), "utf-8")
            print(f"picture: {PICTURE}")


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.largest", description=__doc__)
    parser.add_argument("--servers", nargs="+", choices=SERVERS[1:], default=list(SERVERS[1:]))
    parser.add_argument("--start", type=int, default=96, help="calls to begin with")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run")
    parser.add_argument("--write", action="store_true", help="put the rows into docs/benchmarks.md")
    options = parser.parse_args()
    on_the_callers_core()
    found: list[Result] = []
    for name in options.servers:

        async def run(calls: int, name: str = name) -> Result:
            warm_up(calls)
            return await one(name, calls, options.seconds)

        result = await largest(run, options.start)
        if result is None:
            sys.exit(f"{name}: not even one call was carried")
        print(f"{name}: {result.calls} calls on one core", flush=True)
        found.append(result)
    await picture(found[0].server, found[0].calls, options.seconds)
    if options.write:
        report.write(found, "largest")
    else:
        print(report.table(found))


if __name__ == "__main__":
    uvloop.run(main())
