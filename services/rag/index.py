"""Where passages are found again: dense and sparse vectors with a payload, behind one protocol."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from parley.embedding import Vectors

# How deep each half of a hybrid search looks before the two are fused.
DEPTH = 40
# Reciprocal rank fusion, Cormack et al. 2009: score = sum of 1 / (k + rank).
RRF_K = 60
_NAMESPACE = uuid.UUID("6f1c9a52-7d0e-4c0b-9a57-0d5f2b8c1e44")


@dataclass(frozen=True, slots=True)
class Sparse:
    """Weights of words: indices are hashes of stems."""

    indices: tuple[int, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One passage of a file, ready to be stored. `meta` can be filtered by."""

    text: str
    source: str
    dense: Vectors
    sparse: Sparse
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """`score`: cosine of question and passage, 0..1. The order is that of dense and sparse together."""

    text: str
    source: str
    score: float


class VectorIndex(Protocol):
    """All methods raise Unavailable when the store cannot be reached, and are safe to repeat. `agent`: whose passages;
    those of published versions stand under `<agent>@<what their knowledge counts for>`."""

    async def agents(self) -> set[str]:
        """All that have passages."""
        ...

    async def files(self, agent: str) -> dict[str, str]:
        """File -> content hash, of the files that are wholly in the index; of others "" (to be replaced)."""
        ...

    async def replace(self, agent: str, file: str, content: str, entries: Sequence[Entry]) -> None:
        """Put a file's passages in the place of whatever was there; `content` is its hash. Durable on return."""
        ...

    async def remove(self, agent: str, file: str) -> None: ...

    async def search(
        self, agent: str, dense: Vectors, sparse: Sparse, limit: int, filters: Mapping[str, str]
    ) -> list[Found]:
        """Best first. `filters`: payload fields (`file`, or a file's own) that must be equal."""
        ...

    async def close(self) -> None: ...


def payloads(agent: str, file: str, content: str, entries: Sequence[Entry]) -> list[tuple[str, dict[str, Any]]]:
    """Point id and payload of each entry. Each carries how many there are, so that half a file is seen as such."""
    return [
        (
            str(uuid.uuid5(_NAMESPACE, f"{agent}\0{file}\0{content}\0{n}")),
            {
                "agent": agent,
                "file": file,
                "content": content,
                "of": len(entries),
                "text": entry.text,
                "source": entry.source,
                "meta": dict(entry.meta),
            },
        )
        for n, entry in enumerate(entries)
    ]


def whole_files(points: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Payloads -> file and hash, "" where passages are missing or two versions are mixed (a killed ingestion)."""
    seen: dict[str, dict[tuple[str, int], int]] = {}
    for point in points:
        versions = seen.setdefault(point["file"], {})
        version = (point["content"], int(point["of"]))
        versions[version] = versions.get(version, 0) + 1
    return {
        file: next((content for (content, of), count in versions.items() if count == of and len(versions) == 1), "")
        for file, versions in seen.items()
    }


def conditions(agent: str, filters: Mapping[str, str]) -> dict[str, str]:
    """Payload path -> value that must be equal."""
    return {"agent": agent} | {key if key == "file" else f"meta.{key}": value for key, value in filters.items()}


def ranked(dense: Vectors, points: Iterable[tuple[float, Mapping[str, Any], Sequence[float]]]) -> list[Found]:
    """(fused score, payload, dense vector) -> Found, best first; equal ranks by cosine."""
    import numpy as np

    rows = []
    for fused, payload, vector in points:
        cosine = min(1.0, max(0.0, float(np.dot(dense, np.asarray(vector, np.float32)))))
        rows.append((fused, cosine, Found(payload["text"], payload["source"], cosine)))
    rows.sort(key=lambda row: (-row[0], -row[1]))
    return [found for _, _, found in rows]
