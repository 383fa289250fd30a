"""The users of nats-servers that others start. `python -m cli.generated.nats_users [--check] FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from runner.nats_users import users_by_variable


def text() -> str:
    """The file. Passwords are variables of the server's environment."""
    head = "# Made by `python -m cli.generated.nats_users` from PERMISSIONS in runner/nats_users.py. Do not edit."
    return "\n".join([head, *users_by_variable()]) + "\n"


def main(arguments: list[str]) -> int:
    *options, file = arguments
    if options == ["--check"]:
        same = Path(file).exists() and Path(file).read_text() == text()
        if not same:
            remedy = f"python -m cli.generated.nats_users {file}"
            print(f"{file} is older than runner/nats_users.py: {remedy}", file=sys.stderr)
        return 0 if same else 1
    Path(file).write_text(text())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
