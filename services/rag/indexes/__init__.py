"""The stores that passages can live in, by name; `open_index` chooses by the settings."""

from __future__ import annotations

from parley.providers import load
from parley.settings import Settings
from services.rag.index import VectorIndex

KNOWN = {
    "edge": "services.rag.indexes.edge:EdgeIndex",
    "qdrant": "services.rag.indexes.qdrant:QdrantIndex",
}


def open_index(settings: Settings) -> VectorIndex:
    """A Qdrant server when PARLEY_QDRANT_URL is set, else the embedded index in the data folder."""
    index: VectorIndex = load(KNOWN, "qdrant" if settings.qdrant_url else "edge", "PARLEY_QDRANT_URL")(settings)
    return index
