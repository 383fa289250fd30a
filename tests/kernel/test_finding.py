"""Replicas behind a name: they come and go, and calls that are under way are not hurt."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from parley.errors import Unavailable
from parley.rpc import Admission, Peers, Server, call, finding, subset
from parley.rpc.finding import Finding, resolve
from parley.v1 import rag_pb2, rag_pb2_grpc, tts_pb2, tts_pb2_grpc
from testbed.patience import PATIENCE_S
from tests.kernel.test_rpc import Knowledge, Voice

RAG = rag_pb2.DESCRIPTOR.services_by_name["Knowledge"]
TTS = tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"]


class Waiting(Knowledge):
    """Answers when `let` is set."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.let.set()
        self.asked = 0

    async def Search(self, request: Any, context: Any) -> rag_pb2.SearchResponse:
        self.asked += 1
        await self.let.wait()
        return rag_pb2.SearchResponse()


class Names:
    """A name server. `records` is what it says; None: it does not answer."""

    def __init__(self, *records: str) -> None:
        self.records: list[str] | None = list(records)

    async def __call__(self, host: str, port: int) -> list[str]:
        assert host == "rag.parley.svc"
        if not self.records:
            raise OSError("no such name")
        return self.records


@asynccontextmanager
async def replicas(count: int) -> AsyncIterator[tuple[int, dict[str, Waiting]]]:
    """Replicas as pods have them: addresses of their own, the same port."""
    async with AsyncExitStack() as stack:
        port, found = 0, {}
        for n in range(1, count + 1):
            server, servicer = Server("rag", f"127.0.0.{n}:{port}", Admission(10)), Waiting()
            server.add(RAG, rag_pb2_grpc.add_KnowledgeServicer_to_server, servicer)
            server.add(TTS, tts_pb2_grpc.add_TextToSpeechServicer_to_server, Voice(server.admission))
            await server.start()
            stack.push_async_callback(server.drain, 0)
            port = server.port
            found[f"127.0.0.{n}"] = servicer
        yield port, found


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - peers tell nobody
            await asyncio.sleep(0.005)


async def search(peers: Peers) -> None:
    await call(peers, rag_pb2_grpc.KnowledgeStub, "Search", rag_pb2.SearchRequest(), timeout_s=PATIENCE_S)


def living(peers: Peers) -> set[str]:
    return {peer.address.partition(":")[0] for peer in peers.all if peer.alive and not peer.left}


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "LOOK_S", 0.02)


async def test_who_comes_is_joined_and_who_goes_is_left_when_nothing_of_ours_is_there() -> None:
    names = Names("127.0.0.1")
    async with replicas(2) as (port, found), Peers("rag", [f"rag.parley.svc:{port}"], ask=names) as peers:
        await search(peers)
        names.records = ["127.0.0.1", "127.0.0.2"]
        await until(lambda: living(peers) == {"127.0.0.1", "127.0.0.2"})
        found["127.0.0.1"].let.clear()
        found["127.0.0.2"].let.clear()
        under_way = asyncio.gather(search(peers), search(peers), search(peers), search(peers))
        await until(lambda: found["127.0.0.1"].asked > 1 and found["127.0.0.2"].asked > 0)
        names.records = ["127.0.0.2"]
        await until(lambda: living(peers) == {"127.0.0.2"})
        asked = found["127.0.0.1"].asked
        found["127.0.0.2"].let.set()
        await search(peers)
        assert found["127.0.0.1"].asked == asked, "it gets nothing new"
        assert len(peers.all) == 2, "it is still answering"
        found["127.0.0.1"].let.set()
        await under_way
        await until(lambda: len(peers.all) == 1)


async def test_a_stream_goes_on_where_its_replica_is_no_longer_named() -> None:
    names = Names("127.0.0.1", "127.0.0.2")
    async with replicas(2) as (port, _), Peers("rag", [f"dns:///rag.parley.svc:{port}"], ask=names) as peers:
        await until(lambda: len(living(peers)) == 2)
        async with await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize") as stream:
            there = stream.peer.address.partition(":")[0]
            names.records = ["127.0.0.1" if there == "127.0.0.2" else "127.0.0.2"]
            await until(lambda: living(peers) == set(names.records or ()))
            await asyncio.sleep(0.1)  # looked for several times
            await stream.write(tts_pb2.SynthesizeRequest(text="hello"))
            assert (await stream.read()).audio.data == b"a:hello"
        await until(lambda: len(peers.all) == 1)


async def test_who_is_named_again_before_it_was_let_go_is_the_same() -> None:
    names = Names("127.0.0.1", "127.0.0.2")
    async with replicas(2) as (port, _), Peers("rag", [f"rag.parley.svc:{port}"], ask=names) as peers:
        await until(lambda: len(living(peers)) == 2)
        async with await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize") as stream:
            there = stream.peer.address.partition(":")[0]
            names.records = ["127.0.0.1" if there == "127.0.0.2" else "127.0.0.2"]
            await until(lambda: there not in living(peers))
            names.records = ["127.0.0.1", "127.0.0.2"]
            await until(lambda: there in living(peers))
            assert stream.peer in peers.all


async def test_a_name_that_is_not_answered_takes_nobody_away() -> None:
    names = Names("127.0.0.1")
    async with replicas(1) as (port, _), Peers("rag", [f"rag.parley.svc:{port}"], ask=names) as peers:
        names.records = None
        await asyncio.sleep(0.1)
        await search(peers)


async def test_before_there_is_any_record_nobody_answers_and_then_somebody() -> None:
    names = Names()
    async with replicas(1) as (port, _), Peers("rag", [f"rag.parley.svc:{port}"], ask=names) as peers:
        with pytest.raises(Unavailable, match="no replica of rag"):
            await search(peers)
        names.records = ["127.0.0.1"]
        assert await peers.ready(PATIENCE_S)
        await search(peers)


async def test_addresses_are_no_names_and_are_never_left() -> None:
    entries = ["127.0.0.1:7", "[::1]:7", "localhost:7", "unix:/run/rag", "rag.parley.svc:7"]
    looked = Finding("rag", entries, Names("10.0.0.5", "fd00::5", "10.0.0.5"))
    assert looked.changes
    assert looked.known == entries[:4]
    assert set(await looked.look()) == {*entries[:4], "10.0.0.5:7", "[fd00::5]:7"}
    assert not Finding("rag", entries[:4]).changes


async def test_of_many_each_process_uses_others_and_always_the_same() -> None:
    names = Names(*(f"10.0.0.{n}" for n in range(200)))
    one, other = (Finding("rag", ["rag.parley.svc:7", "10.1.1.1:7"], names) for _ in range(2))
    kept = await one.look()
    assert len(kept) == subset.FEW + 1
    assert "10.1.1.1:7" in kept
    assert kept == await one.look()
    assert set(kept) != set(await other.look())
    assert names.records is not None
    names.records = names.records[1:]
    assert len(set(kept) - set(await one.look())) <= 1, "one who goes moves nobody else"


async def test_another_replica_is_joined_where_those_in_use_are_full_and_left_when_they_are_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subset, "FEW", 1)
    monkeypatch.setattr(finding, "LOOK_S", 0.3)
    names = Names("127.0.0.1", "127.0.0.2")
    async with replicas(2) as (port, _), Peers("tts", [f"rag.parley.svc:{port}"], ask=names) as peers:
        await until(lambda: len(living(peers)) == 1)
        async with AsyncExitStack() as calls:
            for _ in range(10):  # a replica takes ten
                stream = await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize")
                await calls.enter_async_context(stream)
                await stream.write(tts_pb2.SynthesizeRequest(text="hello"))
                await stream.read()
            await until(lambda: max(peer.load for peer in peers.all) >= subset.FULL)
            peers.has_room(0.8)
            await until(lambda: len(living(peers)) == 2)
            assert peers.has_room(0.8)
        await until(lambda: len(living(peers)) == 1)


async def test_the_system_is_asked_for_addresses_of_one_family() -> None:
    assert await resolve("localhost", 7) == ["127.0.0.1"]
    with pytest.raises(socket.gaierror):
        await resolve("no-such-name.invalid", 7)
