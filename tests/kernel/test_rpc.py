"""Services find each other, notice who died or froze, and say errors in our own words."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from parley.errors import AtCapacity, NotBuilt, NotFound, TooLate, Unavailable
from parley.rpc import Admission, Peer, Peers, Server, call
from parley.v1 import rag_pb2, rag_pb2_grpc, tts_pb2, tts_pb2_grpc
from testbed.patience import PATIENCE_S


class Voice(tts_pb2_grpc.TextToSpeechServicer):
    def __init__(self, admission: Admission, name: str = "a") -> None:
        self.admission = admission
        self.name = name
        self.cancelled = asyncio.Event()

    async def Synthesize(self, requests: Any, context: Any) -> AsyncIterator[tts_pb2.SynthesizeEvent]:
        with self.admission.admit():
            try:
                async for request in requests:
                    if request.text == "nobody":
                        raise NotFound("there is no voice 'nobody'; known are amy, joe")
                    yield tts_pb2.SynthesizeEvent(
                        audio=tts_pb2.SynthesizedAudio(data=f"{self.name}:{request.text}".encode())
                    )
                await asyncio.sleep(0.05 if self.name != "slow" else 5)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise


class Knowledge(rag_pb2_grpc.KnowledgeServicer):
    async def Search(self, request: Any, context: Any) -> rag_pb2.SearchResponse:
        await asyncio.sleep(float(request.query))
        return rag_pb2.SearchResponse()

    async def Ingest(self, request: Any, context: Any) -> rag_pb2.IngestResponse:
        raise NotBuilt("not here")

    async def RecallAnswer(self, request: Any, context: Any) -> rag_pb2.RecallAnswerResponse:
        raise NotBuilt("not here")

    async def StoreAnswer(self, request: Any, context: Any) -> rag_pb2.StoreAnswerResponse:
        raise NotBuilt("not here")


@asynccontextmanager
async def replica(capacity: int = 10, name: str = "a", port: int = 0) -> AsyncIterator[tuple[Server, Voice]]:
    server = Server("tts", f"127.0.0.1:{port}", Admission(capacity))
    voice = Voice(server.admission, name)
    server.add(
        tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"], tts_pb2_grpc.add_TextToSpeechServicer_to_server, voice
    )
    server.add(
        rag_pb2.DESCRIPTOR.services_by_name["Knowledge"], rag_pb2_grpc.add_KnowledgeServicer_to_server, Knowledge()
    )
    await server.start()
    try:
        yield server, voice
    finally:
        await server.drain(0)


def address(server: Server) -> str:
    return f"127.0.0.1:{server.port}"


async def say(peers: Peers, text: str) -> bytes:
    async with await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize") as stream:
        await stream.write(tts_pb2.SynthesizeRequest(text=text))
        event = await stream.read()
        assert event is not None
        return bytes(event.audio.data)


async def test_a_stream_carries_words_and_ends() -> None:
    async with replica() as (server, _), Peers("tts", [address(server)]) as peers:
        stream = await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize")
        await stream.write(tts_pb2.SynthesizeRequest(text="hello"))
        assert (await stream.read()).audio.data == b"a:hello"
        await stream.done_writing()
        assert await stream.read() is None


async def test_an_error_inside_a_stream_keeps_its_kind_and_words() -> None:
    async with replica() as (server, _), Peers("tts", [address(server)]) as peers:
        with pytest.raises(NotFound, match="known are amy, joe"):
            await say(peers, "nobody")


async def test_the_eleventh_stream_is_told_to_go_elsewhere() -> None:
    async with replica(capacity=1) as (server, _), Peers("tts", [address(server)]) as peers:
        first = await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize")
        await first.write(tts_pb2.SynthesizeRequest(text="hello"))
        await first.read()
        with pytest.raises(AtCapacity, match="1 of 1 streams"):
            await say(peers, "hello")
        first.cancel()


async def test_cancel_reaches_the_servicer_and_reading_on_ends_quietly() -> None:
    async with replica(name="slow") as (server, voice), Peers("tts", [address(server)]) as peers:
        stream = await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize")
        await stream.write(tts_pb2.SynthesizeRequest(text="hello"))
        await stream.read()
        reading = asyncio.ensure_future(stream.read())
        await asyncio.sleep(0)
        stream.cancel()
        assert await reading is None
        await asyncio.wait_for(voice.cancelled.wait(), PATIENCE_S)


async def test_the_less_loaded_of_two_is_taken() -> None:
    async with (
        replica(name="a") as (a, _),
        replica(name="b") as (b, _),
        Peers("tts", [address(a), address(b)]) as peers,
    ):
        assert await peers.ready(PATIENCE_S)
        held = [await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize") for _ in range(6)]
        counts = [sum(s.peer.address == address(x) for s in held) for x in (a, b)]
        assert min(counts) >= 2
        for stream in held:
            stream.cancel()


async def test_a_draining_replica_gets_nothing_new() -> None:
    async with (
        replica(name="a") as (a, _),
        replica(name="b") as (b, _),
        Peers("tts", [address(a), address(b)]) as peers,
    ):
        a.admission.draining = True
        while not any(p.draining for p in peers.all):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert {await say(peers, "x") for _ in range(5)} == {b"b:x"}


async def test_no_replica_is_said_at_once() -> None:
    async with Peers("tts", ["127.0.0.1:1"]) as peers:
        with pytest.raises(Unavailable):
            await say(peers, "hello")


async def test_between_the_last_replica_and_the_next_there_is_a_moment_and_no_error() -> None:
    async with replica() as (first, _), Peers("tts", [address(first)]) as peers:
        assert await say(peers, "x") == b"a:x"
        await first.drain(0)
        while any(p.alive for p in peers.all):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        words = asyncio.ensure_future(say(peers, "y"))
        await asyncio.sleep(0.1)
        async with replica(name="b", port=first.port):
            assert await words == b"b:y"
        while any(p.alive for p in peers.all):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        with pytest.raises(Unavailable, match="no replica of tts answers"):
            await say(peers, "z")


async def test_a_call_that_takes_too_long_is_too_late() -> None:
    async with replica() as (server, _), Peers("rag", [address(server)]) as peers:
        with pytest.raises(TooLate):
            await call(peers, rag_pb2_grpc.KnowledgeStub, "Search", rag_pb2.SearchRequest(query="5"), timeout_s=0.1)


class Patient(Knowledge):
    """Answers a search by asking another, with the patience of somebody who has all day."""

    def __init__(self, other: Peers) -> None:
        self.other = other
        self.waited: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def Search(self, request: Any, context: Any) -> rag_pb2.SearchResponse:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            return await call(self.other, rag_pb2_grpc.KnowledgeStub, "Search", request, timeout_s=60)  # type: ignore[no-any-return]
        finally:
            self.waited.set_result(loop.time() - begun)


async def test_who_is_asked_for_an_answer_within_a_time_asks_no_other_for_longer() -> None:
    async with replica() as (far, _), Peers("rag", [address(far)]) as other:
        near, servicer = Server("rag", "127.0.0.1:0", Admission(1)), Patient(other)
        name = rag_pb2.DESCRIPTOR.services_by_name["Knowledge"]
        near.add(name, rag_pb2_grpc.add_KnowledgeServicer_to_server, servicer)
        await near.start()
        async with Peers("rag", [address(near)]) as peers, asyncio.timeout(PATIENCE_S):
            assert await other.ready(PATIENCE_S)
            with pytest.raises(TooLate):
                await call(
                    peers, rag_pb2_grpc.KnowledgeStub, "Search", rag_pb2.SearchRequest(query="30"), timeout_s=0.3
                )
            assert await servicer.waited < 1
        await near.drain(0)


async def test_a_replica_that_comes_up_after_its_callers_is_found() -> None:
    server = Server("tts", "127.0.0.1:0", Admission(10))
    await server.start()
    port = server.port
    await server.drain(0)
    async with Peers("tts", [f"127.0.0.1:{port}"]) as peers:
        assert not await peers.ready(0.2)
        late = Server("tts", f"127.0.0.1:{port}", Admission(10))
        late.add(
            tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"],
            tts_pb2_grpc.add_TextToSpeechServicer_to_server,
            Voice(late.admission),
        )
        await late.start()
        assert await peers.ready(PATIENCE_S)
        assert await say(peers, "hello") == b"a:hello"
        await late.drain(0)


async def test_a_watcher_that_breaks_goes_on_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    async with replica() as (server, _):
        listen = Peer._listen
        broken: list[int] = []

        async def breaks_once(self: Peer) -> None:
            if not broken:
                broken.append(1)
                raise RuntimeError("a surprise of the library")
            await listen(self)

        monkeypatch.setattr(Peer, "_listen", breaks_once)
        async with Peers("tts", [address(server)]) as peers:
            assert await peers.ready(PATIENCE_S)


CHILD = """
import asyncio, sys
from parley.rpc import Admission, Server
from tests.kernel.test_rpc import Voice
from parley.v1 import tts_pb2, tts_pb2_grpc
async def main():
    server = Server("tts", "127.0.0.1:0", Admission(10))
    server.add(tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"],
               tts_pb2_grpc.add_TextToSpeechServicer_to_server, Voice(server.admission))
    await server.start()
    print(server.port, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_dead_or_frozen_replica_loses_its_streams_within_two_seconds(fault: signal.Signals) -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        port = await child.stdout.readline()
        async with Peers("tts", [f"127.0.0.1:{int(port)}"]) as peers:
            assert await peers.ready(PATIENCE_S)
            stream = await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize")
            await stream.write(tts_pb2.SynthesizeRequest(text="hello"))
            assert await stream.read() is not None
            os.kill(child.pid, fault)
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(Unavailable):
                    await stream.read()
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
