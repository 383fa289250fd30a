"""Streams whose owner is not there to close them end by a cancel on NATS; all others are left alone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from parley.bus import Bus
from parley.bus import cancels as cancels_module
from parley.bus.cancels import Cancels, Key, key_of, key_of_owner
from parley.errors import Superseded
from parley.rpc import Admission, Server
from parley.settings import Settings
from parley.v1 import call_pb2, events_pb2, llm_pb2, llm_pb2_grpc, tools_pb2, tools_pb2_grpc, tts_pb2, tts_pb2_grpc
from services.llm.chat import Chain
from services.llm.contract import LlmEvent, TextDelta
from services.llm.servicer import LanguageModel
from services.tools.contract import Intent, Outcome
from services.tools.servicer import Servicer as Tools
from services.tts.contract import AudioChunk
from services.tts.servicer import Servicer as TextToSpeech
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import nats_server


def cancel(leg: int, open_: int, turn: int, call_id: str = "CA1") -> events_pb2.CancelTurn:
    epoch = call_pb2.Epoch(leg=leg, open=open_)
    return events_pb2.CancelTurn(call_id=call_id, turn=call_pb2.TurnRef(epoch=epoch, turn=turn))


class Work:
    """A stream's task. `end` is how it went."""

    def __init__(self, cancels: Cancels, key: Key | None, call_id: str = "CA1") -> None:
        self.end = ""
        self.task = asyncio.ensure_future(self._run(cancels, key, call_id))

    async def _run(self, cancels: Cancels, key: Key | None, call_id: str) -> None:
        try:
            with cancels.stream(call_id, key):
                await asyncio.Event().wait()
        except Superseded:
            self.end = "dropped"
        except asyncio.CancelledError:
            self.end = "closed"
            raise

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@pytest.mark.parametrize(
    ("key", "told", "ends"),
    [
        ((1, 1, 3), (1, 1, 3), True),
        ((1, 1, 2), (1, 1, 3), True),
        ((1, 1, 4), (1, 1, 3), False),
        ((1, 1, 9), (1, 2, 3), True),  # a newer owner's word counts, whatever its turn
        ((1, 2, 1), (1, 1, 3), False),
        ((1, 3, 9), (2, 0, 0), True),  # the legs before this one
        ((2, 1, 0), (2, 0, 0), False),
        (None, (9, 9, 9), False),  # of no turn: a voice that is only warmed up
        (key_of_owner(call_pb2.Epoch(leg=1, open=1)), (1, 1, 9), False),  # a tool is waited for when its turn is over
        (key_of_owner(call_pb2.Epoch(leg=1, open=1)), (1, 2, 0), True),
    ],
)
@pytest.mark.parametrize("late", [False, True])
async def test_what_is_at_or_below_the_turn_ends(
    key: Key | None, told: Key, ends: bool, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`late`: the stream opens after the cancel came."""
    monkeypatch.setattr(cancels_module, "GRACE_S", 0.0)
    cancels = Cancels()
    if late:
        cancels.take(cancel(*told))
    work = Work(cancels, key)
    other = Work(cancels, key, "CA2")
    await asyncio.sleep(0)
    if not late:
        cancels.take(cancel(*told))
    if ends:
        await asyncio.wait_for(work.task, PATIENCE_S)
    else:
        await asyncio.sleep(0.02)
    assert work.end == ("dropped" if ends else "")
    assert other.end == ""
    await work.close()
    await other.close()
    assert not cancels._streams


async def test_who_closes_its_stream_itself_is_told_of_no_fault() -> None:
    cancels = Cancels()
    work = Work(cancels, (1, 1, 1))
    await asyncio.sleep(0)
    cancels.take(cancel(1, 1, 1))
    await work.close()
    assert work.end == "closed"


async def test_an_old_cancel_does_not_reach_a_stream_that_opens_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancels_module, "GRACE_S", 0.0)
    monkeypatch.setattr(cancels_module, "KEPT_S", 0.0)
    cancels = Cancels()
    cancels.take(cancel(1, 1, 5))
    work = Work(cancels, (1, 1, 5))
    await asyncio.sleep(0.02)
    assert work.end == ""
    await work.close()


async def test_a_lower_cancel_takes_nothing_back_and_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancels_module, "GRACE_S", 0.0)
    monkeypatch.setattr(cancels_module, "MAX_KEPT", 2)
    cancels = Cancels()
    cancels.take(cancel(1, 2, 5))
    cancels.take(cancel(1, 1, 9))
    work = Work(cancels, (1, 2, 5))
    await asyncio.wait_for(work.task, PATIENCE_S)
    assert work.end == "dropped"
    for n in range(4):
        cancels.take(cancel(1, 1, 1, f"CB{n}"))
    assert list(cancels._kept) == ["CB2", "CB3"]


class Flow:
    """What the organs do without an end, and whether they still do."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def _for_ever(self, item: Any) -> AsyncIterator[Any]:
        try:
            while True:
                yield item
                await asyncio.sleep(0.01)
        finally:
            self.ended.set()

    # A language model, a synthesis and an executor.
    def chat(self, request: Any) -> AsyncIterator[LlmEvent]:
        return self._for_ever(TextDelta("words and more words. "))

    def speak(self, texts: Any, config: Any) -> AsyncIterator[AudioChunk]:
        return self._for_ever(AudioChunk(bytes(4000), ()))

    def execute(self, intent: Intent) -> AsyncIterator[str | Outcome]:
        return self._for_ever("still looking")

    async def aclose(self) -> None:
        """Nothing to close."""


def llm(server: Server, flow: Flow, cancels: Cancels) -> None:
    servicer = LanguageModel(Chain({"endless": flow}), server.admission, cancels)
    named = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
    server.add(named, llm_pb2_grpc.add_LanguageModelServicer_to_server, servicer)


def tts(server: Server, flow: Flow, cancels: Cancels) -> None:
    servicer = TextToSpeech(flow, server.admission, cancels)  # type: ignore[arg-type]
    named = tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"]
    server.add(named, tts_pb2_grpc.add_TextToSpeechServicer_to_server, servicer)


def tools(server: Server, flow: Flow, cancels: Cancels) -> None:
    servicer = Tools(None, flow, server.admission, cancels)  # type: ignore[arg-type]
    named = tools_pb2.DESCRIPTOR.services_by_name["Tools"]
    server.add(named, tools_pb2_grpc.add_ToolsServicer_to_server, servicer)


@asynccontextmanager
async def partner(address: str, organ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    command = [sys.executable, "-m", "tests.kernel.frozen_partner", address, organ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), PATIENCE_S) == b"open\n"
        yield process
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("organ", [llm, tts, tools])
async def test_a_frozen_partners_stream_ends_when_a_newer_owner_says_so(
    organ: Callable[[Server, Flow, Cancels], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parley.rpc.server.OPTIONS", [])  # the connection is not found dead by itself
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(nats_server(tmp_path))
        settings = Settings.read(nats_url=nats.url)
        cancels, flow, dropped = Cancels(), Flow(), cancels_module.DROPPED
        heard, mind = Bus(settings, "organ"), Bus(settings, "orchestrator")
        cancels.listen(heard)
        for bus in (heard, mind):
            await stack.enter_async_context(bus)
            assert await bus.ready(PATIENCE_S)
        server = Server(organ.__name__, "127.0.0.1:0", Admission(10))
        organ(server, flow, cancels)
        await server.start()
        stack.push_async_callback(server.drain, 0)
        before = dropped._value.get()
        process = await stack.enter_async_context(partner(f"127.0.0.1:{server.port}", organ.__name__))
        os.kill(process.pid, signal.SIGSTOP)
        assert server.admission.active == 1
        await mind.publish("call.CA1.cancel", b"\xff\xff")  # what cannot be read ends nothing
        await mind.publish("call.CA1.cancel", cancel(1, 2, 3).SerializeToString())
        async with asyncio.timeout(PATIENCE_S):
            await flow.ended.wait()
            while server.admission.active:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert dropped._value.get() == before + 1


def test_keys_are_compared_as_a_pair() -> None:
    turn = call_pb2.TurnRef(epoch=call_pb2.Epoch(leg=1, open=2), turn=3)
    assert key_of(turn) == (1, 2, 3)
    assert (1, 2, 3) < (1, 3, 0) < (2, 0, 0)
