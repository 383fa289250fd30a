"""`parley audit`: is the log of what happened, and of who did what, still what was written?"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from cli.reach.operating import operator_settings
from parley.errors import BadInput, ParleyError
from parley.settings import Settings
from services.backoffice.database import open_database
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit import Audit, Verdict

audit = typer.Typer(no_args_is_help=True, help="The audit log of backoffice.")


@audit.callback()
def _group() -> None:
    """The audit log of backoffice."""


@audit.command()
def verify(
    expect: Annotated[str, typer.Option(help="NUMBER:HEAD, as an earlier run printed it.")] = "",
) -> None:
    """Read the whole log and name the first entry that is not what was written. Backoffice may be running.

    Exit status: 0 it is whole, 1 it is not, 2 it cannot be told (database away, another key).
    """
    try:
        verdict, same = asyncio.run(_verified(operator_settings(), *_expected(expect)))
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if verdict.broken:
        print(f"entry {verdict.broken} is broken: {verdict.why}")
        print(f"{verdict.entries} entries before it are whole" if verdict.entries else "none before it is whole")
        raise typer.Exit(1)
    unreadable = f", {verdict.unreadable} of callers who were forgotten" if verdict.unreadable else ""
    print(f"{verdict.entries} entries{unreadable}: the log is whole")
    if verdict.entries:
        print(f"note this elsewhere: {verdict.entries}:{verdict.head}")
    if not same:
        print(f"but it is another log than the one of --expect {expect}: entries were cut off, and others written")
        raise typer.Exit(1)


def _expected(text: str) -> tuple[int, str]:
    number, _, head = text.partition(":")
    if not text:
        return 0, ""
    if not number.isdecimal() or not head:
        raise BadInput(f"--expect {text}: write NUMBER:HEAD, as an earlier run printed it")
    return int(number), head


async def _verified(settings: Settings, number: int, head: str) -> tuple[Verdict, bool]:
    """The verdict, and whether entry `number` has this hash. Raises ParleyErrors."""
    sealer = Sealer.of(settings)
    database = await open_database(settings, beside=True)
    try:
        log = Audit(database, sealer)
        return await log.verify(), not number or await log.hash_of(number) == head
    finally:
        await database.close()
