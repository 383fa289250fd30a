from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from testbed.vendors.openai.sim import OpenAISim


@pytest.fixture
async def sim() -> AsyncIterator[OpenAISim]:
    async with OpenAISim() as running:
        yield running
