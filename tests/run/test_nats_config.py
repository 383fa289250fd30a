"""The users of the bus, against a real server: who may write a call's state, who may only read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.errors import NoStreamResponseError

from parley.aio import background
from parley.bus import Bus, make_events_stream, publishing
from parley.bus.callstate import CallStore, make_bucket
from parley.bus.editions import Editions
from parley.bus.outages import Outages
from parley.bus.outages import make_bucket as make_outages
from parley.bus.streams.dead_letters import DeadLetters, make_dead_letter_streams
from parley.engines.breaker import Breakers
from parley.errors import VendorLost
from parley.published.versions import Versions
from parley.settings import Settings
from parley.v1 import events_pb2
from parley.watching import Happening, Watching, watcher
from runner.nats_config import nats_nodes
from runner.nats_users import FOLLOWERS, passwords
from runner.plan import SERVICES, free_ports, nats_server
from testbed.patience import PATIENCE_S
from tests.watching import calls


class Telephone:
    """The server, and connections of its users."""

    def __init__(self, port: int, users: dict[str, str]) -> None:
        self.url = f"nats://127.0.0.1:{port}"
        self.users = users
        self.refused: asyncio.Queue[str] = asyncio.Queue()
        self.stack = AsyncExitStack()

    async def connect(self, name: str, inbox: str = "") -> Client:
        async def refused(error: Exception) -> None:
            if "permissions violation" in str(error):
                self.refused.put_nowait(f"{name}: {error}")

        client = await nats.connect(
            self.url, user=name, password=self.users[name], inbox_prefix=inbox or f"_INBOX_{name}", error_cb=refused
        )
        self.stack.push_async_callback(client.close)
        return client

    async def bus(self, name: str) -> Bus:
        settings = Settings.read(nats_url=self.url, nats_user=name, nats_password=self.users[name])
        bus = await self.stack.enter_async_context(Bus(settings, name))
        assert await bus.ready(PATIENCE_S)
        return bus


@pytest.fixture
async def telephone(tmp_path: Path) -> AsyncIterator[Telephone]:
    users = passwords((*SERVICES, "operator", "watcher"))
    (node,) = nats_nodes(1, iter(free_ports(1)), tmp_path, users)
    port, config = node.port, tmp_path / node.file
    config.write_text(node.config)
    log = (tmp_path / "nats.log").open("wb")
    server = await asyncio.create_subprocess_exec(nats_server(), "-c", str(config), stdout=log, stderr=log)
    telephone = Telephone(port, users)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.02)
        yield telephone
    finally:
        await telephone.stack.aclose()
        server.terminate()
        await server.wait()
        log.close()


async def test_the_orchestrator_writes_and_the_gateway_reads(telephone: Telephone) -> None:
    mind = await telephone.bus("orchestrator")
    await make_bucket(mind, 1)
    await make_events_stream(mind, 1)
    store = CallStore(mind)
    stored: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    superseded: list[bool] = []
    store.writer("CA1", stored.set_result, superseded.append).put(events_pb2.StoredCall(version=7))
    async with asyncio.timeout(PATIENCE_S):
        assert await stored == 7
    assert not superseded
    mind.record("CA1", "CA1/1.1/1", b"event")
    assert await mind.flushed(5)
    assert (await mind.jetstream().stream_info("CALL_EVENTS")).state.messages == 1
    assert await store.calls() == ["CA1"]

    body = CallStore(await telephone.bus("gateway"))
    found = await body.read("CA1")
    assert found is not None
    assert found[0].version == 7
    assert await body.read("CA2") is None
    await store.aclose()
    await body.aclose()


async def test_nobody_else_writes_states_or_cancels(telephone: Telephone) -> None:
    mind = await telephone.bus("orchestrator")
    await make_bucket(mind, 1)
    cancelled = await (await telephone.connect("orchestrator")).subscribe("call.*.cancel")
    for name in SERVICES:
        client = await telephone.connect(name)
        await client.publish("call.CA1.cancel", name.encode())
        if name != "orchestrator":
            with pytest.raises((NatsTimeout, NoRespondersError)):
                await client.request("$KV.calls.CA1", b"forged", timeout=0.1)
        await client.flush()
    assert (await cancelled.next_msg(timeout=PATIENCE_S)).data == b"orchestrator"
    assert cancelled.pending_msgs == 0
    assert await CallStore(mind).read("CA1") is None
    others = set(SERVICES) - {"orchestrator"}
    refused = [await asyncio.wait_for(telephone.refused.get(), PATIENCE_S) for _ in range(2 * len(others))]
    assert {line.partition(":")[0] for line in refused} == others


async def test_organs_share_their_own_outages_and_no_others(telephone: Telephone) -> None:
    mind = await telephone.bus("orchestrator")
    await make_outages(mind, 1)
    replicas = [Outages(await telephone.bus("stt"), Breakers("stt"), {"deepgram": "0a1b"}) for _ in range(3)]
    for replica in replicas[:2]:
        for _ in range(3):
            with replica._breakers.of("deepgram").begin() as attempt:
                attempt.failed(VendorLost("gone"))
        await replica.poll()
    await replicas[2].poll()
    assert replicas[2]._breakers.of("deepgram").is_open

    bystander = Outages(await telephone.bus("llm"), Breakers("llm"), {"deepgram": "0a1b"})
    await bystander.poll()
    assert not bystander._breakers.of("deepgram").is_open
    kv = await (await telephone.bus("llm")).jetstream().key_value("outages")
    with pytest.raises((NatsTimeout, NoRespondersError, NoStreamResponseError)):
        await kv.put("stt.open.deepgram-0a1b.forged", b"{}")
    with pytest.raises((NatsTimeout, NoRespondersError)):
        await kv.get(f"stt.here.{replicas[0].replica}")


async def test_the_operator_publishes_agents_and_those_who_run_them_read(telephone: Telephone, tmp_path: Path) -> None:
    mind = await telephone.bus("orchestrator")
    await publishing.make_buckets(mind, 1)
    folder = tmp_path / "agents" / "bikes"
    folder.mkdir(parents=True)
    (folder / "agent.yaml").write_text("company: A\ngreeting: Hello.\nprompt: You are A.\n")
    operator = await telephone.bus("operator")
    _, table = await publishing.publish(operator, "bikes", folder, "en")
    for name in ("gateway", "orchestrator", "stt", "llm", "tools", "rag"):
        settings = Settings.read(agents_dir=tmp_path / "none", data_dir=tmp_path / name)
        editions = Editions.of_process(settings, await telephone.bus(name))
        async with editions.kept():
            assert editions.chosen("bikes").version == table.current
    assert await publishing.sweep(operator, "bikes", table) == 0
    assert telephone.refused.empty()

    writing = ("$KV.agents.agent.bikes", "$KV.agents.numbers", "$O.agents.M.x", "$O.agents.C.x")
    changing = [f"$JS.API.STREAM.{what}.{of}" for what in ("PURGE", "UPDATE") for of in ("KV_agents", "OBJ_agents")]
    changing += ["$JS.API.STREAM.UPDATE.KV_calls", "$JS.API.STREAM.CREATE.OTHER"]  # which could write there
    for name in SERVICES:
        client = await telephone.connect(name)
        for subject in (*writing, *changing):
            with pytest.raises((NatsTimeout, NoRespondersError)):
                await client.request(subject, b"{}", timeout=0.1)
    refused = [await asyncio.wait_for(telephone.refused.get(), PATIENCE_S) for _ in range(10 * len(SERVICES))]
    assert {line.partition(":")[0] for line in refused} == set(SERVICES)
    assert (await publishing.read(operator, "agent.bikes", Versions))[0] == table


async def test_who_works_for_a_turn_hears_its_cancel(telephone: Telephone) -> None:
    organs = ("llm", "tts", "tools")
    listening = [await (await telephone.connect(name)).subscribe("call.*.cancel") for name in organs]
    for one in listening:
        await one._conn.flush()
    await (await telephone.connect("orchestrator")).publish("call.CA1.cancel", b"stop")
    for one in listening:
        assert (await one.next_msg(timeout=PATIENCE_S)).data == b"stop"
    others = set(SERVICES) - {*organs, "orchestrator"}
    for name in others:
        await (await telephone.connect(name)).subscribe("call.*.cancel")
    refused = [await asyncio.wait_for(telephone.refused.get(), PATIENCE_S) for _ in others]
    assert {line.partition(":")[0] for line in refused} == others


async def test_nobody_reads_anothers_replies(telephone: Telephone) -> None:
    spy = await telephone.connect("rag")
    await spy.subscribe("_INBOX_gateway.>")
    assert "_inbox_gateway" in (await asyncio.wait_for(telephone.refused.get(), PATIENCE_S)).lower()


OTHERS = (
    *("$KV.calls.CA1", "$KV.config.settings", "$KV.agents.numbers", "$KV.processes.llm.x", "$O.agents.C.x"),
    *("call.CA1.event", "call.CA1.signal", "call.CA1.cancel", "call.CA1.live", "again.crm", "dead.audit"),
    *(
        f"$JS.API.STREAM.{what}.CALL_EVENTS"
        for what in ("CREATE", "UPDATE", "PURGE", "DELETE", "MSG.GET", "MSG.DELETE")
    ),
    *("$JS.API.STREAM.CREATE.MINE", "$JS.API.STREAM.MSG.GET.DEAD_LETTERS", "$JS.API.STREAM.MSG.DELETE.DEAD_LETTERS"),
    *(
        "$JS.API.CONSUMER.CREATE.KV_calls.mine",
        "$JS.API.CONSUMER.CREATE.KV_config.mine",
        "$JS.API.STREAM.MSG.GET.KV_calls",
    ),
    *("$JS.API.CONSUMER.DELETE.CALL_EVENTS.watch-audit", "$JS.API.CONSUMER.CREATE.WATCH_AGAIN.again-audit.again.audit"),
    *(f"$JS.API.CONSUMER.{what}.CALL_EVENTS.{of}" for what in ("CREATE", "MSG.NEXT") for _, of in FOLLOWERS),
    *(f"$JS.API.CONSUMER.CREATE.CALL_EVENTS.{of}.call.*.event" for _, of in FOLLOWERS),
    *(f"$JS.ACK.CALL_EVENTS.{of}.1.1.1.1.0" for _, of in FOLLOWERS),
)


async def test_a_developers_watcher_follows_by_a_place_of_its_own_and_does_nothing_else(telephone: Telephone) -> None:
    mind = await telephone.bus("orchestrator")
    await make_events_stream(mind, 1)
    await make_dead_letter_streams(mind, 1)
    told: asyncio.Queue[str] = asyncio.Queue()

    @watcher({"call.started"}, name="crm", since="all", tries=1)
    async def crm(happening: Happening) -> None:
        told.put_nowait(happening.call_id)
        if happening.call_id == "CA2":
            raise ValueError("it does not fit")

    for call_id in ("CA1", "CA2"):
        mind.record(call_id, f"{call_id}/1.1/1", calls.record(call_id, 1, calls.opened(call_id)).SerializeToString())
    assert await mind.flushed(PATIENCE_S)
    async with background(Watching(await telephone.bus("watcher"), [crm]).run()), asyncio.timeout(PATIENCE_S):
        assert {await told.get(), await told.get()} == {"CA1", "CA2"}
        while not (letters := await DeadLetters(mind).page()):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)
    assert [(each.watcher, each.call_id) for each in letters] == [("crm", "CA2")]

    client = await telephone.connect("watcher")
    for subject in OTHERS:
        await client.publish(subject, b"{}", reply="_INBOX_watcher.none")
    for subject in ("call.*.event", "call.>", "$KV.>", "_INBOX_gateway.>", "dead.*"):
        await client.subscribe(subject)
    refused = [await asyncio.wait_for(telephone.refused.get(), PATIENCE_S) for _ in range(len(OTHERS) + 5)]
    assert all(any(subject.lower() in line.lower() for line in refused) for subject in OTHERS)
    assert {each.name for each in await mind.jetstream().consumers_info("CALL_EVENTS")} == {"watch-crm"}
