"""How an operator comes to a house that runs, and what else is said to it from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from parley.bus import Bus
from parley.settings import Settings
from runner.stack import Stack
from services.backoffice.access.link import login_link
from testbed.patience import PATIENCE_S
from tests.console.looking import Look


def link(house: Stack) -> str:
    """Logs in, once."""
    settings = Settings.read(PARLEY_DATA_DIR=Path(house.plan.env["PARLEY_DATA_DIR"]))
    return login_link(settings, house.backoffice_url)


async def enter(look: Look, house: Stack) -> None:
    """As the operator of the one-time link."""
    await look.page.goto(link(house))
    await look.settled()


@asynccontextmanager
async def bus_of(house: Stack, service: str) -> AsyncIterator[Bus]:
    """The house's NATS, with the rights of one of its services."""
    own = next(each.env for each in house.plan.processes if each.service == service)
    env = {name: value for name, value in {**house.plan.env, **own}.items() if name.startswith("PARLEY_NATS_")}
    bus = Bus(Settings.read(**env), "tests")
    async with bus:
        assert await bus.ready(PATIENCE_S)
        yield bus
