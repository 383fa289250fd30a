"""Time as it is made up, and services that call each other without a network."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from parley.errors import NotFound, TooLate
from parley.rpc import call
from parley.rpc.local import LocalPeers, LocalServer
from parley.v1 import tools_pb2, tools_pb2_grpc
from testbed.eval.pace import Pace


@pytest.fixture
def pace() -> Iterator[Pace]:
    made = Pace()
    yield made
    made.close()


def test_time_jumps_over_what_everybody_waits_for(pace: Pace) -> None:
    began = time.perf_counter()

    async def waits() -> tuple[float, float]:
        pace.at(1_000_000.0)
        before = time.monotonic()
        await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(60))
        return time.monotonic() - before, pace.now()

    passed, now = pace.run(waits())
    assert passed == pytest.approx(3600, abs=1)
    assert now == pytest.approx(1_003_600, abs=1)
    assert time.perf_counter() - began < 60


def test_time_stands_still_for_threads(pace: Pace) -> None:
    async def waits() -> float:
        before = time.monotonic()
        async with asyncio.timeout(0.05):
            await asyncio.to_thread(time.sleep, 0.3)
        return time.monotonic() - before

    assert pace.run(waits()) == 0


def test_time_passes_while_a_socket_is_waited_for(pace: Pace) -> None:
    async def waits() -> float:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, theirs.sendall, b"x")
        before = time.monotonic()
        await reader.read(1)
        writer.close()
        theirs.close()
        return time.monotonic() - before

    began = time.perf_counter()
    assert pace.run(waits()) >= 0.2
    assert time.perf_counter() - began >= 0.2


def test_outside_of_it_time_is_as_it_is(pace: Pace) -> None:
    real = time.monotonic
    pace.run(asyncio.sleep(100))
    assert time.monotonic is real


class Desk(tools_pb2_grpc.ToolsServicer):
    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def List(self, request: tools_pb2.ListToolsRequest, context: object) -> tools_pb2.ListToolsResponse:
        if request.agent == "slow":
            await asyncio.sleep(60)
        if request.agent == "nobody":
            raise NotFound("there is no agent 'nobody'")
        return tools_pb2.ListToolsResponse(agent_version=request.agent)

    async def Settle(self, request: object, context: object) -> tools_pb2.SettleResponse:
        return tools_pb2.SettleResponse()

    async def Keep(self, request: object, context: object) -> tools_pb2.KeepResponse:
        return tools_pb2.KeepResponse()

    async def Execute(self, request: tools_pb2.ExecuteRequest, context: object) -> object:  # type: ignore[override]
        try:
            yield tools_pb2.ExecuteEvent(progress=tools_pb2.ToolProgress(text=request.name))
            if request.name == "broken":
                raise NotFound("no such tool")
            if request.name == "endless":
                await asyncio.sleep(1e6)
        finally:
            self.left.set()


def test_services_of_one_process_call_each_other(pace: Pace) -> None:
    async def calls() -> None:
        server, desk = LocalServer("tools"), Desk()
        server.add(None, tools_pb2_grpc.add_ToolsServicer_to_server, desk)
        async with LocalPeers(server) as peers:
            assert await peers.ready(0)
            request = tools_pb2.ListToolsRequest(agent="a")
            assert (await call(peers, tools_pb2_grpc.ToolsStub, "List", request, timeout_s=1)).agent_version == "a"
            with pytest.raises(NotFound, match="no agent 'nobody'"):
                await call(
                    peers, tools_pb2_grpc.ToolsStub, "List", tools_pb2.ListToolsRequest(agent="nobody"), timeout_s=1
                )
            with pytest.raises(TooLate):
                await call(
                    peers, tools_pb2_grpc.ToolsStub, "List", tools_pb2.ListToolsRequest(agent="slow"), timeout_s=1
                )

            async def opened(name: str) -> object:
                asked = tools_pb2.ExecuteRequest(name=name)
                return await peers.open(tools_pb2_grpc.ToolsStub, "Execute", request=asked)

            stream = await opened("fine")
            assert [event.progress.text async for event in stream] == ["fine"]  # type: ignore[attr-defined]
            with pytest.raises(NotFound, match="no such tool"):
                _ = [event async for event in await opened("broken")]  # type: ignore[attr-defined]
            desk.left.clear()
            stream = await opened("endless")
            await stream.read()  # type: ignore[attr-defined]
            stream.cancel()  # type: ignore[attr-defined]
            await desk.left.wait()
        assert server.admission.active == 0

    pace.run(calls())
