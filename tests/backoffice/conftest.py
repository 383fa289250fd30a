from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from parley.settings import Settings
from services.backoffice.database import Database, open_database
from services.backoffice.sealing import Sealer
from tests.databases import POSTGRES, fresh_database, server, url

__all__ = ["server", "url"]


@pytest.fixture(params=["sqlite", POSTGRES])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Of both kinds, one after the other."""
    async with AsyncExitStack() as stack:
        url = ""
        if request.param == "postgres":
            url = await stack.enter_async_context(
                fresh_database(request.getfixturevalue("server"), request.node.nodeid)
            )
        opened = await open_database(Settings.read(backoffice_database_url=url, data_dir=tmp_path / "data"))
        stack.push_async_callback(opened.close)
        yield opened


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(bytes(32))
