"""A house with scripted services, and a browser that calls it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.chromium import Chromium, installed
from tests.gateway.conftest import House, running

WRAPPER = {
    "name": "Bellweather Bikes",
    "tagline": "The front desk of a bicycle shop.",
    "color": "#1f6f5c",
    "language": "en",
    "sample_call": "Where is my order one two three four?",
    "examples": ["Where is my order one two three four?", "When are you open on Saturday?"],
    "note": "Bellweather Bikes is a made-up company.",
}


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def chromium(chromium_path: str) -> AsyncIterator[Chromium]:
    async with installed(chromium_path) as chromium:
        yield chromium


@pytest.fixture(scope="package")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of what microphones hear."""
    return tmp_path_factory.mktemp("sounds")


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "frontdesk").mkdir()
    (tmp_path / "frontdesk" / "wrapper.json").write_text(json.dumps(WRAPPER))
    async with running(tmp_path, PARLEY_PROFILE="local") as house:
        yield house
