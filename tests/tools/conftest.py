from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tools.service import Desk, serving, settings


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


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.touch()
    return path


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(settings(tmp_path / "data")) as served:
        yield served
