"""`python -m testbed.turns check FILE...`: is it a script? `play`: in virtual time. `call`: in real time."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from runner.stack import Stack
from testbed.telephone.phone import Clock
from testbed.turns import model
from testbed.turns.judge import complaints
from testbed.turns.parse import NotUnderstood, read
from testbed.turns.real import Models, Services, environment, play, rehearse
from testbed.turns.record import Record
from testbed.turns.script import Script
from testbed.turns.virtual.play import play as play_virtually

AT_ONCE = 12


def _check(scripts: list[Script]) -> int:
    for script in scripts:
        print(f"{script.name}  [{script.play}] {', '.join(script.tags)}")
        for line in script.story:
            print(f"    {line.when.kind:9} {line.when.words!r:.20} +{line.when.ms} ms  {line.what}")
            for expect in line.expects:
                print(f"        {expect.shown}")
    print(f"{len(scripts)} scripts understood")
    return 0


def _told(record: Record, slack_ms: float) -> int:
    wrong = complaints(record, slack_ms)
    print(f"{'WRONG' if wrong else 'right'}  {record.script.name}")
    print("\n".join([*(f"    {each}" for each in wrong), record.shown(), ""]))
    return bool(wrong)


def _summary(wrong: list[int]) -> int:
    print(f"{wrong.count(0)} of {len(wrong)} right")
    return any(wrong)


async def _play(scripts: list[Script]) -> int:
    return _summary([_told(await play_virtually(script), 0) for script in scripts if script.play != "real"])


async def _call(scripts: list[Script]) -> int:
    wanted = [script for script in scripts if script.play != "virtual"]
    if not wanted:
        print("none of these can be played in real time", file=sys.stderr)
        return 2
    models, lines = Models(), asyncio.Semaphore(AT_ONCE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for script in wanted:
            rehearse(script)
            model.write_agent(folder / "agents", script)
            models.scripts[script.slug] = script
        async with models.vendors() as vendors:
            env = environment(vendors, folder / "agents") | {"PARLEY_AGENT": wanted[0].slug}
            async with Stack(data_dir=folder / "data", env=env) as stack, Clock() as clock:
                services = Services(stack, vendors, models, clock, folder / "agents")

                async def one(script: Script) -> Record:
                    async with lines:
                        return await play(script, services)

                records = await asyncio.gather(*(one(script) for script in wanted))
    return _summary([_told(record, record.late_s * 1000) for record in records])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m testbed.turns", description=__doc__)
    parser.add_argument("what", choices=("check", "play", "call"))
    parser.add_argument("files", nargs="+", type=Path)
    given = parser.parse_args(arguments)
    logging.disable(logging.INFO)
    try:
        scripts = [script for path in given.files for script in read(path)]
    except (OSError, NotUnderstood) as error:
        print(error, file=sys.stderr)
        return 2
    if given.what == "check":
        return _check(scripts)
    return asyncio.run(_play(scripts) if given.what == "play" else _call(scripts))


if __name__ == "__main__":
    sys.exit(main())
