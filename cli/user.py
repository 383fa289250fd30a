"""`parley user`: who may log in to the console. Works beside a running service, and before the first start."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import typer

from cli.reach.operating import operator_settings
from parley.errors import NotAllowed, ParleyError
from parley.settings import Settings
from services.backoffice.access.accounts import Accounts
from services.backoffice.access.link import login_link
from services.backoffice.access.passwords import Passwords
from services.backoffice.database import open_database
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit import Audit

WHO = "parley user"
"""As the audit names who typed it."""

user = typer.Typer(no_args_is_help=True, help="Accounts of the console: who may log in, and as what.")
Done = TypeVar("Done")
Name = Annotated[str, typer.Argument(help="Small letters, digits and . _ @ -")]
Role = Annotated[str, typer.Option(help="viewer, supervisor or admin.")]
Ask = Annotated[bool, typer.Option("--ask", help="Ask for the password instead of making one.")]


@user.command()
def add(name: Name, role: Role = "viewer", ask: Ask = False) -> None:
    """Make an account; its password is printed once."""
    given = _asked() if ask else ""
    made = _done(lambda accounts: accounts.add(name, role, given), "user.added", name, {"role": role})
    print(f"{name} may log in as {role}.")
    if not ask:
        print(f"Password, shown once: {made}")


@user.command("list")
def list_all() -> None:
    """Show the accounts."""
    found = _done(lambda accounts: accounts.list())
    for account in found:
        second = "with a second factor" if account.totp else ""
        print(f"{account.name:<24} {account.role:<12} {account.number:<16} {second}".rstrip())
    if not found:
        print("There is none yet: parley user add NAME --role admin")


@user.command()
def remove(name: Name) -> None:
    """Remove an account; its sessions end."""
    _done(lambda accounts: accounts.remove(name), "user.removed", name)
    print(f"{name} is removed.")


@user.command()
def password(
    name: Name,
    ask: Ask = False,
    without_code: Annotated[
        bool, typer.Option("--without-code", help="Take the second factor off, for a lost authenticator.")
    ] = False,
) -> None:
    """Give an account a new password; its sessions end."""
    given = _asked() if ask else ""

    async def change(accounts: Accounts) -> str:
        made = await accounts.set_password(name, given)
        if without_code:
            await accounts.second_factor.turn_off(name)
        return made

    made = _done(change, "password.changed", name, {"without_code": True} if without_code else {})
    print(f"{name} has a new password." if ask else f"Password, shown once: {made}")


@user.command()
def role(name: Name, to: Annotated[str, typer.Argument(help="viewer, supervisor or admin.")]) -> None:
    """Give an account another role; it counts at once."""
    _done(lambda accounts: accounts.set_role(name, to), "user.changed", name, {"role": to})
    print(f"{name} is {to} now.")


@user.command()
def link() -> None:
    """Print a link that logs in once as an admin, within 15 minutes."""
    print(_or_exit(lambda: login_link(_settings())))


def _done(
    act: Callable[[Accounts], Awaitable[Done]], kind: str = "", name: str = "", detail: Mapping[str, Any] | None = None
) -> Done:
    """`kind`: of change, for the audit; `detail`: what it is now."""

    async def run() -> Done:
        settings = _settings()
        database, sealer = await open_database(settings, beside=True), Sealer.of(settings)
        try:
            done = await act(Accounts(database, sealer, Passwords()))
            if kind:
                await Audit(database, sealer).note(WHO, kind, name, detail)
            return done
        finally:
            await database.close()

    return _or_exit(lambda: asyncio.run(run()))


def _or_exit(act: Callable[[], Done]) -> Done:
    try:
        return act()
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(1 if isinstance(error, NotAllowed) else 2) from None


def _settings() -> Settings:
    return operator_settings()


def _asked() -> str:
    given = getpass.getpass("Password: ")
    if given != getpass.getpass("Again: "):
        print("parley: the two are not the same", file=sys.stderr)
        raise typer.Exit(2)
    return given
