"""One worker with the model for all tests of a file; a caller's voice; audio with the VAD's edges in it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from parley.settings import Settings
from services.stt.providers.whisper import Whisper
from services.stt.vad import Detector
from services.stt.whisper import pool
from tests.stt_whisper.calls import loaded


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ears() -> AsyncIterator[Whisper]:
    made = Whisper(Settings.read(workers=1))
    await loaded(made)
    yield made
    await made.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def detector() -> AsyncIterator[Detector]:
    made = Detector()
    yield made
    await made.aclose()


@pytest.fixture
def quick(ears: Whisper, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with a core to spare, however busy this one is."""
    monkeypatch.setattr(pool, "SMOOTH", 0.0)
    monkeypatch.setattr(pool, "WAIT_S", 60.0)
    ears.pool.decode_s = 0.1
