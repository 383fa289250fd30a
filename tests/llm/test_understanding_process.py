"""Turns are understood in a process of their own: bounded, started again when it dies, and no call waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from parley.errors import AtCapacity, BadInput, NotBuilt, NotFound, VendorLost
from parley.rpc import Admission, Peers, Server, call
from parley.v1 import llm_pb2, llm_pb2_grpc
from parley.workers.wire import Message
from services.llm.chat import Chain
from services.llm.servicer import LanguageModel
from services.llm.understanding import process
from services.llm.understanding.process import REFUSED, WAITING, Process
from services.llm.understanding.wire import MAX_BYTES, Kind
from testbed.frontdesk import AGENTS
from testbed.patience import PATIENCE_S
from testbed.rounds import settings

MODULE = pytest.mark.asyncio(loop_scope="module")


def made(data_dir: Path, most: int = process.MOST) -> Process:
    return Process(settings(PARLEY_AGENTS_DIR=AGENTS, PARLEY_DATA_DIR=data_dir), most)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def understanding(data_dir: Path) -> AsyncIterator[Process]:
    one = made(data_dir)
    yield one
    await one.aclose()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def served(understanding: Process, admission: Admission) -> AsyncIterator[Peers]:
    server = Server("llm", "127.0.0.1:0", admission)
    service = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
    servicer = LanguageModel(Chain({}), admission, turns=understanding)
    server.add(service, llm_pb2_grpc.add_LanguageModelServicer_to_server, servicer)
    await server.start()
    async with Peers("llm", [f"127.0.0.1:{server.port}"]) as peers:
        assert await peers.ready(PATIENCE_S)
        yield peers
    await server.drain(0)


@MODULE
async def test_the_service_tells_it_and_says_what_is_asked_wrongly(understanding: Process) -> None:
    admission = Admission(1)
    async with served(understanding, admission) as peers:

        async def understood(**fields: object) -> llm_pb2.UnderstandResponse:
            asked = llm_pb2.UnderstandRequest(**fields)  # type: ignore[arg-type]
            reply: llm_pb2.UnderstandResponse
            reply = await call(peers, llm_pb2_grpc.LanguageModelStub, "Understand", asked, timeout_s=PATIENCE_S)
            return reply

        with admission.admit():  # every line is taken: that is another matter
            reply = await understood(agent="frontdesk", text="for the third time, where is order 1234?", language="en")
        assert (reply.emotion, reply.emotion_by, reply.intent) == ("frustrated", "phrases", "order_status")
        assert dict(reply.slots) == {"order_number": "1234"}
        assert reply.emotion_confidence > 0.5
        with pytest.raises(NotFound, match="nobody"):
            await understood(agent="nobody", text="hello")
        line = llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text="hello")
        large = llm_pb2.Message(role=llm_pb2.Message.ROLE_TOOL, tool_call_id="x" * MAX_BYTES)
        for fields, told in (
            ({"text": " "}, "text: has 1 characters"),
            ({"text": "x" * 4_001}, "text: has 4001 characters"),
            ({"text": "x", "context": [line] * 21}, "context: at most 20 messages"),
            ({"text": "x", "context": [llm_pb2.Message(text="y")]}, r"context\[0\].role"),
            ({"text": "x", "context": [large]}, "request: has .* bytes"),
        ):
            with pytest.raises(BadInput, match=told):
                await understood(**fields)
    with pytest.raises(NotBuilt, match="no sentence embeddings"):
        await LanguageModel(Chain({}), Admission(1)).Understand(llm_pb2.UnderstandRequest(text="x"), None)


@MODULE
async def test_when_its_process_dies_the_next_turn_starts_another(understanding: Process) -> None:
    asked = llm_pb2.UnderstandRequest(text="you are thieves", language="en")
    assert (await understanding.of(asked)).emotion == "angry"
    pid = understanding.worker.pid
    assert pid != os.getpid()
    os.kill(pid, signal.SIGSTOP)
    waits = [asyncio.ensure_future(understanding.of(asked)) for _ in range(3)]
    await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    for each in waits:
        with pytest.raises(VendorLost, match="understanding: its process died"):
            await each
    assert WAITING._value.get() == 0
    assert (await understanding.of(asked)).emotion == "angry"
    assert understanding.worker.pid != pid


async def test_what_waits_is_bounded_also_when_who_asked_has_gone(tmp_path: Path) -> None:
    one, before = made(tmp_path, most=2), REFUSED._value.get()
    asked = llm_pb2.UnderstandRequest(text="hello")
    under_way = [asyncio.ensure_future(one.of(asked)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(AtCapacity, match="2 turns wait to be understood here"):
        await one.of(asked)
    assert REFUSED._value.get() == before + 1
    await until(lambda: one.worker.load == 2)
    os.kill(one.worker.pid, signal.SIGSTOP)
    for each in under_way:
        each.cancel()
    await asyncio.sleep(0)
    with pytest.raises(AtCapacity):
        await one.of(asked)
    one.worker.kill("hung")
    await until(lambda: not WAITING._value.get())
    await one.aclose()


async def test_where_nothing_is_installed_for_it_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ModuleNotFoundError('onnxruntime')")
    monkeypatch.syspath_prepend(tmp_path)  # its process has the same path
    one = made(tmp_path)
    with pytest.raises(NotBuilt, match="no sentence embeddings are installed here"):
        await one.of(llm_pb2.UnderstandRequest(text="hello"))
    await one.aclose()


async def test_what_its_process_says_that_cannot_be_read_is_the_process_s_fault(tmp_path: Path) -> None:
    one = made(tmp_path)
    asked = asyncio.ensure_future(one.of(llm_pb2.UnderstandRequest(text="hello")))
    await until(lambda: one.worker.load == 1)
    (inbox,) = one.worker._inboxes.values()
    inbox.receive(Message(Kind(77), inbox.number))
    assert not asked.done(), "of a later version, perhaps"
    inbox.receive(Message(Kind.UNDERSTOOD, inbox.number, b"\xff\xff"))
    with pytest.raises(VendorLost, match="cannot be read"):
        await asked
    await one.aclose()


async def test_who_never_asked_started_nothing(tmp_path: Path) -> None:
    one = made(tmp_path)
    with pytest.raises(BadInput):
        await one.of(llm_pb2.UnderstandRequest(text=" "))
    assert one.worker.pid == 0
    await one.aclose()
