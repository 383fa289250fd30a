"""Tools that show something on the page, through the service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from parley.agents.page.wrapper import Wrapper
from parley.tooling import Result
from parley.v1 import tools_pb2
from services.tools import shows as shows_module
from services.tools.contract import Intent, Outcome, Shown
from services.tools.execution.run import MAX_SHOWN_BYTES, Run
from services.tools.shows import MAX_BYTES, Shows
from testbed.patience import PATIENCE_S
from tests.tools.service import STATUS, Desk, serving, settings

CARDS = [
    {"name": "checks", "kind": "progress", "title": "Checks"},
    {"name": "order", "kind": "facts", "title": "Your order"},
    {"name": "notes", "kind": "facts", "title": "Notes"},
]
TOOLS = """
import asyncio, time
from parley.tooling import CallContext, Result, tool

def steps(done):
    names = ("Router", "Line", "Server")
    return {"steps": [{"title": n, "state": "done" if i < done else "waiting"} for i, n in enumerate(names)]}

@tool(effects=True, slow=True)
async def check(context: CallContext) -> Result:
    '''Checks.'''
    value = steps(0)
    for done in range(4):
        context.show("checks", value)
        value["steps"][min(done, 2)]["state"] = "done"
        await asyncio.sleep(0.02)
    context.progress("Nearly there.")
    return Result({"summary": "All is well."}, show={"order": {"Order": 1234}})

@tool
def look(context: CallContext) -> Result:
    '''Looks, in a thread.'''
    context.show("order", {"Order": "1234"})
    return Result({"summary": "Found."})

@tool
def wrong(context: CallContext) -> Result:
    '''Shows what no card takes.'''
    for _ in range(3):
        context.show("nothing", {"a": 1})
        context.show("checks", {"percent": "half"})
        context.show("order", {"a": object()})
    return Result({"summary": "It went on."}, show={"checks": 7, "order": {"Order": 1}})

@tool
def no_mapping() -> Result:
    '''Shows nothing.'''
    return Result({"summary": "It went on."}, show=["order"])

@tool(effects=True)
def hold(gate: str, context: CallContext) -> Result:
    '''Waits in the middle.'''
    context.show("order", {"Order": "held"})
    open(gate).close()
    return Result({"summary": "Done."})
"""


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[tuple[Desk, Path]]:
    folder = tmp_path / "agents"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "agent.yaml").write_text("company: A\ngreeting: Hello.\nprompt: You are A.\n")
    (folder / "a" / "tools.py").write_text(TOOLS)
    (folder / "a" / "wrapper.json").write_text(json.dumps({"cards": CARDS}))
    shows_module._told.clear()
    async with serving(settings(tmp_path / "data", folder, "a")) as desk:
        yield desk, folder / "a" / "wrapper.json"


def told(events: list[Any]) -> list[tuple[str, Any]]:
    return [(event.show.name, json.loads(event.show.json)) for event in events if event.HasField("show")]


def states(value: Any) -> str:
    return "".join(step["state"][0] for step in value["steps"])


async def test_cards_fill_while_the_tool_works_and_the_last_value_is_never_lost(page: tuple[Desk, Path]) -> None:
    events = await page[0].events("check", agent="a")
    shown = told(events)
    assert {name for name, _ in shown} == {"checks"}
    assert [states(value) for _, value in shown] == sorted([states(value) for _, value in shown], reverse=True)
    assert states(shown[-1][1]) == "ddd", "the newest, before the outcome"
    assert len(shown) < 4, "no faster than its pace; what came between is nobody's"
    outcome = events[-1].outcome
    assert outcome.status == STATUS.STATUS_OK
    assert list(outcome.shows) == [tools_pb2.ToolShow(name="order", json='{"Order":1234}')]
    again = await page[0].events("check", agent="a")
    assert again[-1].outcome == outcome, "from the ledger"


async def test_a_tool_in_a_thread_shows_as_well(page: tuple[Desk, Path]) -> None:
    events = await page[0].events("look", agent="a")
    assert told(events) == [("order", {"Order": "1234"})]
    assert events[-1].HasField("outcome")


async def test_what_no_card_takes_is_said_once_in_the_log_and_the_work_goes_on(page: tuple[Desk, Path]) -> None:
    with capture_logs() as logs:
        events = await page[0].events("wrong", agent="a")
    assert told(events) == []
    assert (events[-1].outcome.status, events[-1].outcome.result_json) == (
        STATUS.STATUS_OK,
        '{"summary":"It went on."}',
    )
    assert [show.name for show in events[-1].outcome.shows] == ["order"]
    warned = {log["card"]: log["problem"] for log in logs if log["event"] == "a tool shows what no card takes"}
    assert len([log for log in logs if log["log_level"] == "warning"]) == 3
    assert warned["nothing"] == "no card in wrapper.json has this name; there are: checks, order, notes"
    assert warned["checks"].startswith("percent: Input should be a valid number")
    assert "takes {" in warned["checks"]
    assert warned["order"].startswith("it is not JSON")


async def test_a_result_that_shows_no_mapping(page: tuple[Desk, Path]) -> None:
    with capture_logs() as logs:
        outcome = await page[0].execute("no_mapping", agent="a")
    assert outcome.status == STATUS.STATUS_OK
    assert "must be a mapping of cards to values, not list" in str(logs)


async def test_an_edit_of_the_wrapper_counts_for_the_next_run(page: tuple[Desk, Path]) -> None:
    desk, file = page
    file.write_text('{"cards": [')
    assert told(await desk.events("look", 1, agent="a")), "the last good one stays"
    file.write_text('{"cards": []}')
    assert told(await desk.events("look", 2, agent="a")) == []


async def test_who_asks_again_sees_the_cards_as_they_are(page: tuple[Desk, Path], gate: Any) -> None:
    desk, _ = page
    first = await desk.open("hold", agent="a", arguments={"gate": gate.path})
    assert (await first.read()).show.name == "order"
    first.cancel()
    second = await desk.open("hold", agent="a", epoch=(1, 2), arguments={"gate": gate.path})
    assert json.loads((await second.read()).show.json) == {"Order": "held"}
    await asyncio.to_thread(gate.arrived)
    gate.open()
    assert [event.outcome.status async for event in second] == [STATUS.STATUS_OK]


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Run, asyncio.Queue[Any]]]:
    run = Run(Intent("CA1", 1, (1, 1), "a", "check", {}), True, "c")
    news: asyncio.Queue[Any] = asyncio.Queue()

    async def follow() -> None:
        async for event in run.follow(PATIENCE_S):
            await news.put(event)

    task = asyncio.ensure_future(follow())
    await asyncio.sleep(0)
    yield run, news
    run.end(Outcome(status=Outcome.STATUS_OK))
    await task


async def test_a_run_that_shows_too_much_is_followed_no_further_but_for_how_it_ends() -> None:
    async with running() as (run, news):
        run.show(Shown(name="order", json="x" * (MAX_SHOWN_BYTES + 1)))
        assert (await news.get()).name == "order"
        run.show(Shown(name="order", json="1"))
        run.show(Shown(name="notes", json="2"))
        await asyncio.sleep(0.5)
        assert news.empty()
    assert [(each.name, each.json) for each in [news.get_nowait(), news.get_nowait()]] == [
        ("order", "1"),
        ("notes", "2"),
    ]
    run.show(Shown(name="order", json="late"))
    assert news.get_nowait().status == Outcome.STATUS_OK
    assert news.empty()


def test_a_result_shows_no_more_than_there_is_room_for() -> None:
    cards = [{"name": f"c{n}", "kind": "facts", "title": "C"} for n in range(8)]
    shows = Shows("many", "tool", Wrapper.model_validate({"cards": cards}))
    value = {f"{n}": "x" * 300 for n in range(12)}
    result = Result({"summary": "."}, show={f"c{n}": value for n in range(8)})
    with capture_logs() as logs:
        shown = list(shows.all(result.show))
    assert 0 < len(shown) < 8
    assert sum(each.ByteSize() for each in shown) <= MAX_BYTES
    assert "a result shows more than" in str(logs)
