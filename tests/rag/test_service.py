"""rag as its callers see it: over gRPC, in a process of its own, and killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from parley.bus.editions import Editions
from parley.embedding import Embedder
from parley.errors import BadInput, Misconfigured, NotBuilt, NotFound, Unavailable
from parley.rpc import Admission, Peers, Server, call
from parley.settings import Settings
from parley.v1 import rag_pb2, rag_pb2_grpc
from services.rag import library as library_module
from services.rag.index import VectorIndex
from services.rag.indexes import open_index
from services.rag.indexes.edge import EdgeIndex
from services.rag.indexes.qdrant import QdrantIndex
from services.rag.library import Library
from services.rag.servicer import KnowledgeServicer
from testbed.patience import PATIENCE_S


@asynccontextmanager
async def serving(library: Library) -> AsyncIterator[Peers]:
    server = Server("rag", "127.0.0.1:0", Admission(100))
    service = rag_pb2.DESCRIPTOR.services_by_name["Knowledge"]
    server.add(service, rag_pb2_grpc.add_KnowledgeServicer_to_server, KnowledgeServicer(library))
    await server.start()
    async with Peers("rag", [f"127.0.0.1:{server.port}"]) as peers:
        assert await peers.ready(PATIENCE_S)
        yield peers
    await server.drain(1)


async def search(peers: Peers, query: str, **fields: Any) -> list[rag_pb2.FoundPassage]:
    request = rag_pb2.SearchRequest(**{"agent": "desk", "query": query, **fields})
    answer = await call(peers, rag_pb2_grpc.KnowledgeStub, "Search", request, timeout_s=PATIENCE_S)
    return list(answer.passages)


async def test_a_caller_asks_and_the_desk_knows(agents: Path, embedder: Embedder, index: VectorIndex) -> None:
    async with serving(Library(Editions(agents), embedder, index)) as peers:
        with pytest.raises(Unavailable, match="still being read"):
            await search(peers, "when do you close")
        request = rag_pb2.IngestRequest(agent="desk")
        done = await call(peers, rag_pb2_grpc.KnowledgeStub, "Ingest", request, timeout_s=PATIENCE_S)
        assert (done.files, done.changed, done.removed, done.passages) == (3, 3, 0, 4)
        found = await search(peers, "at what time do you close in the evening")
        assert "six in the evening" in found[0].text
        assert found[0].source == "hours.md > Opening hours"
        assert len(await search(peers, "parcels", limit=1)) == 1
        assert len(await search(peers, "parcels", filter={"topic": "returns"})) == 2


async def test_a_wrong_question_is_answered_with_the_remedy(
    agents: Path, embedder: Embedder, index: VectorIndex
) -> None:
    async with serving(Library(Editions(agents), embedder, index)) as peers:
        wrong: tuple[tuple[dict[str, Any], str], ...] = (
            ({"query": " "}, "query: empty"),
            *(({"query": char * 1001}, "query: 1001 characters; at most 1000") for char in "x字😀"),
            ({"query": "x", "limit": 21}, "limit: 21; at most 20"),
            ({"query": "x", "filter": {"a.b": "c"}}, "'a.b' is not a field"),
            ({"query": "x", "filter": {f"f{n}": "" for n in range(9)}}, "at most 8"),
        )
        for fields, message in wrong:
            with pytest.raises(BadInput, match=message):
                await search(peers, **fields)
        for method, request in (("Search", rag_pb2.SearchRequest(query="x")), ("Ingest", rag_pb2.IngestRequest())):
            request.agent = "../desk"
            with pytest.raises(NotFound, match="there is no agent '../desk' in .*; known are desk"):
                await call(peers, rag_pb2_grpc.KnowledgeStub, method, request, timeout_s=PATIENCE_S)
        for method, empty in (
            ("RecallAnswer", rag_pb2.RecallAnswerRequest()),
            ("StoreAnswer", rag_pb2.StoreAnswerRequest()),
        ):
            with pytest.raises(NotBuilt, match="not kept in this version"):
                await call(peers, rag_pb2_grpc.KnowledgeStub, method, empty, timeout_s=PATIENCE_S)


async def test_all_agents_are_read_at_the_start(agents: Path, embedder: Embedder, index: VectorIndex) -> None:
    (agents / "broken").mkdir()
    (agents / "broken" / "agent.yaml").write_text("company: 1\n")
    library = Library(Editions(agents), embedder, index)
    library.start()
    async with asyncio.timeout(PATIENCE_S):
        while "desk" not in library._ready:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)
    assert await library.search("desk", "refund", 0, {})
    with pytest.raises(Misconfigured, match=r"broken/agent.yaml: .*prompt: Field required"):
        await library.search("broken", "refund", 0, {})
    await library._tasks.close()


async def test_an_agent_that_comes_later_is_read_and_one_that_was_wrong_when_it_is_mended(
    agents: Path, embedder: Embedder, index: VectorIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "LOOK_S", 0.02)
    shutil.copytree(agents / "desk", agents / "broken")
    (agents / "broken" / "agent.yaml").write_text("company: [")
    library = Library(Editions(agents), embedder, index)
    library.start()
    async with serving(library) as peers:
        with pytest.raises(NotFound):
            await search(peers, "parcels", agent="later")
        shutil.copytree(agents / "desk", agents / "later")
        shutil.copy(agents / "desk" / "agent.yaml", agents / "broken" / "agent.yaml")
        for agent in ("later", "broken"):
            async with asyncio.timeout(PATIENCE_S):
                while not (found := await _patiently(peers, agent)):  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(0.02)
            assert "six in the evening" in found[0].text
    await library._tasks.close()


async def _patiently(peers: Peers, agent: str) -> list[rag_pb2.FoundPassage]:
    """Nothing while it is still being read."""
    try:
        return await search(peers, "at what time do you close in the evening", agent=agent)
    except (Unavailable, Misconfigured):
        return []


async def test_a_search_takes_little_more_than_the_embedding_of_its_question(
    agents: Path, embedder: Embedder, tmp_path: Path
) -> None:
    index = EdgeIndex(Settings.read(data_dir=tmp_path / "data"))
    library = Library(Editions(agents), embedder, index)
    await library.ingest("desk")
    searches, embeddings = [], []
    for n in range(21):
        question = f"where is my order number {n} two three four"  # a new one: those before are remembered
        started = time.perf_counter()
        await library.search("desk", question, 0, {})
        searches.append(time.perf_counter() - started)
        started = time.perf_counter()
        embedder.embed([f"{question} please"])
        embeddings.append(time.perf_counter() - started)
    await index.close()
    ratio = statistics.median(searches) / statistics.median(embeddings)
    assert ratio < 10, "this only catches a blunder"


async def test_too_many_searches_at_once_are_refused(
    agents: Path, embedder: Embedder, index: VectorIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(Editions(agents), embedder, index)
    await library.ingest("desk")
    monkeypatch.setattr(library_module, "MOST_WAITING", 2)
    asked = await asyncio.gather(*(library.search("desk", "refund", 0, {}) for _ in range(5)), return_exceptions=True)
    assert [type(one).__name__ for one in asked] == ["list", "list", "AtCapacity", "AtCapacity", "AtCapacity"]


async def test_a_second_process_is_refused_and_told_what_to_set(tmp_path: Path) -> None:
    first = EdgeIndex(Settings.read(data_dir=tmp_path))
    with pytest.raises(Misconfigured, match="serves only one; set PARLEY_QDRANT_URL to a Qdrant server"):
        EdgeIndex(Settings.read(data_dir=tmp_path))
    await first.close()
    await EdgeIndex(Settings.read(data_dir=tmp_path)).close()


async def test_a_damaged_index_says_how_to_mend_it(tmp_path: Path) -> None:
    (tmp_path / "rag" / "edge").mkdir(parents=True)
    with pytest.raises(Misconfigured, match=r"cannot be opened: .* Remove the folder"):
        EdgeIndex(Settings.read(data_dir=tmp_path))


async def test_a_qdrant_server_that_is_not_there_is_unavailable(agents: Path, embedder: Embedder) -> None:
    index = open_index(Settings.read(qdrant_url="http://127.0.0.1:9"))
    assert isinstance(index, QdrantIndex)
    library = Library(Editions(agents), embedder, index)
    with pytest.raises(Unavailable, match="no Qdrant server answers at http://127.0.0.1:9; PARLEY_QDRANT_URL"):
        await library.ingest("desk")
    await index.close()


async def test_knowledge_survives_a_kill(agents: Path, data_dir: Path) -> None:
    environment = {
        **os.environ,
        "PARLEY_DATA_DIR": str(data_dir),
        "PARLEY_AGENTS_DIR": str(agents),
        "PARLEY_METRICS_PORT": "-1",
        "PARLEY_LISTEN": "127.0.0.1:0",
    }

    @asynccontextmanager
    async def process() -> AsyncIterator[tuple[asyncio.subprocess.Process, list[str]]]:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.rag", env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        lines: list[str] = []
        assert child.stdout is not None
        while line := await asyncio.wait_for(child.stdout.readline(), PATIENCE_S):
            lines.append(line.decode())
            if "knowledge read" in lines[-1] or "embedded index" in lines[-1]:
                break
        try:
            yield child, lines
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()

    async with process() as (first, lines):
        assert '"changed": 3' in lines[-1], lines
        async with process() as (second, refused):
            assert await second.wait() == 2
            assert "PARLEY_QDRANT_URL" in refused[-1]
        first.send_signal(signal.SIGKILL)
        await first.wait()
    async with process() as (again, lines):
        assert '"files": 3' in lines[-1]
        assert '"changed": 0' in lines[-1], lines
        again.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(again.wait(), PATIENCE_S) == 0
