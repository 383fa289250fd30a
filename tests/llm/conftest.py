from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parley.embedding import Embedder
from services.llm.providers.local import Local
from testbed.frontdesk import AGENTS
from testbed.rounds import settings
from testbed.vendors.openai.sim import OpenAISim


@pytest.fixture
async def sim() -> AsyncIterator[OpenAISim]:
    async with OpenAISim() as running:
        yield running


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the embedding model, built once."""
    folder = tmp_path_factory.mktemp("models")
    Embedder.load(folder).close()
    return folder


@pytest.fixture(scope="session")
def engine(data_dir: Path) -> Local:
    """The front desk without a vendor; it keeps nothing of a call."""
    return Local(settings(PARLEY_AGENTS_DIR=AGENTS, PARLEY_AGENT="frontdesk", PARLEY_DATA_DIR=data_dir))
