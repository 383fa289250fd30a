"""`parley config`: settings that are changed while calls go on.

Exit status: 0 done, 1 not done (a bad value, locked by the environment, somebody else was faster), 2 it cannot be told
(NATS away). A change that a process could not take is stored all the same, and said: status 1.
"""

from __future__ import annotations

import getpass
import sys
import time
from typing import Annotated

import typer

from cli.reach.operating import operator_bus, run_or_exit, who_asks
from parley.bus import changing, configuring
from parley.bus.changing import Changed
from parley.bus.presence import ProcessState, processes
from parley.configuration.history import Configuration, Revision
from parley.configuration.sealing import Seals, is_sealed, shown
from parley.configuration.table import known, live_settings
from parley.errors import AlreadyExists, BadInput, Misconfigured, NotFound
from parley.settings import Settings

NOT_DONE = (BadInput, NotFound, Misconfigured, AlreadyExists)

config = typer.Typer(no_args_is_help=True, help="Change settings while calls go on; new calls have them.")


@config.command("get")
def get_command(name: Annotated[str, typer.Argument(help="Which setting; none: all that are live.")] = "") -> None:
    """Show the settings that can be changed live, and where each has its value from."""

    async def act(settings: Settings) -> tuple[Configuration, list[ProcessState]]:
        async with operator_bus(settings) as bus:
            return (await configuring.read(bus)).configuration, await processes(bus)

    if name:
        run_or_exit(_known(name), NOT_DONE)
    found, those = run_or_exit(act, NOT_DONE)
    width = max(map(len, live_settings()))
    for variable in [name] if name else live_settings():
        print(f"{variable.ljust(width)}  {_value(variable, found, those)}")
        for each in those:
            if why := each.refused.get(variable):
                print(f"{'':{width}}  not taken by {each.service}: {why}")


@config.command("set")
def set_command(
    pairs: Annotated[list[str], typer.Argument(help="NAME=VALUE; of a secret only NAME, it is asked for or piped.")],
    note: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
) -> None:
    """Set one or several; all of them or none."""
    changes = run_or_exit(_given(pairs), NOT_DONE)
    _do(changes, note)


@config.command("unset")
def unset_command(
    names: Annotated[list[str], typer.Argument(help="Which settings.")],
    note: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
) -> None:
    """Take the live value away: the default holds again."""
    _do(dict.fromkeys(names), note)


@config.command("history")
def history_command() -> None:
    """Show who changed what and when, the newest first."""

    async def act(settings: Settings) -> list[Revision]:
        async with operator_bus(settings) as bus:
            return await configuring.history(bus)

    found = run_or_exit(act, NOT_DONE)
    for each, before in zip(found, [*found[1:], Revision(0, Configuration())], strict=True):
        now = each.configuration
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now.at))
        undoes = f"  undoes {now.undoes}" if now.undoes else ""
        print(f"{each.revision}  {at}  {now.who}{undoes}{f'  {now.note}' if now.note else ''}")
        for variable in now.changed:
            old, new = (_text(it.values.get(variable)) for it in (before.configuration, now))
            print(f"    {variable}  {old} -> {new}")
    if not found:
        print("nothing was ever changed")


@config.command("undo")
def undo_command(
    revision: Annotated[int, typer.Argument(help="Which change, as `history` numbers them; none: the newest.")] = 0,
) -> None:
    """Put back what one change changed."""

    async def act(settings: Settings) -> Changed:
        async with operator_bus(settings) as bus:
            return await changing.undo_live(bus, revision, who_asks(), time.time())

    _tell(run_or_exit(act, NOT_DONE))


def _do(changes: dict[str, str | None], note: str) -> None:
    async def act(settings: Settings) -> Changed:
        async with operator_bus(settings) as bus:
            return await changing.set_live(bus, changes, Seals.of(settings), who_asks(), time.time(), note)

    _tell(run_or_exit(act, NOT_DONE))


def _known(name: str):  # type: ignore[no-untyped-def]
    async def act(_: Settings) -> None:
        known(name)

    return act


def _given(pairs: list[str]):  # type: ignore[no-untyped-def]
    async def act(_: Settings) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for pair in pairs:
            name, has_value, value = pair.partition("=")
            secret = known(name).is_secret
            if secret and has_value:
                raise BadInput(
                    f"{name}: a secret on the command line is seen by others; `parley config set {name}` asks for it"
                )
            if not secret and not has_value:
                raise BadInput(f"{name}: no value; write {name}=VALUE")
            found[name] = _secret(name) if secret else value
        return found

    return act


def _secret(name: str) -> str:
    return getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def _text(stored: str | None) -> str:
    if stored is None:
        return "(default)"
    return shown(stored) if is_sealed(stored) else stored or "(empty)"


def _value(variable: str, found: Configuration, those: list[ProcessState]) -> str:
    if owners := sorted({each.service for each in those if variable in each.locked}):
        return f"locked: the environment of {', '.join(owners)} sets it"
    if variable in found.values:
        return f"{_text(found.values[variable])}  (live)"
    return f"{live_settings()[variable].default or '-'}  (default)"


def _tell(changed: Changed) -> None:
    now = changed.revision.configuration
    for variable in now.changed:
        print(f"{variable}  {_text(now.values.get(variable))}")
    taken = len(changed.processes) - len(changed.waiting)
    print(f"change {changed.revision.revision}: {taken} of {len(changed.processes)} processes that use it have it")
    for each in changed.waiting:
        print(f"  not yet: {each.service} on {each.host}")
    for variable, why in changed.refused.items():
        print(f"parley: {variable}: not taken by {why}", file=sys.stderr)
    if changed.refused:
        raise typer.Exit(1)
