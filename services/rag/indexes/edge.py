"""The embedded index: Qdrant Edge, a shard in the data folder. One process; a second refuses to start."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import qdrant_edge as edge

from parley.embedding import Vectors
from parley.embedding.minilm import DIMENSION
from parley.errors import Misconfigured
from parley.settings import Settings
from services.rag.index import DEPTH, RRF_K, Entry, Found, Sparse, conditions, payloads, ranked, whole_files

T = TypeVar("T")
_PAGE = 1000


class EdgeIndex:
    """Calls go to two threads of its own, so that a search does not wait behind an ingestion; the shard allows that.

    What was stored when `replace` returned survives a kill of the process (write-ahead log).
    Raises Misconfigured when another process has the folder open.
    """

    def __init__(self, settings: Settings) -> None:
        folder = settings.data_dir / "rag"
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder)
        try:
            self._shard = _open(folder / "edge")
        except BaseException:
            os.close(self._lock)
            raise
        self._threads = ThreadPoolExecutor(2, "index")

    async def agents(self) -> set[str]:
        points = await self._run(self._scrolled, None, ["agent"])
        return {str(point["agent"]) for point in points}

    async def files(self, agent: str) -> dict[str, str]:
        which = _filter({"agent": agent})
        return whole_files(await self._run(self._scrolled, which, ["file", "content", "of"]))

    async def replace(self, agent: str, file: str, content: str, entries: Sequence[Entry]) -> None:
        await self._run(self._replace, agent, file, content, entries)

    async def remove(self, agent: str, file: str) -> None:
        await self._run(self._delete, _filter({"agent": agent, "file": file}))

    async def search(
        self, agent: str, dense: Vectors, sparse: Sparse, limit: int, filters: Mapping[str, str]
    ) -> list[Found]:
        return await self._run(self._search, dense, sparse, limit, _filter(conditions(agent, filters)))

    async def close(self) -> None:
        await self._run(self._shard.close)
        self._threads.shutdown()
        os.close(self._lock)

    async def _run(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)

    def _scrolled(self, which: edge.Filter | None, fields: list[str]) -> list[Mapping[str, Any]]:
        """These fields of all points of which this is true."""
        points: list[Mapping[str, Any]] = []
        offset = None
        while True:
            records, offset = self._shard.scroll(
                edge.ScrollRequest(offset=offset, limit=_PAGE, filter=which, with_payload=fields)
            )
            points += [record.payload or {} for record in records]
            if offset is None:
                return points

    def _replace(self, agent: str, file: str, content: str, entries: Sequence[Entry]) -> None:
        points = [
            edge.Point(id, {"dense": entry.dense.tolist(), "sparse": _sparse(entry.sparse)}, payload)
            for (id, payload), entry in zip(payloads(agent, file, content, entries), entries, strict=True)
        ]
        if points:
            self._shard.update(edge.UpdateOperation.upsert_points(points))
        # The new ones first: killed in between, both versions are there, which reads as a file to be replaced.
        self._delete(_filter({"agent": agent, "file": file}, but={"content": content}))
        self._shard.flush()
        self._shard.optimize()  # does nothing until there are enough points to be worth an index

    def _delete(self, which: edge.Filter) -> None:
        self._shard.update(edge.UpdateOperation.delete_points_by_filter(which))

    def _search(self, dense: Vectors, sparse: Sparse, limit: int, which: edge.Filter) -> list[Found]:
        halves = [
            edge.Prefetch(
                limit=max(limit, DEPTH), query=edge.Query.Nearest(dense.tolist(), using="dense"), filter=which
            )
        ]
        if sparse.indices:
            nearest = edge.Query.Nearest(_sparse(sparse), using="sparse")
            halves.append(edge.Prefetch(limit=max(limit, DEPTH), query=nearest, filter=which))
        fusion: Any = edge.Fusion.Rrf(k=RRF_K)  # its stub does not know that this is a Fusion
        request = edge.QueryRequest(
            limit=limit, query=fusion, prefetches=halves, with_payload=True, with_vector=["dense"]
        )
        points = self._shard.query(request)
        return ranked(dense, [(p.score, p.payload or {}, _dense(p.vector)) for p in points])


def _locked(folder: Path) -> int:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Misconfigured(
            f"the embedded index in {folder} is open in another process, and it serves only one; "
            "set PARLEY_QDRANT_URL to a Qdrant server to run several"
        ) from None
    return lock


def _open(folder: Path) -> edge.EdgeShard:
    if folder.exists():
        try:
            return edge.EdgeShard.load(str(folder))
        except Exception as e:
            raise Misconfigured(
                f"the index in {folder} cannot be opened: {e}. Remove the folder: it is made again from knowledge/"
            ) from e
    config = edge.EdgeConfig(
        vectors={"dense": edge.EdgeVectorParams(DIMENSION, edge.Distance.Cosine)},
        sparse_vectors={"sparse": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        max_search_threads=1,
    )
    # Made aside and renamed: a process killed here leaves no half-made index behind.
    new = folder.with_name("edge.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    shard = edge.EdgeShard.create(str(new), config)
    for name in ("agent", "file"):
        shard.update(edge.UpdateOperation.create_field_index(name, edge.PayloadSchemaType.Keyword))
    shard.flush()
    shard.close()
    new.rename(folder)
    return edge.EdgeShard.load(str(folder))


def _filter(equal: Mapping[str, str], but: Mapping[str, str] | None = None) -> edge.Filter:
    def match(fields: Mapping[str, str]) -> list[Any]:
        return [edge.FieldCondition(key, edge.MatchValue(value)) for key, value in fields.items()]

    return edge.Filter(must=match(equal), must_not=match(but) if but else None)


def _sparse(sparse: Sparse) -> edge.SparseVector:
    return edge.SparseVector(list(sparse.indices), list(sparse.values))


def _dense(vector: object) -> list[float]:
    values = vector["dense"] if isinstance(vector, dict) else []
    return list(values)
