"""`make scale`: what `parley size` says, tried on this machine. Each part by itself; the callers share its cores.

call     what one call writes to NATS and keeps open: the bench's callers in a whole house
organs   CPU time of a round of the local language model, of a search, of a tool with effects
nats     the writes of many calls, with one node and with three; then the leader of three is killed
idle     calls in which nobody says anything, in one gateway and one orchestrator
crowd    the same calls, whose orchestrator stands still or is killed: all come back at one moment
door     signed webhooks at one gateway
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from bench.scale import call, crowd, door, idle, organs, writes

DOCUMENT = Path(__file__).parents[2] / "docs" / "scale.md"
CALLS, CALL_S = 20, 40.0
ROUNDS = 200
WRITE_S, LOSE_AFTER_S, LOSE_S = 12.0, 4.0, 20.0
IDLE, IDLE_S = [0, 1000, 5000], 30.0
CROWDS = (300, 1000)
DOOR, DOOR_S = (50.0, 200.0, 500.0), 10.0


async def _call(folder: Path) -> str:
    return (await call.measure(folder, CALLS, CALL_S)).rows()


async def _organs(folder: Path) -> str:
    return "\n".join([organs.HEAD, *(work.row() for work in await organs.everything(folder, ROUNDS))])


async def _nats(folder: Path) -> str:
    rows = []
    for nodes, counts in ((1, (1000, 5000, 10_000)), (3, (1000, 2500, 5000))):
        for calls in counts:
            course = await writes.measure(_room(folder), nodes, calls, WRITE_S)
            print(course.row(), flush=True)
            rows.append(course.row())
    lost = await writes.measure(_room(folder), 3, 1000, LOSE_S, LOSE_AFTER_S)
    rows.append(lost.row().replace("| 3 |", "| 3, one killed |", 1))
    return "\n".join([writes.HEAD, *rows])


async def _idle(folder: Path) -> str:
    return "\n".join([idle.HEAD, *(each.row() for each in await idle.measure(folder, IDLE, IDLE_S))])


async def _crowd(folder: Path) -> str:
    faults = [(calls, killed) for calls in CROWDS for killed in (False, True)]
    rows = [(await crowd.measure(_room(folder), calls, killed=killed)).row() for calls, killed in faults]
    return "\n".join([crowd.HEAD, *rows])


async def _door(folder: Path) -> str:
    return "\n".join([door.HEAD, *[(await door.measure(rate, DOOR_S)).row() for rate in DOOR]])


PARTS: dict[str, Callable[[Path], Coroutine[Any, Any, str]]] = {
    "call": _call,
    "organs": _organs,
    "nats": _nats,
    "idle": _idle,
    "crowd": _crowd,
    "door": _door,
}


def _room(folder: Path) -> Path:
    """A new folder in it."""
    return Path(tempfile.mkdtemp(dir=folder))


def put(text: str, part: str, document: Path = DOCUMENT) -> None:
    """Into the document, between the marks of the part, with date and machine."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    load = f"load of the machine at the end {os.getloadavg()[0]:.1f}"
    block = f"{begin}\nMeasured {time.strftime('%Y-%m-%d')} on {machine}; {load}.\n\n{text}\n{end}"
    before = document.read_text("utf-8")
    assert begin in before, f"{document} has no place for {part}"
    document.write_text(re.sub(f"{begin}.*?{end}", lambda _: block, before, flags=re.S), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="make scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--write", action="store_true", help="put the tables into docs/scale.md")
    options = parser.parse_args()
    for part in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            shown = uvloop.run(PARTS[part](Path(folder)))
        print(f"\n{part}\n{shown}\n", flush=True)
        if options.write:
            put(shown, part)


if __name__ == "__main__":
    main()
