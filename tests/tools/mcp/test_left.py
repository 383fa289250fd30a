"""Servers that an edit names no more, and the one in the documentation."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from parley.agents.agent import Agent
from parley.secrets import Secrets
from services.tools.mcp import hub as hub_module
from services.tools.mcp import link
from services.tools.mcp.hub import Hub
from testbed.patience import PATIENCE_S
from tests.tools.mcp.conftest import YAML, Odd, until_answered, until_listed
from tests.tools.service import STATUS

MISSING = {"command": "no-such-program", "tools": ["x"]}
DOCS = Path(__file__).parents[3] / "docs" / "mcp.md"


def documented() -> str:
    """The server of the documentation."""
    source = re.search(r"```python\n(from mcp.*?)```", DOCS.read_text(), re.DOTALL)
    assert source is not None
    return source[1]


def agent(**servers: Any) -> Agent:
    return Agent.model_validate({**YAML, "name": "a", "mcp": servers})


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    for name in ("FIRST_PAUSE_S", "LONGEST_PAUSE_S", "RELIST_S"):
        monkeypatch.setattr(link, name, 0.02)
    monkeypatch.setattr(hub_module, "SWEEP_S", 0.02)
    opened = Hub(Secrets())
    yield opened
    await opened.close()


async def until(found: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not found():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)


async def test_a_server_that_could_not_be_started_is_not_tried_again_once_it_is_named_no_more(
    hub: Hub, odd: Odd, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        hub.tools_of(agent(odd=MISSING), tmp_path, newest=True)
        (old,) = hub._runs.values()
        assert await hub.ready("a", PATIENCE_S)
        mended = agent(odd=odd.config())
        hub.tools_of(mended, tmp_path, newest=True)
        with pytest.raises(asyncio.CancelledError):
            await old
        before = len([line for line in logs if line["event"] == "a server of tools is away, tried again"])
        await until(lambda: "odd_echo" in hub.tools_of(mended, tmp_path, newest=True))
        tools = hub.tools_of(agent(odd=MISSING), tmp_path, newest=False)  # of a call that began before the edit
        assert not tools
        assert await hub.ready("a", PATIENCE_S)
    assert len([line for line in logs if line["event"] == "a server of tools is away, tried again"]) == before
    assert link.UP.labels("a", "odd")._value.get() == 1


async def test_a_connection_that_calls_may_use_stays_and_is_not_made_again_when_it_is_lost(
    hub: Hub, odd: Odd, tmp_path: Path
) -> None:
    named = agent(odd=odd.config())
    await until(lambda: "odd_die" in hub.tools_of(named, tmp_path, newest=True))
    ((_, old),) = hub._links.items()
    hub.tools_of(agent(), tmp_path, newest=True)
    tool = hub.tools_of(named, tmp_path, newest=False)["odd_die"]
    assert old.connected
    (run,) = hub._runs.values()
    with pytest.raises(Exception, match="no answer that I can use"):
        await old.call("die", {"n": 1}, "CA1/1", tool.marks)
    async with asyncio.timeout(PATIENCE_S):
        await run
    assert not old.connected
    hub.tools_of(named, tmp_path, newest=True)
    await until(lambda: any(each.connected for each in hub._links.values()))  # named again


async def test_an_edit_that_is_taken_back_takes_back_the_connection(hub: Hub, odd: Odd, tmp_path: Path) -> None:
    named = agent(odd=odd.config())
    await until(lambda: "odd_echo" in hub.tools_of(named, tmp_path, newest=True))
    (old,) = hub._links.values()
    hub.tools_of(agent(), tmp_path, newest=True)
    assert link.UP.labels("a", "odd")._value.get() == 0
    assert "odd_echo" in hub.tools_of(named, tmp_path, newest=True)
    assert (list(hub._links.values()), old.left, link.UP.labels("a", "odd")._value.get()) == ([old], False, 1)


async def test_two_versions_that_calls_have_at_once_keep_their_servers(hub: Hub, odd: Odd, tmp_path: Path) -> None:
    """A published version and its canary are both asked for, in turn."""
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()
    named = agent(odd=odd.config())
    for home in homes * 3:
        await until(lambda home=home: "odd_echo" in hub.tools_of(named, home, newest=True))
    assert [(each.connected, each.left) for each in hub._links.values()] == [(True, False)] * 2


async def test_a_version_that_no_call_has_any_more_leaves_its_servers(
    hub: Hub, odd: Odd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "IDLE_S", 0.0)
    homes = [tmp_path / "one", tmp_path / "two"]
    for home in homes:
        home.mkdir()
        await until(lambda home=home: "odd_echo" in hub.tools_of(agent(odd=odd.config()), home, newest=True))
    await until(lambda: [key[3] for key in hub._links] == [str(homes[1].resolve())])


async def test_the_server_of_the_documentation_works(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "agents" / "a").mkdir(parents=True)
    (tmp_path / "agents" / "a" / "stock_server.py").write_text(documented())
    tool = {"effects": False, "summary": "There are {bunches} bunches of {flower}."}
    stock = {"command": sys.executable, "args": ["stock_server.py"], "tools": {"in_stock": tool}}
    desk = await serve(mcp={"stock": stock})
    await until_listed(desk, "stock_in_stock")
    found = await until_answered(desk, "stock_in_stock", STATUS.STATUS_OK, arguments={"flower": "roses"})
    assert "There are 40 bunches of roses." in found.result_json
    failed = await desk.execute("stock_in_stock", 1, agent="a", arguments={"flower": "daisies"})
    assert "We do not have daisies." in failed.message
