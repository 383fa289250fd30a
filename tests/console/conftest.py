"""A backoffice, and a browser that looks at its console."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from parley.settings import Settings
from runner.stack import Stack
from tests.browser.chromium import Chromium, installed
from tests.console.filling import calls, fill
from tests.console.serving import Served, serving

CALLS = 120
EVERY_MS = 40 * 60_000
HOUSE = {"PARLEY_PROFILE": "local", "PARLEY_WEBHOOKS_PRIVATE": "true"}


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def chromium(chromium_path: str) -> AsyncIterator[Chromium]:
    async with installed(chromium_path) as chromium:
        yield chromium


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One for all tests of the folder, with calls of the last days on record. NATS is away."""
    folder, until_ms = tmp_path_factory.mktemp("backoffice"), int(time.time() * 1000)
    await fill(Settings.read(PARLEY_DATA_DIR=folder), calls(CALLS, until_ms, EVERY_MS))
    async with serving(folder, PARLEY_NATS_URL="nats://127.0.0.1:1") as served:
        yield served


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """All services as `make run` starts them, with the engines that need no vendor."""
    data = tmp_path_factory.mktemp("house") / "data"
    async with Stack(data_dir=data, env=HOUSE, backoffice=True) as stack:
        yield stack
