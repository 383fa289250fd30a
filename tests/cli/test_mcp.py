"""`parley mcp` for an operator's program: what it may know, what it may do, and what it may not."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from cli.mcp import _bound, make_server
from cli.reach.operators import Operators, masked
from parley.bus import Bus
from parley.bus.callstate import CallStore, make_bucket
from parley.errors import BadInput
from parley.rpc import Admission, Peers, Server
from parley.settings import Settings
from parley.v1 import events_pb2, telephony_pb2, telephony_pb2_grpc
from runner.nats_config import nats_nodes
from runner.nats_users import passwords
from runner.plan import MCP_FILES, SERVICES, free_ports
from services.gateway.telephony import Telephony
from services.orchestrator.mind.actions import Outcome, ToolUse
from services.orchestrator.mind.state import BotLine, Call, CallerLine, Ended
from services.orchestrator.wire import codec
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd
from tests.run.conftest import clean_environment

LIVE = Call(
    call_id="CA1",
    agent="frontdesk",
    caller_pii="+15550100123",
    started_ms=int(time.time() * 1000) - 60_000,
    turn=2,
    history=(
        BotLine(turn=0, utterance=1, text="Hello, this is Bellweather.", heard=27, status="heard"),
        CallerLine("Where is my order?"),
        BotLine(turn=1, tools=(ToolUse("t1", "check_order", '{"n":"1234"}', 1, Outcome("ok", "{}")),)),
        BotLine(turn=1, utterance=2, text="It was shipped yesterday, and more.", heard=24, status="cut"),
        CallerLine("Thanks."),
        BotLine(turn=2, utterance=3, text="Nobody has heard this.", heard=0, status="pending"),
    ),
)


@dataclass
class House:
    """NATS with the users of a run, and an orchestrator's part in it."""

    natsd: Natsd
    users: dict[str, str]
    stack: AsyncExitStack
    mind: CallStore
    signals: asyncio.Queue[events_pb2.CallSignal]

    def environment(self, user: str) -> dict[str, str]:
        name = {"PARLEY_NATS_USER": user, "PARLEY_NATS_PASSWORD": self.users[user]}
        return {"PARLEY_NATS_URL": self.natsd.url, **name}

    async def bus(self, user: str) -> Bus:
        settings = Settings.read(nats_url=self.natsd.url, nats_user=user, nats_password=self.users[user])
        bus = Bus(settings, user)
        if user == "orchestrator":
            bus.subscribe("call.*.signal", self.heard)
        await self.stack.enter_async_context(bus)
        assert await bus.ready(PATIENCE_S)
        return bus

    async def heard(self, subject: str, data: bytes, headers: dict[str, str]) -> None:
        signal = events_pb2.CallSignal.FromString(data)
        self.signals.put_nowait(signal)
        await self.store(replace(LIVE, call_id=signal.call_id, floor=Ended(signal.data)), version=2)

    async def store(self, call: Call, version: int = 1) -> None:
        kv = await self.mind.kv()
        stored = events_pb2.StoredCall(version=version, state=codec.state_to_proto(call))
        await kv.put(call.call_id, stored.SerializeToString())

    async def operators(self, user: str, line: Peers | None = None) -> Operators:
        bus = await self.bus(user)
        return Operators(bus, CallStore(bus), line)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    users = passwords((*SERVICES, *MCP_FILES))
    (node,) = nats_nodes(1, iter(free_ports(1)), tmp_path, users)
    (tmp_path / node.file).write_text(node.config)
    natsd = Natsd(tmp_path, port=node.port, config=tmp_path / node.file)
    await natsd.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(natsd.stop)
        made = House(natsd, users, stack, cast(Any, None), asyncio.Queue())
        bus = await made.bus("orchestrator")
        await make_bucket(bus, 1)
        made.mind = CallStore(bus)
        await made.store(LIVE)
        await made.store(replace(LIVE, call_id="CA2", floor=Ended("done")))
        yield made


async def used(client: Client, tool: str, **arguments: Any) -> tuple[bool, Any]:
    """Whether it worked, and what was said."""
    result = await client.call_tool(tool, arguments)
    text = result.content[0].text  # type: ignore[union-attr]
    return not result.is_error, text if result.is_error else json.loads(text)


async def test_who_is_on_the_line_and_what_was_heard(house: House) -> None:
    await (await house.mind.kv()).put("CA3", b"\xff")  # of a version to come
    async with Client(make_server(await house.operators("mcp"), allow_actions=False)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["list_calls", "get_transcript"]
        _, found = await used(client, "list_calls")
        (call,) = found["calls"]
        assert (found["not_shown"], found["unreadable"]) == (0, 1)
        assert (call["call_id"], call["caller"], call["agent"], call["turns"]) == ("CA1", "***23", "frontdesk", 2)
        assert call["seconds"] >= 59
        assert "5550100" not in json.dumps(found)

        _, said = await used(client, "get_transcript", call_id="CA1")
        assert [(line["who"], line["text"]) for line in said["lines"]] == [
            ("bot", "Hello, this is Bellweather."),
            ("caller", "Where is my order?"),
            ("bot", ""),
            ("bot", "It was shipped yesterday"),
            ("caller", "Thanks."),
        ]
        assert said["lines"][2]["tools"] == [{"name": "check_order", "status": "ok"}]
        assert said["lines"][3]["interrupted"]
        for call_id, words in (("CA9", "there is no call CA9"), ("*", "must be one that list_calls gives")):
            worked, told = await used(client, "get_transcript", call_id=call_id)
            assert (worked, words in told) == (False, True)


async def test_a_call_is_ended_by_who_may(house: House) -> None:
    async with Client(make_server(await house.operators("mcp-actions"), allow_actions=True)) as client:
        _, told = await used(client, "hang_up", call_id="CA1", reason="closing\ntime")
        assert told == {"call_id": "CA1", "state": "it has ended"}
        signal = house.signals.get_nowait()
        assert (signal.call_id, signal.name, signal.data) == ("CA1", "hang_up", "closing time")
        _, again = await used(client, "hang_up", call_id="CA1")
        assert again["state"] == "it had ended"
        assert house.signals.empty()


async def test_who_may_only_read_has_no_say_on_the_bus_either(house: House) -> None:
    reader = await house.bus("mcp")
    actor = await house.bus("mcp-actions")
    signal = events_pb2.CallSignal(call_id="CA1", name="hang_up").SerializeToString()
    await reader.publish("call.CA1.signal", signal)
    for subject in ("call.CA1.cancel", "$KV.calls.CA1", "call.CA1.event"):
        await actor.publish(subject, b"forged")
    last = events_pb2.CallSignal(call_id="CA7", name="hang_up").SerializeToString()
    await actor.publish("call.CA7.signal", last)
    async with asyncio.timeout(PATIENCE_S):
        assert (await house.signals.get()).call_id == "CA7"
    assert house.signals.empty()
    found = await house.mind.read("CA1")
    assert found is not None
    assert found[0].state.call_id == "CA1"


async def test_a_call_cannot_be_placed_yet_and_that_is_said(house: House) -> None:
    server = Server("gateway", "127.0.0.1:0", Admission(10))
    named = telephony_pb2.DESCRIPTOR.services_by_name["Telephony"]
    server.add(named, telephony_pb2_grpc.add_TelephonyServicer_to_server, Telephony(cast(Any, None)))
    await server.start()
    async with Peers("gateway", [f"127.0.0.1:{server.port}"]) as line:
        operators = await house.operators("mcp-actions", line)
        async with Client(make_server(operators, allow_actions=True)) as client:
            worked, told = await used(client, "place_call", to="+15550100199")
            assert not worked
            assert "no call was placed, the gateway answers UNIMPLEMENTED: calls are not placed by this version" in told
            worked, told = await used(client, "place_call", to="555")
            assert (worked, "to: must be a number as +15550100199" in told) == (False, True)
    await server.drain(0)


ROOT = str(Path(__file__).parents[2])


def environment(house: House, folder: Path, user: str) -> dict[str, str]:
    """Of a machine on which `make run` has left its files in the data folder."""
    run = folder / "data" / "run"
    run.mkdir(parents=True)
    lines = [f"{name}={value}\n" for name, value in house.environment(user).items()]
    (run / MCP_FILES[user]).write_text("".join(lines))
    return {**clean_environment(), "PARLEY_DATA_DIR": str(folder / "data")}


async def test_the_command_by_standard_input(house: House, tmp_path: Path) -> None:
    args = ["-m", "cli", "mcp", "--allow-actions"]
    env = environment(house, tmp_path, "mcp-actions")
    async with Client(StdioServerParameters(command=sys.executable, args=args, env=env, cwd=ROOT)) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["list_calls", "get_transcript", "hang_up", "place_call"]
        _, found = await used(client, "list_calls")
        assert [call["call_id"] for call in found["calls"]] == ["CA1"]
        await house.natsd.kill()
        worked, told = await used(client, "list_calls")
        assert (worked, "NATS is away" in told or "cannot be listed" in told) == (False, True)


async def test_the_command_by_http_wants_a_token(house: House, tmp_path: Path) -> None:
    env = {**environment(house, tmp_path, "mcp"), "PARLEY_MCP_TOKEN": "t0ken"}
    command = (sys.executable, "-m", "cli", "mcp", "--http", "localhost:0")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=env, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        url = (await process.stderr.readline()).decode().split()[-1]
        assert b"t0ken" not in await process.stderr.readline()
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            async with httpx2.AsyncClient(headers=headers, trust_env=False) as http:
                assert (await _insisting(http, url)).status_code == 401
        headers = {"Authorization": "Bearer t0ken"}
        async with httpx2.AsyncClient(headers={**headers, "Host": "evil.example"}, trust_env=False) as http:
            assert (await http.post(url, json={})).status_code == 421
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            assert [tool.name for tool in (await client.list_tools()).tools] == ["list_calls", "get_transcript"]
            _, found = await used(client, "list_calls")
            assert [call["call_id"] for call in found["calls"]] == ["CA1"]
    finally:
        process.terminate()
        await process.communicate()


async def _insisting(http: httpx2.AsyncClient, url: str) -> httpx2.Response:
    """Until it listens."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await http.post(url, json={})
            except httpx2.ConnectError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("address", ["0.0.0.0:1", "example.com:80", "127.0.0.1", "127.0.0.1:x", "192.0.2.1:80"])
def test_only_on_this_machine(address: str) -> None:
    with pytest.raises(BadInput, match=f"--http {address}: "):
        _bound(address)


@pytest.mark.parametrize(
    ("caller", "shown"),
    [("", ""), ("+15550100123", "***23"), ("Ann Smith", "***"), ("12", "***"), ("sip:4421@example.com", "***")],
)
def test_masked(caller: str, shown: str) -> None:
    assert masked(caller) == shown
