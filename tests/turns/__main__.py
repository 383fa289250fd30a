"""`python -m tests.turns check FILE...`: is it a script? `play`: in virtual time. `call`: in real time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.turns.parse import NotUnderstood, read
from tests.turns.script import Script


def _check(scripts: list[Script]) -> int:
    for script in scripts:
        print(f"{script.name}  [{script.play}] {', '.join(script.tags)}")
        for line in script.story:
            print(f"    {line.when.kind:9} {line.when.words!r:.20} +{line.when.ms} ms  {line.what}")
            for expect in line.expects:
                print(f"        {expect.shown}")
    print(f"{len(scripts)} scripts understood")
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.turns", description=__doc__)
    parser.add_argument("what", choices=("check",))
    parser.add_argument("files", nargs="+", type=Path)
    given = parser.parse_args(arguments)
    try:
        scripts = [script for path in given.files for script in read(path)]
    except (OSError, NotUnderstood) as error:
        print(error, file=sys.stderr)
        return 2
    return {"check": _check}[given.what](scripts)


if __name__ == "__main__":
    sys.exit(main())
