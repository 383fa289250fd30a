"""The organs, with versions: each call is served by what it began with."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from parley.agents.agent import Agent
from parley.agents.page import wrapper
from parley.bus import publishing
from parley.bus.editions import Editions
from parley.embedding import Embedder
from parley.errors import Unavailable
from parley.published.versions import Versions
from parley.rpc import call
from parley.settings import Settings
from parley.v1 import tools_pb2, tools_pb2_grpc
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.learned import Learned
from services.llm.local.understanding.understanding import Understanding
from services.orchestrator.mind import events
from services.orchestrator.mind.actions import Outcome
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.state import Call, Epoch
from services.orchestrator.run.figures import BEGUN, TOOLS, Figures
from services.orchestrator.run.prices import Prices
from services.rag.indexes.edge import EdgeIndex
from services.rag.library import Library
from services.tools.published import PublishedToolboxes
from testbed.patience import PATIENCE_S
from testbed.servers.natsd import Natsd
from tests.tools.mcp.test_left import documented
from tests.tools.service import Desk, serving
from tests.versions.world import connected, process, publish, server, until, write

READS = '''from parley.tooling import CallContext, tool

@tool
async def look(context: CallContext) -> str:
    """Looks."""
    row = await context.records.get("stock", "bell")
    return "{says} " + (row or {{"price": "none"}})["price"]
'''


def stocked(agents: Path, says: str) -> None:
    write(
        agents, says, **{"tools.py": READS.format(says=says), "data__stock.yaml": f'"bell": {{price: "of {says}"}}\n'}
    )


@asynccontextmanager
async def desk(nats: Natsd, agents: Path, data: Path) -> AsyncIterator[Desk]:
    async with serving(Settings.read(nats_url=nats.url, agents_dir=agents, data_dir=data, agent="bikes")) as desk:
        yield desk


async def listed(desk: Desk, version: str) -> tools_pb2.ListToolsResponse:
    request = tools_pb2.ListToolsRequest(agent="bikes", agent_version=version)
    reply: tools_pb2.ListToolsResponse
    reply = await call(desk.peers, tools_pb2_grpc.ToolsStub, "List", request, timeout_s=PATIENCE_S)
    return reply


async def does(desk: Desk, version: str, call_id: str) -> str:
    outcome = await desk.execute("look", 1, agent="bikes", call_id=call_id, agent_version=version)
    return str(outcome.result_json)


async def test_tools_of_a_version_are_done_by_any_replica_also_by_one_that_never_had_it(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    stocked(agents, "one")
    async with server(tmp_path) as (nats, bus), desk(nats, agents, tmp_path / "a") as first:
        one = (await publish(bus, agents)).current
        stocked(agents, "two")
        two = (await publish(bus, agents)).current
        stocked(agents, "folder")
        assert (await listed(first, two)).agent_version == two
        assert "." in (await listed(first, "")).agent_version
        async with desk(nats, agents, tmp_path / "b") as second:
            for n, replica in enumerate((first, second)):
                assert "one of " in await does(replica, one, f"CA1{n}")
                assert "two of " in await does(replica, two, f"CA2{n}")
                assert "folder of " in await does(replica, "0a1b2c3d.4e5f6071", f"CA3{n}")
                assert (await listed(replica, "0123456789ab")).agent_version == two  # nobody has that


async def test_a_version_has_the_tools_of_the_servers_that_it_names(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    stocked(agents, "one")
    async with server(tmp_path) as (nats, bus), desk(nats, agents, tmp_path / "a") as replica:
        stock = {"command": sys.executable, "args": ["stock_server.py"], "tools": {"in_stock": {"effects": False}}}
        (agents / "bikes" / "stock_server.py").write_text(documented())
        with (agents / "bikes" / "agent.yaml").open("a") as file:
            yaml.safe_dump({"mcp": {"stock": stock}}, file)
        version = (await publish(bus, agents)).current
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await listed(replica, version)
                if found.agent_version == version and {tool.name for tool in found.tools} == {"look", "stock_in_stock"}:
                    break
                await asyncio.sleep(0.05)
        arguments = {"flower": "roses"}
        done = await replica.execute("stock_in_stock", 1, agent="bikes", agent_version=version, arguments=arguments)
        assert '"bunches":40' in done.result_json.replace(" ", "")


async def test_data_is_that_of_the_version_which_most_calls_have(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    stocked(agents, "folder")
    async with server(tmp_path) as (nats, bus), desk(nats, agents, tmp_path / "a") as replica:

        async def data_is(of: str, version: str) -> None:
            async with asyncio.timeout(PATIENCE_S):
                for n in range(10_000):
                    if f"of {of}" in await does(replica, version, f"{of}{version}{n}"):
                        return
                    await asyncio.sleep(0.05)

        stocked(agents, "one")
        one = (await publish(bus, agents)).current
        await data_is("one", one)
        stocked(agents, "two")
        two = (await publish(bus, agents, percent=50)).canary
        async with asyncio.timeout(PATIENCE_S):
            while (await listed(replica, two)).agent_version != two:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert "two of one" in await does(replica, two, "CA9")  # a canary has the data of the others
        for step, wanted in ((Versions.promote, "two"), (Versions.rollback, "one"), (Versions.unpublish, "two")):
            await publishing.change(bus, "agent.bikes", Versions, step)
            await data_is(wanted, one)


async def test_a_replica_that_does_not_know_what_is_published_replaces_no_data(tmp_path: Path) -> None:
    agents, data = tmp_path / "agents", tmp_path / "a"
    calls = (f"CA{n}" for n in itertools.count())
    stocked(agents, "one")
    async with server(tmp_path) as (nats, bus):

        async def is_said(replica: Desk, version: str, words: str) -> None:
            async with asyncio.timeout(PATIENCE_S):
                while words not in await does(replica, version, next(calls)):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

        async with desk(nats, agents, data) as replica:
            assert "one of one" in await does(replica, "", next(calls))
        await nats.kill()
        stocked(agents, "two")
        async with desk(nats, agents, data) as replica:
            assert "two of one" in await does(replica, "", next(calls))
            await nats.start()
            await is_said(replica, "", "two of two")  # nothing is published: the folder's are the newest
            async with connected(nats) as again:
                two = (await publish(again, agents)).current
                await is_said(replica, two, "two of two")
                shutil.copytree(data / "agents", tmp_path / "shelf")
                stocked(agents, "three")
                three = (await publish(again, agents)).current
            await is_said(replica, three, "three of three")
        await nats.kill()
        (data / "agents").rename(tmp_path / "lost")  # another machine, with the same database
        (tmp_path / "shelf").rename(data / "agents")  # which last was on when most calls had the second version
        async with desk(nats, agents, data) as replica:
            assert "two of three" in await does(replica, two, next(calls))
            await nats.start()
            await is_said(replica, three, "three of three")


async def test_whoever_wants_tools_that_are_being_read_waits_without_holding_up_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on, version, root = threading.Semaphore(0), threading.Event(), "0123456789ab", tmp_path / "v"

    def imported() -> None:
        begun.release()
        goes_on.wait(PATIENCE_S)

    monkeypatch.setitem(sys.modules, "slow_import", SimpleNamespace(imported=imported))
    write(root, "One.", **{"tools.py": "import slow_import\nslow_import.imported()\n" + READS.format(says="one")})
    (root / ".version").write_text(version)
    editions = Editions(tmp_path / "none")
    editions._here["bikes", version] = root
    boxes = PublishedToolboxes(editions)
    gone, first, second = (asyncio.ensure_future(boxes.have("bikes", version)) for _ in range(3))
    await until(lambda: begun.acquire(blocking=False))
    gone.cancel()
    await asyncio.sleep(0)
    assert not first.done()
    assert not second.done()
    goes_on.set()
    await asyncio.gather(first, second)
    assert list(boxes.of("bikes", version).tools) == ["look"]
    assert not begun.acquire(blocking=False), "it is read once"
    await boxes.close()


async def test_versions_share_what_costs_and_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    editions = Editions(tmp_path / "none")
    boxes = PublishedToolboxes(editions)
    roots = {f"{n:012x}": tmp_path / f"v{n}" for n in range(2)}
    for version, root in roots.items():
        write(root, "One.", **{"wrapper.json": "{}"})
        (root / ".version").write_text(version)
        editions._here["bikes", version] = root
        await boxes.have("bikes", version)
        boxes.wrapper("bikes", version)
    assert len({box._http for box in (boxes, *boxes._boxes.values())}) == 1
    assert len({box._builtin for box in (boxes, *boxes._boxes.values())}) == 1
    gone, kept = roots.values()
    shutil.rmtree(gone)
    editions._forget("bikes")
    assert gone / "bikes" / "wrapper.json" not in wrapper._FILES
    assert kept / "bikes" / "wrapper.json" in wrapper._FILES
    await boxes.close()


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Embedder.load(tmp_path_factory.mktemp("models"))
    yield made
    made.close()


async def test_knowledge_is_of_the_calls_version_and_shared_where_it_is_the_same(
    tmp_path: Path, embedder: Embedder
) -> None:
    agents, index = tmp_path / "agents", EdgeIndex(Settings.read(data_dir=tmp_path / "index"))

    def knows(greeting: str, place: str) -> None:
        write(agents, greeting, **{"knowledge/about.md": f"The key is under the {place}."})

    async with server(tmp_path) as (nats, bus):
        knows("One.", "mat")
        one = (await publish(bus, agents)).current
        knows("Two.", "mat")  # the same knowledge
        two = (await publish(bus, agents)).current
        knows("Three.", "roof")
        three = (await publish(bus, agents)).current
        knows("Folder.", "river")
        async with process(nats, agents, tmp_path / "a") as editions:
            library = Library(editions, embedder, index)
            editions.prepare = library.prepare

            async def finds(version: str) -> str:
                (found,) = await library.search("bikes", "where is the key", 1, {}, version)
                return found.text.split()[-1]

            with pytest.raises(Unavailable, match="still being read"):
                await finds(three)
            for version in (one, three):
                edition = await editions.of("bikes", version)
                await library.prepare(edition)
            assert len(await index.agents()) == 2
            assert [await finds(version) for version in (one, two, three)] == ["mat.", "mat.", "roof."]
            with pytest.raises(Unavailable, match="still being read"):
                await finds("")  # the folder's own
            await library.ingest("bikes")
            assert [await finds(version) for version in ("", "0a1b2c3d.4e5f6071", three)] == [
                "river.",
                "river.",
                "roof.",
            ]
            assert await finds("0123456789ab") == "roof."  # not kept any more: the newest of the agent
            trimmed = editions.versions("bikes").model_copy(
                update={"versions": tuple(v for v in editions.versions("bikes").versions if v.id == three)}
            )
            editions._table.agents["bikes"] = trimmed
            await library.prepare(await editions.of("bikes", three))
            assert len(await index.agents()) == 2  # the folder's, and the only version that is left
            assert await finds(one) == "roof."
    await index.close()


async def test_the_engine_without_a_vendor_learns_a_version_beside_the_calls(tmp_path: Path) -> None:
    agents = tmp_path / "agents"
    write(agents, "Folder.")

    async def learn(agent: Any, root: Path) -> Understanding:
        return Understanding(Domain(agent))

    async def greets(learned: Learned, version: str) -> str:
        return (await learned.of("bikes", version)).domain.agent.greeting

    async with server(tmp_path) as (nats, bus), process(nats, agents, tmp_path / "a") as editions:
        learned = Learned(agents, learn, editions._shelf)
        assert await greets(learned, "0a1b2c3d.4e5f6071") == "Folder."
        write(agents, "One.")
        one = (await publish(bus, agents)).current
        await until(lambda: editions._shelf.find("bikes", one))
        write(agents, "Two.")
        async with asyncio.timeout(PATIENCE_S):
            while await greets(learned, one) != "One.":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        two = (await publish(bus, agents)).current
        await until(lambda: editions._shelf.find("bikes", two))
        await learned.learn("bikes", two)
        assert [await greets(learned, version) for version in (one, two)] == ["One.", "Two."]
        fresh = Learned(agents, learn, editions._shelf)  # a process that was restarted
        assert await greets(fresh, "") == "Two."
        for each in (learned, fresh):
            await each.aclose()


def test_figures_are_told_apart_by_version_and_forgotten_with_it() -> None:
    live = {"aaaaaaaaaaaa", "bbbbbbbbbbbb"}

    def label(agent: str, version: str) -> str:
        return "folder" if "." in version else version if version in live else "other"

    figures = Figures(label)

    def call_of(version: str) -> Call:
        return Call(call_id="CA1", agent="counted", agent_version=version, policy=Policy())

    opened = events.Opened(at_ms=0, call_id="CA1", epoch=Epoch(1, 1), agent="counted", policy=Policy())
    for version in ("aaaaaaaaaaaa", "bbbbbbbbbbbb", "0a1b2c3d.4e5f6071", "cccccccccccc", "dddddddddddd"):
        figures.note(call_of(version), opened)
    for outcome in (Outcome("ask"), Outcome("ok")):  # asked about first, and done on the yes
        figures.note(call_of("aaaaaaaaaaaa"), events.ToolEnded(at_ms=0, intent=1, outcome=outcome))
    told = [s for f in TOOLS.collect() for s in f.samples if s.name.endswith("_total")]
    assert {s.labels["status"]: s.value for s in told if s.labels["agent"] == "counted"} == {"ok": 1}
    agent = Agent(name="counted", company="C", greeting="Hello.", prompt="P")
    figures.ended(call_of("aaaaaaaaaaaa"), 12.0, Prices(), agent)

    def series() -> dict[str, float]:
        samples = [s for family in BEGUN.collect() for s in family.samples if s.name.endswith("_total")]
        return {s.labels["version"]: s.value for s in samples if s.labels["agent"] == "counted"}

    assert series() == {"aaaaaaaaaaaa": 1, "bbbbbbbbbbbb": 1, "folder": 1, "other": 2}
    live.remove("aaaaaaaaaaaa")
    live.add("eeeeeeeeeeee")
    figures.note(call_of("eeeeeeeeeeee"), opened)
    assert set(series()) == {"bbbbbbbbbbbb", "eeeeeeeeeeee", "folder", "other"}
    assert not [s for f in TOOLS.collect() for s in f.samples if s.labels["version"] == "aaaaaaaaaaaa"]
