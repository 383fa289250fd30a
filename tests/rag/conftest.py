"""A little company's knowledge, one embedder for all, and both indexes."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from qdrant_client import AsyncQdrantClient

from parley.embedding import Embedder
from parley.settings import Settings
from services.rag.index import VectorIndex
from services.rag.indexes.edge import EdgeIndex
from services.rag.indexes.qdrant import QdrantIndex

RETURNS = """---
topic: returns
---
# Returns

## Refunds
You can send back any purchase within 30 days. We pay you back within five working days.

## Exchanges
A jacket that does not fit is exchanged once at no cost. Part number ZX-4471 can not be exchanged.
"""
HOURS = """---
topic: hours
---
# Opening hours
We are open from nine in the morning to six in the evening, Monday to Saturday.

On Sundays we are closed.
"""
SHIPPING = "Parcels arrive in two to four days.\n\nExpress parcels arrive on the next working day."

AGENT = "company: Fern & Co\ngreeting: Hello, this is Fern and Co.\nprompt: You are the front desk.\n"


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the embedding model, built once."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def embedder(data_dir: Path) -> Iterator[Embedder]:
    embedder = Embedder.load(data_dir)
    yield embedder
    embedder.close()


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    """Folder with the agent `desk` and its three files of knowledge."""
    knowledge = tmp_path / "agents" / "desk" / "knowledge"
    knowledge.mkdir(parents=True)
    (knowledge.parent / "agent.yaml").write_text(AGENT)
    (knowledge / "returns.md").write_text(RETURNS)
    (knowledge / "hours.md").write_text(HOURS)
    (knowledge / "shipping.txt").write_text(SHIPPING)
    return tmp_path / "agents"


@pytest.fixture(params=["edge", "qdrant"])
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorIndex]:
    """The embedded index, and the server's through qdrant-client's own double of a server."""
    settings = Settings.read(data_dir=tmp_path / "data")
    if request.param == "edge":
        index: VectorIndex = EdgeIndex(settings)
    else:
        warnings.filterwarnings("ignore", "Payload indexes have no effect in the local Qdrant")
        index = QdrantIndex(settings, AsyncQdrantClient(location=":memory:"))
    yield index
    await index.close()
