"""`parley`: run, call, chat, agent, number, config, user, audit, forget, eval, replay, compliance, mcp, ..."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

COMMANDS = {
    "run": "cli.run",
    "call": "cli.calling.call",
    "chat": "cli.calling.chat",
    "agent": "cli.agent",
    "number": "cli.number",
    "config": "cli.config",
    "user": "cli.user",
    "audit": "cli.audit",
    "forget": "cli.forget",
    "eval": "cli.eval",
    "replay": "cli.recorded.replay",
    "compliance": "cli.compliance",
    "mcp": "cli.mcp",
    "size": "cli.size",
    "doctor": "cli.doctor.doctor",
}

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _version(asked: bool) -> None:
    if asked:
        print(f"parley {version('parley')}")
        raise typer.Exit


@app.callback()
def parley(
    which: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Which version.")] = False,
) -> None:
    """A machine answers the phone."""


def main() -> None:
    # Only the command that is asked for is imported: each brings libraries that the others do without.
    asked = [name for name in (*COMMANDS, "--version") if name in sys.argv[1:2]]
    for name in [name for name in asked or COMMANDS if name in COMMANDS]:
        command = getattr(import_module(COMMANDS[name]), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    app()


if __name__ == "__main__":
    main()
