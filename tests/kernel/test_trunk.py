"""Many calls on one stream: each as if it were alone, bounded, and gone with the stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from parley.errors import AtCapacity, NotFound, Unavailable
from parley.rpc import Admission, Peers, Server, frames, mux_server
from parley.rpc.frames import WINDOW, Credit, Frame, Gatherer, Inbox
from parley.v1 import rag_pb2_grpc, trunk_pb2, trunk_pb2_grpc, tts_pb2, tts_pb2_grpc
from testbed.passes import Passes, counted
from testbed.patience import PATIENCE_S

STUB = tts_pb2_grpc.TextToSpeechStub


class Echo(tts_pb2_grpc.TextToSpeechServicer):
    """Says what it is told; `flood` is answered with 64 MiB."""

    def __init__(self) -> None:
        self.sent = 0
        self.open = 0

    async def Synthesize(self, requests: Any, context: Any) -> AsyncIterator[tts_pb2.SynthesizeEvent]:
        self.open += 1
        try:
            async for request in requests:
                times = 1024 if request.text == "flood" else 1
                data = bytes(64 * 1024) if request.text == "flood" else request.text.encode()
                for _ in range(times):
                    self.sent += len(data)
                    yield tts_pb2.SynthesizeEvent(audio=tts_pb2.SynthesizedAudio(data=data))
        finally:
            self.open -= 1


@asynccontextmanager
async def echo(servicer: Echo | None = None) -> AsyncIterator[tuple[Server, Echo, Peers]]:
    server, servicer = Server("tts", "127.0.0.1:0", Admission(1000)), servicer or Echo()
    service = tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"]
    server.add(service, tts_pb2_grpc.add_TextToSpeechServicer_to_server, servicer)
    await server.start()
    async with Peers("tts", [f"127.0.0.1:{server.port}"], gather_ms=4) as peers:
        yield server, servicer, peers
    await server.drain(0)


async def talk(peers: Peers, name: str, turns: int) -> list[str]:
    heard = []
    async with await peers.open(STUB, "Synthesize") as stream:
        for n in range(turns):
            await stream.write(tts_pb2.SynthesizeRequest(text=f"{name} {n}"))
            heard.append((await stream.read()).audio.data.decode())
        await stream.done_writing()
        assert await stream.read() is None
    return heard


async def test_fifty_calls_at_once_each_hear_their_own_words_in_order() -> None:
    async with echo() as (_, servicer, peers):
        heard = await asyncio.gather(*(talk(peers, f"call{i}", 20) for i in range(50)))
        assert heard == [[f"call{i} {n}" for n in range(20)] for i in range(50)]
        assert servicer.open == 0


async def test_of_a_crowd_of_calls_one_begins_in_each_pass_of_the_loop() -> None:
    """A replica that all calls of another come to says in between that it lives."""

    class Noting(Echo):
        def Synthesize(self, requests: Any, context: Any) -> AsyncIterator[tts_pb2.SynthesizeEvent]:
            begun.append(passes.n)
            return super().Synthesize(requests, context)

    begun: list[int] = []
    passes: Passes
    async with echo(Noting()) as (_, _, peers):
        with counted() as passes:
            await asyncio.gather(*(talk(peers, f"call{i}", 1) for i in range(50)))
    assert len(begun) == len(set(begun)) == 50


async def test_a_call_that_does_not_read_holds_up_itself_and_nobody_else() -> None:
    async with echo() as (_, servicer, peers):
        slow = await peers.open(STUB, "Synthesize")
        await slow.write(tts_pb2.SynthesizeRequest(text="flood"))
        assert await talk(peers, "other", 50) == [f"other {n}" for n in range(50)]
        assert servicer.sent < WINDOW + 4 * 64 * 1024
        got = 0
        while got < 64 * 1024 * 1024:
            got += len((await slow.read()).audio.data)
        slow.cancel()


async def test_a_server_that_does_not_read_holds_up_the_writer() -> None:
    never = asyncio.Event()

    class Deaf(tts_pb2_grpc.TextToSpeechServicer):
        async def Synthesize(self, requests: Any, context: Any) -> AsyncIterator[tts_pb2.SynthesizeEvent]:
            await never.wait()
            yield tts_pb2.SynthesizeEvent()

    server = Server("tts", "127.0.0.1:0", Admission(10))
    service = tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"]
    server.add(service, tts_pb2_grpc.add_TextToSpeechServicer_to_server, Deaf())
    await server.start()
    async with Peers("tts", [f"127.0.0.1:{server.port}"]) as peers:
        stream = await peers.open(STUB, "Synthesize")
        written = 0
        writing = True
        while writing:
            try:
                async with asyncio.timeout(0.5):
                    await stream.write(tts_pb2.SynthesizeRequest(text="x" * 4000))
                written += 4000
            except TimeoutError:
                writing = False
        assert WINDOW <= written < WINDOW + 8192
        stream.cancel()
    await server.drain(0)


async def test_a_stopped_server_ends_every_call_with_unavailable() -> None:
    async with echo() as (server, _, peers):
        streams = [await peers.open(STUB, "Synthesize") for _ in range(10)]
        for stream in streams:
            await stream.write(tts_pb2.SynthesizeRequest(text="hello"))
            await stream.read()
        await server.drain(0)
        for stream in streams:
            with pytest.raises(Unavailable):
                await stream.read()


async def test_a_method_the_server_does_not_have_is_named() -> None:
    async with echo() as (_, _, peers):
        stream = await peers.open(rag_pb2_grpc.KnowledgeStub, "Search")
        with pytest.raises(NotFound, match="Knowledge/Search"):
            await stream.read()


async def test_a_call_that_is_given_up_while_its_request_is_written_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with echo() as (_, servicer, peers):
        (peer,) = peers.all
        with monkeypatch.context() as no_room:
            no_room.setattr(frames, "WINDOW", 0)
            request = tts_pb2.SynthesizeRequest(text="hello")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await peers.open(STUB, "Synthesize", request=request)
        assert not peer.streams
        assert not peer.trunk()._calls
        assert await talk(peers, "next", 1) == ["next 0"]
        assert servicer.open == 0


async def test_a_call_cancelled_in_the_batch_that_opens_it_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux_server, "MAX_CALLS", 1)
    path = "/parley.v1.TextToSpeech/Synthesize"
    async with echo() as (_, servicer, peers):
        (peer,) = peers.all
        rpc = trunk_pb2_grpc.TrunkStub(peer.channel).Carry()
        await rpc.write(trunk_pb2.TrunkFrames(frames=[Frame(call=1, open=path), Frame(call=1, cancel=True)]))
        said = tts_pb2.SynthesizeRequest(text="hello").SerializeToString()
        number = 1
        answer = Frame(failed=trunk_pb2.TrunkFailure())
        async with asyncio.timeout(PATIENCE_S):
            while answer.HasField("failed"):  # the place is free a moment later
                number += 1
                asked = [Frame(call=number, open=path), Frame(call=number, message=said)]
                await rpc.write(trunk_pb2.TrunkFrames(frames=asked))
                (answer,) = cast(trunk_pb2.TrunkFrames, await rpc.read()).frames
        assert answer.call == number
        assert tts_pb2.SynthesizeEvent.FromString(answer.message).audio.data == b"hello"
        rpc.cancel()


async def test_a_client_with_too_many_calls_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mux_server, "MAX_CALLS", 1)
    async with echo() as (_, _, peers):
        first = await peers.open(STUB, "Synthesize")
        await first.write(tts_pb2.SynthesizeRequest(text="hello"))
        assert (await first.read()).audio.data == b"hello"
        async with await peers.open(STUB, "Synthesize") as second:
            with pytest.raises(AtCapacity, match="1 calls"):
                await second.read()
        first.cancel()


async def test_a_lone_frame_leaves_at_once_and_followers_together() -> None:
    gatherer = Gatherer(50)
    messages = gatherer.messages()
    loop = asyncio.get_running_loop()
    gatherer.put(Frame(call=1, message=b"a"))
    begun = loop.time()
    assert len((await anext(messages)).frames) == 1
    assert loop.time() - begun < 0.04
    for call in range(2, 10):
        gatherer.put(Frame(call=call, message=b"b"))
    assert len((await anext(messages)).frames) == 8
    assert loop.time() - begun >= 0.045
    await messages.aclose()


async def test_credit_is_given_back_as_messages_are_read() -> None:
    gatherer = Gatherer(0)
    inbox = Inbox(7, gatherer)
    for _ in range(9):
        inbox.put(bytes(WINDOW // 8))
    for _ in range(2):
        await inbox.get()
    assert [f.credit for f in (await anext(gatherer.messages())).frames] == [WINDOW // 4]


async def test_a_writer_without_credit_is_woken_when_the_call_is_over() -> None:
    credit = Credit()
    await credit.take(WINDOW)
    waiting = asyncio.ensure_future(credit.take(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    credit.release()
    await waiting
