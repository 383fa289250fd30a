"""A backoffice, and a browser that looks at its console."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.chromium import Chromium, installed
from tests.console.serving import Served, serving


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def chromium(chromium_path: str) -> AsyncIterator[Chromium]:
    async with installed(chromium_path) as chromium:
        yield chromium


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One for all tests of the folder."""
    async with serving(tmp_path_factory.mktemp("backoffice"), PARLEY_NATS_URL="nats://127.0.0.1:1") as served:
        yield served
