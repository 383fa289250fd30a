"""An agent is published while calls go on: real processes, none of them restarted for it, some of them killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import time
from itertools import count
from pathlib import Path

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from cli.agent import agent as command
from cli.number import number
from parley.bus import Bus, publishing
from parley.published.versions import Versions
from parley.settings import Settings
from testbed.house import House, answer, words
from testbed.patience import PATIENCE_S
from tests.e2e.page import Page, page

pytestmark = [pytest.mark.realtime, pytest.mark.asyncio(loop_scope="session")]
NAME = "rolled"
NUMBERS = count(1001)
TOOLS = '''from parley.tooling import tool

@tool(effects=True)
def check_order_status(order_number: str) -> str:
    """Look."""
    return "Done by {says}."
'''


@pytest.fixture
def folder(house: House, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The agent's folder; commands run as the house's operator."""
    for name, value in house.stack.plan.operator.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PARLEY_AGENTS_DIR", house.stack.plan.env["PARLEY_AGENTS_DIR"])
    made = Path(house.stack.plan.env["PARLEY_AGENTS_DIR"]) / NAME
    shutil.rmtree(made, ignore_errors=True)
    write(made, "zero")
    return made


def write(folder: Path, says: str) -> None:
    agent = {
        "company": "Rolled",
        "greeting": f"Hello from {says}.",
        "prompt": f"You are {says}.",
        "endpointing": {"min_delay_ms": 200, "max_delay_ms": 800},
        "silence": {"prompt_after_s": 60},
        "knowledge": {"retrieve": "always", "wait_ms": 2000},
    }
    (folder / "knowledge").mkdir(parents=True, exist_ok=True)
    (folder / "agent.yaml").write_text(yaml.safe_dump(agent))
    (folder / "tools.py").write_text(TOOLS.format(says=says))
    (folder / "wrapper.json").write_text(f'{{"name": "{says}"}}')
    (folder / "knowledge" / "about.md").write_text(f"The order is kept in the cellar of {says}.\n")


async def publish(folder: Path, says: str, *arguments: str) -> str:
    """The folder goes on being edited; the version."""
    write(folder, says)
    version = await run("publish", NAME, *arguments)
    write(folder, "an edit that is not published")
    return version


async def run(*arguments: str) -> str:
    """As typed at a terminal; what most calls then have."""
    told = await asyncio.to_thread(CliRunner().invoke, command, [*arguments])
    assert told.exit_code == 0, told.output
    return (await table()).current


async def table() -> Versions:
    settings = Settings.read()
    async with Bus(settings, "test") as bus:
        assert await bus.ready(PATIENCE_S)
        return (await publishing.read(bus, f"agent.{NAME}", Versions))[0]


async def until_new_calls_have(house: House, says: str) -> float:
    """How long it took, in seconds."""
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            had = set()
            for url in house.stack.gateway_urls:
                for _ in range(2):  # each has two minds to choose from
                    async with page(url, "chat", NAME) as visitor:
                        had.add(await visitor.answer())
            if had == {f"Hello from {says}."}:
                return time.monotonic() - began
            await asyncio.sleep(0.1)


async def asks(house: House, visitor: Page, says: str) -> None:
    """Prompt and tools of the call are those of this version; its knowledge too, once it was read."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            number = str(next(NUMBERS))
            await visitor.send(type="text", text=f"where is order {number}")
            assert await visitor.answer() == f"Done by {says}."
            asked = [each.body["messages"] for each in house.vendors.openai.records]
            asked = [messages for messages in asked if number in str(messages)]
            assert asked
            assert all(f"You are {says}." in str(messages[0]) for messages in asked)
            if all(f"the cellar of {says}." in str(messages) for messages in asked):
                return


def wiped(root: Path) -> None:
    """This version is no more on the machine's disk."""
    for path in (root, *root.rglob("*")):
        if path.is_dir():
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
    shutil.rmtree(root)


async def test_a_version_takes_new_calls_and_a_call_keeps_its_own_whoever_dies(house: House, folder: Path) -> None:
    url, data = house.stack.gateway_url, Path(house.stack.plan.env["PARLEY_DATA_DIR"])
    pids = house.stack.all_pids()
    async with page(url, "chat", NAME) as oldest:
        assert await oldest.answer() == "Hello from zero."
        one = await publish(folder, "one", "--note", "the first")
        took = await until_new_calls_have(house, "one")
        assert took < PATIENCE_S / 4
        async with page(url, "chat", NAME) as began:
            assert await began.answer() == "Hello from one."
            await asks(house, began, "one")
            await publish(folder, "two")
            await until_new_calls_have(house, "two")
            assert house.stack.all_pids() == pids  # nobody was restarted for it
            async with page(url, "chat", NAME) as newest:
                assert await newest.answer() == "Hello from two."
                await asks(house, newest, "two")
                await asks(house, began, "one")

                wiped(data / "agents" / NAME / one)
                for name in [name for name in pids if name.startswith(("orchestrator", "tools"))]:
                    os.kill(pids[name], signal.SIGKILL)
                for name in [name for name in pids if name.startswith(("orchestrator", "tools"))]:
                    await house.stack.restarted(name, pids[name], PATIENCE_S)
                await asks(house, began, "one")
                await asks(house, newest, "two")
                assert await run("rollback", NAME) == one
                await until_new_calls_have(house, "one")
                await asks(house, newest, "two")
        await run("unpublish", NAME)
        await until_new_calls_have(house, "an edit that is not published")
    begun = await house.count("voice_agent_calls_total", agent=NAME, version=one)
    assert begun >= 1
    assert await house.count("voice_agent_tools_total", agent=NAME, status="ok") >= 1


async def test_a_canary_has_its_share_of_new_calls_and_every_gateway_decides_alike(house: House, folder: Path) -> None:
    await publish(folder, "three")
    await publish(folder, "four", "--canary", "40%")
    versions = await table()
    names = {versions.current: "three", versions.canary: "four"}
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(PATIENCE_S):
        await until_all_have(house, versions.canary)
        for gateway in house.stack.gateway_urls:
            for _ in range(20):
                got = (await client.get(f"{gateway}/api/session", params={"door": "chat", "agent": NAME})).json()
                assert got["wrapper"]["name"] == names[versions.of_call(got["call_id"])]
    for n in range(8):
        async with page(house.stack.gateway_urls[n % 2], "chat", NAME) as visitor:
            wanted = names[versions.of_call(visitor.call_id)]
            assert await visitor.answer() == f"Hello from {wanted}."
    await run("promote", NAME)
    await until_new_calls_have(house, "four")
    await run("unpublish", NAME)


async def until_all_have(house: House, version: str) -> None:
    """A process that has not fetched the canary sends its calls to the current version."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            logs = [house.stack.logs / f"{name}.log" for name in house.stack.all_pids() if name[:2] in ("ga", "or")]
            if all(f'"{version}"' in log.read_text() for log in logs):
                return
            await asyncio.sleep(0.1)


@pytest.mark.soak
async def test_the_called_number_chooses_the_agent(house: House, folder: Path) -> None:
    for arguments in (["set", "+1555777*", NAME], ["set", "+15557770001", "plain"]):
        told = await asyncio.to_thread(CliRunner().invoke, number, arguments)
        assert told.exit_code == 0, told.output
    async with asyncio.timeout(PATIENCE_S):
        while await first_words(house, "+15557770002") != words("Hello from zero."):
            pass
    assert await first_words(house, "+15557770001") == words("Hello, this is the desk.")
    shutil.rmtree(folder)
    assert await first_words(house, "+15557770002") not in ("", words("Hello from zero."))
    for pattern in ("+1555777*", "+15557770001"):
        assert (await asyncio.to_thread(CliRunner().invoke, number, ["remove", pattern])).exit_code == 0


async def first_words(house: House, called: str) -> str:
    async with house.phone(to=called).dial() as call:
        return await answer(call, call.born)
