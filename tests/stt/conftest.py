from collections.abc import AsyncIterator

import pytest

from services.stt.vad import Detector
from testbed.vendors.deepgram.sim import DeepgramSim


@pytest.fixture
async def detector() -> AsyncIterator[Detector]:
    made = Detector()
    yield made
    await made.aclose()


@pytest.fixture
async def sim() -> AsyncIterator[DeepgramSim]:
    async with DeepgramSim(api_key="k") as opened:
        yield opened
