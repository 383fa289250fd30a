"""A house with scripted services, and a browser that calls it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "frontdesk").mkdir()
    (tmp_path / "frontdesk" / "wrapper.json").write_text(json.dumps(WRAPPER))
    async with running(tmp_path, PARLEY_PROFILE="local") as house:
        yield house
