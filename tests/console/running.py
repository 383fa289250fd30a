"""How an operator comes to a house that runs."""

from __future__ import annotations

from pathlib import Path

from parley.settings import Settings
from runner.stack import Stack
from services.backoffice.access.link import login_link


def link(house: Stack) -> str:
    """Logs in, once."""
    settings = Settings.read(PARLEY_DATA_DIR=Path(house.plan.env["PARLEY_DATA_DIR"]))
    return login_link(settings, house.backoffice_url)
