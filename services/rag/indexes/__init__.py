"""The stores that passages can live in; `open_index` chooses by the settings and imports only what it chose."""

from __future__ import annotations

from parley.engines import named
from parley.errors import Misconfigured
from parley.settings import Settings
from services.rag.index import VectorIndex

_SERVER = "services.rag.indexes.qdrant:QdrantIndex"
_EMBEDDED = "services.rag.indexes.edge:EdgeIndex"


def open_index(settings: Settings) -> VectorIndex:
    """A Qdrant server when PARLEY_QDRANT_URL is set, else the embedded index in the data folder."""
    try:
        index: VectorIndex = named(_SERVER if settings.qdrant_url else _EMBEDDED)(settings)
    except ModuleNotFoundError as e:
        raise Misconfigured(f"PARLEY_QDRANT_URL: its index needs the package {e.name!r}, which is not installed") from e
    return index
