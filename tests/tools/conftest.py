from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from services.tools.database import Database, open_database
from tests.databases import POSTGRES, fresh_database, server, url
from tests.tools.service import Desk, serving, settings

__all__ = ["server", "url"]


class Gate:
    """A FIFO at which a tool waits. `arrived` returns once it stands there; `open` lets it go on."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = str(path)
        self._end = -1

    def arrived(self) -> None:
        """Blocks until a tool reads: run it in a thread."""
        self._end = os.open(self.path, os.O_WRONLY)

    def open(self) -> None:
        os.close(self._end)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "gate")


class Journal:
    """What the tools have really done, a line each."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self.path = str(path)

    def text(self) -> str:
        with open(self.path) as f:
            return f.read()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(settings(tmp_path / "data")) as served:
        yield served


@pytest.fixture(params=["sqlite", POSTGRES])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Of both kinds, one after the other."""
    async with AsyncExitStack() as stack:
        url = ""
        if request.param == "postgres":
            url = await stack.enter_async_context(
                fresh_database(request.getfixturevalue("server"), request.node.nodeid)
            )
        opened = await open_database(url, tmp_path / "data")
        stack.push_async_callback(opened.close)
        yield opened
