"""`python -m bench.quality` (`make quality`): how well the local engines understand. Method: docs/quality.md."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from bench.quality import measure, recordings, sets, table, understanding
from bench.quality.callers import Caller, Said, roster
from bench.quality.desk import Desk, desk
from bench.quality.ears import Ears, ears
from parley.errors import BadInput


@dataclass(frozen=True, slots=True)
class Bench:
    """What the parts measure with. `missing`: callers that are not installed. `take`: so many sentences of a set."""

    front: Desk
    ears: Ears
    callers: list[Caller]
    missing: list[str]
    said: Said
    misses: bool
    take: int | None


async def typed(bench: Bench) -> list[str]:
    tallies = {
        measure.OWN: await measure.typed(bench.front, sets.own_typed()[: bench.take], bench.misses),
        measure.HELD_OUT: await measure.typed(bench.front, sets.held_out_typed()[: bench.take]),
        measure.OPEN: await measure.typed(bench.front, sets.open_spoken()[: bench.take]),
    }
    return [table.typed_table(tallies), table.intents_table(tallies)]


async def spoken(bench: Bench) -> list[str]:
    async with bench.ears.unhurried():
        found = await measure.spoken(bench.front, bench.ears, bench.callers, bench.said, bench.misses, bench.take)
    outside = [table.outside_table(found), table.open_table(found, measure.OPEN)]
    return [table.domain_table(found), *outside, table.callers_table(found), table.notes(bench.missing)]


async def people(bench: Bench) -> list[str]:
    found, missing = recordings.people()
    async with bench.ears.unhurried():
        counts = await measure.people(bench.ears, {kind: those[: bench.take] for kind, those in found.items()})
    return [table.people_table(counts), table.notes(missing)]


async def examples(bench: Bench) -> list[str]:
    async with bench.ears.unhurried():
        found = await measure.examples(bench.front, bench.ears, bench.callers, bench.said)
    return [table.examples_table(found), table.notes(bench.missing)]


async def pace(bench: Bench) -> list[str]:
    return [table.pace_table(await measure.pace(bench.ears, bench.callers, bench.said, bench.take))]


PARTS: dict[str, Callable[[Bench], Awaitable[list[str]]]] = {
    "typed": typed,
    "spoken": spoken,
    "people": people,
    "examples": examples,
    "pace": pace,
}


ALONE: dict[str, Callable[[], Awaitable[list[str]]]] = {
    "emotions": understanding.emotions,
    "intents": understanding.intents,
}
"""Parts that need neither callers nor recognisers."""


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("--only", choices=[*ALONE, *PARTS], help="one part")
    parser.add_argument("--misses", action="store_true", help="print the own sentences that went wrong")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/quality.md")
    parser.add_argument("--voices", type=Path, metavar="PYTHON", help="the Python that has the callers' packages")
    parser.add_argument("--sounds", type=Path, metavar="FOLDER", help="keep what callers say here, and use it again")
    parser.add_argument("--take", type=int, metavar="N", help="only the first N sentences of each set")
    options = parser.parse_args(given)
    if options.write and options.take:
        parser.error("--write: writes the figures of whole sets; leave out --take")
    return options


async def main(options: argparse.Namespace) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    for name, alone in ALONE.items():
        if options.only in (None, name):
            _tell(name, await alone(), options.write)
    if options.only in ALONE:
        return
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        callers, missing = roster(options.voices)
        if not callers:
            raise BadInput("nobody can call: " + "; ".join(missing))
        for line in missing:
            print(line, flush=True)
        front = await stack.enter_async_context(desk(folder))
        hearing = await stack.enter_async_context(ears(folder))
        bench = Bench(
            front, hearing, callers, missing, Said(options.sounds or folder / "sounds"), options.misses, options.take
        )
        for name, part in PARTS.items():
            if options.only in (None, name):
                _tell(name, await part(bench), options.write)


def _tell(name: str, tables: list[str], write: bool) -> None:
    print(f"{name} (load {os.getloadavg()[0]:.1f})", flush=True)
    print("\n\n".join(filter(None, tables)), flush=True)
    if write:
        table.write(name, tables)


if __name__ == "__main__":
    asyncio.run(main(arguments()))
