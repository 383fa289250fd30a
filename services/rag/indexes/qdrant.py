"""A Qdrant server as the index, through qdrant-client: as many replicas of rag as wanted.

What of this path is run in the tests: every call below, against qdrant-client's own in-memory double of a server
(the same client API), and an address where nobody answers. A real server was not at hand; its payload indexes, which
the double ignores, are asked for but unproven.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from parley.embedding import Vectors
from parley.embedding.minilm import DIMENSION
from parley.errors import Misconfigured, Unavailable
from parley.settings import Settings
from services.rag.index import DEPTH, RRF_K, Entry, Found, Sparse, conditions, payloads, ranked, whole_files

_COLLECTION = "parley_knowledge"
_PAGE = 1000
_BATCH = 200
_TIMEOUT_S = 5


class QdrantIndex:
    """Errors: Unavailable (no server there, or it fails), Misconfigured (it refuses the key)."""

    def __init__(self, settings: Settings, client: AsyncQdrantClient | None = None) -> None:
        self._url = settings.qdrant_url
        self._client = client or AsyncQdrantClient(
            url=settings.qdrant_url,
            api_key=settings.qdrant_api_key.get_secret_value() or None,
            timeout=_TIMEOUT_S,
            check_compatibility=False,
        )
        self._made = False

    async def agents(self) -> set[str]:
        return {str(point["agent"]) for point in await self._scrolled(None, ["agent"])}

    async def files(self, agent: str) -> dict[str, str]:
        return whole_files(await self._scrolled(_filter({"agent": agent}), ["file", "content", "of"]))

    async def _scrolled(self, which: models.Filter | None, fields: list[str]) -> list[Mapping[str, Any]]:
        """These fields of all points of which this is true."""
        points: list[Mapping[str, Any]] = []
        offset: Any = None
        async with self._ready() as client:
            while True:
                records, offset = await client.scroll(
                    _COLLECTION, scroll_filter=which, limit=_PAGE, offset=offset, with_payload=fields
                )
                points += [record.payload or {} for record in records]
                if offset is None:
                    return points

    async def replace(self, agent: str, file: str, content: str, entries: Sequence[Entry]) -> None:
        points = [
            models.PointStruct(
                id=id, vector={"dense": entry.dense.tolist(), "sparse": _sparse(entry.sparse)}, payload=payload
            )
            for (id, payload), entry in zip(payloads(agent, file, content, entries), entries, strict=True)
        ]
        async with self._ready() as client:
            for i in range(0, len(points), _BATCH):
                await client.upsert(_COLLECTION, points[i : i + _BATCH], wait=True)
            # The new ones first: killed in between, both versions are there, which reads as a file to be replaced.
            await client.delete(_COLLECTION, _filter({"agent": agent, "file": file}, but={"content": content}))

    async def remove(self, agent: str, file: str) -> None:
        async with self._ready() as client:
            await client.delete(_COLLECTION, _filter({"agent": agent, "file": file}), wait=True)

    async def search(
        self, agent: str, dense: Vectors, sparse: Sparse, limit: int, filters: Mapping[str, str]
    ) -> list[Found]:
        which = _filter(conditions(agent, filters))
        depth = max(limit, DEPTH)
        halves = [models.Prefetch(query=dense.tolist(), using="dense", filter=which, limit=depth)]
        if sparse.indices:
            halves.append(models.Prefetch(query=_sparse(sparse), using="sparse", filter=which, limit=depth))
        async with self._ready() as client:
            answer = await client.query_points(
                _COLLECTION,
                prefetch=halves,
                query=models.RrfQuery(rrf=models.Rrf(k=RRF_K)),
                limit=limit,
                with_payload=True,
                with_vectors=["dense"],
            )
        return ranked(dense, [(p.score, p.payload or {}, _dense(p.vector)) for p in answer.points])

    async def close(self) -> None:
        await self._client.close()

    @asynccontextmanager
    async def _ready(self) -> AsyncIterator[AsyncQdrantClient]:
        """The client, with the collection made; its errors as ours."""
        try:
            if not self._made:
                await self._make()
                self._made = True
            yield self._client
        except UnexpectedResponse as e:
            if e.status_code in (401, 403):
                raise Misconfigured(f"QDRANT_API_KEY: refused by {self._url} ({e.status_code})") from e
            if e.status_code == 404:
                self._made = False  # somebody dropped the collection: make it again next time
            raise Unavailable(f"Qdrant answered {e.status_code} at {self._url}") from e
        except (ResponseHandlingException, OSError) as e:
            raise Unavailable(f"no Qdrant server answers at {self._url}; PARLEY_QDRANT_URL names it") from e

    async def _make(self) -> None:
        if await self._client.collection_exists(_COLLECTION):
            return
        try:
            await self._client.create_collection(
                _COLLECTION,
                vectors_config={"dense": models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)},
                sparse_vectors_config={"sparse": models.SparseVectorParams(modifier=models.Modifier.IDF)},
            )
        except UnexpectedResponse as e:
            if e.status_code != 409:  # 409: another replica made it a moment ago
                raise
        for name in ("agent", "file"):
            await self._client.create_payload_index(_COLLECTION, name, models.PayloadSchemaType.KEYWORD)


def _filter(equal: Mapping[str, str], but: Mapping[str, str] | None = None) -> models.Filter:
    def match(fields: Mapping[str, str]) -> list[models.Condition]:
        return [models.FieldCondition(key=key, match=models.MatchValue(value=v)) for key, v in fields.items()]

    return models.Filter(must=match(equal), must_not=match(but) if but else None)


def _sparse(sparse: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=list(sparse.indices), values=list(sparse.values))


def _dense(vector: Any) -> list[float]:
    return list(vector["dense"]) if isinstance(vector, dict) else []
