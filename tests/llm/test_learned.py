"""An agent's edits, as the engine without a vendor learns them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from parley.agents.agent import Agent
from parley.agents.files import load_agent
from parley.errors import Misconfigured, NotFound
from services.llm.local.understanding.domain import Domain
from services.llm.local.understanding.learned import KEPT, Learned
from services.llm.local.understanding.understanding import Understanding
from testbed.patience import PATIENCE_S

HEAD = "company: A\ngreeting: Hello.\nprompt: You are A.\ndomain: {fallback: '{}'}\n"


def write(folder: Path, fallback: str) -> None:
    (folder / "a").mkdir(exist_ok=True)
    (folder / "a" / "agent.yaml").write_text(HEAD.replace("{}", fallback))


class School:
    """Learns at once, unless `slow`; what it was asked to learn is in `asked`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.slow = asyncio.Event()
        self.slow.set()
        self.broken = False

    async def learn(self, agent: Agent, root: Path) -> Understanding:
        self.asked.append(agent.domain.fallback)
        await self.slow.wait()
        if self.broken:
            raise Misconfigured("agents/a/agent.yaml: domain.intents.x: wrong")
        return Understanding(Domain(agent))


async def settled(learned: Learned, version: str, fallback: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await learned.of("a", version)).domain.agent.domain.fallback != fallback:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_edit_is_learned_beside_the_calls_and_older_calls_keep_what_they_had(tmp_path: Path) -> None:
    school = School()
    learned = Learned(tmp_path, school.learn)
    write(tmp_path, "one")
    old = (await learned.of("a")).domain.agent.version
    write(tmp_path, "two")
    school.slow.clear()
    for _ in range(5):
        assert (await learned.of("a", "newer.0")).domain.agent.domain.fallback == "one"
    school.slow.set()
    await settled(learned, "newer.0", "two")
    new = load_agent(tmp_path, "a").version
    assert (await learned.of("a", old)).domain.agent.domain.fallback == "one"
    assert (await learned.of("a", new)).domain.agent.domain.fallback == "two"
    assert school.asked == ["one", "two"]
    for n in range(KEPT):
        write(tmp_path, f"more {n}")
        await settled(learned, f"more{n}.0", f"more {n}")
    assert (await learned.of("a", old)).domain.agent.domain.fallback == f"more {KEPT - 1}"
    await learned.aclose()


async def test_what_cannot_be_learned_leaves_what_was_known(tmp_path: Path) -> None:
    school = School()
    learned = Learned(tmp_path, school.learn)
    with pytest.raises(NotFound):
        await learned.of("a")
    write(tmp_path, "one")
    await learned.of("a")
    write(tmp_path, "two")
    school.broken = True
    async with asyncio.timeout(PATIENCE_S):
        while len(school.asked) < 2:
            assert (await learned.of("a", "newer.0")).domain.agent.domain.fallback == "one"
            await asyncio.sleep(0.01)
    for _ in range(5):
        assert (await learned.of("a", "newer.0")).domain.agent.domain.fallback == "one"
    assert school.asked == ["one", "two"]
    await learned.aclose()


async def test_a_caller_who_does_not_wait_leaves_it_to_the_next(tmp_path: Path) -> None:
    school = School()
    learned = Learned(tmp_path, school.learn)
    write(tmp_path, "one")
    school.slow.clear()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await learned.of("a")
    school.slow.set()
    assert (await learned.of("a")).domain.agent.domain.fallback == "one"
    assert school.asked == ["one"], "once, however many have come and gone"
    await learned.aclose()


async def test_a_file_that_is_mended_is_learned_as_it_is_now(tmp_path: Path) -> None:
    school = School()
    learned = Learned(tmp_path, school.learn)
    write(tmp_path, "one")
    (file := tmp_path / "a" / "agent.yaml").write_text(f"{file.read_text()}intents: []\n")
    with pytest.raises(Misconfigured, match="intents"):
        await learned.of("a")
    write(tmp_path, "two")
    school.broken = True
    with pytest.raises(Misconfigured, match="domain.intents.x"):
        await learned.of("a")
    school.broken = False
    write(tmp_path, "three")
    assert (await learned.of("a")).domain.agent.domain.fallback == "three", "not what could not be learned"
    await learned.aclose()
