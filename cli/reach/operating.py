"""How a command on this machine reaches NATS: as the operator of the `make run` here, or as the environment says."""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog
import typer

from parley.bus import Bus
from parley.errors import ParleyError, Unavailable
from parley.settings import Settings
from runner.plan import OPERATOR_FILE

_CONNECT_S = 5.0
Told = TypeVar("Told")


def run_or_exit(act: Callable[[Settings], Coroutine[Any, Any, Told]], not_done: tuple[type[ParleyError], ...]) -> Told:
    """Do it; what is wrong ends the command with its words, and with status 1 where it is one of `not_done`, else 2."""
    try:
        return asyncio.run(act(operator_settings()))
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(1 if isinstance(error, not_done) else 2) from None


def operator_settings() -> Settings:
    """Raises Misconfigured."""
    return Settings.read(**_operator())


def _operator() -> dict[str, str]:
    if "PARLEY_NATS_URL" in os.environ:
        return {}
    path = Settings.read().data_dir / "run" / OPERATOR_FILE
    try:
        return dict(line.split("=", 1) for line in path.read_text().splitlines())
    except OSError:
        return {}


def who_asks() -> str:
    """As the audit names who typed a command."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # in a container: no such user has a name
        name = f"user {os.getuid()}"
    return f"{name} (command)"


@asynccontextmanager
async def operator_bus(settings: Settings, remedy: str = "") -> AsyncIterator[Bus]:
    """Connected. Raises Unavailable; `remedy`: what else could be done."""
    logged = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # the answer says it
    try:
        async with Bus(settings, "command") as bus:
            if not await bus.ready(_CONNECT_S):
                raise Unavailable(f"NATS is away: start `make run`, or set PARLEY_NATS_URL{remedy}")
            yield bus
    finally:
        structlog.configure(**logged)
