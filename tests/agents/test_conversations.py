"""Every agent holds its own conversations (agents/<name>/conversations/), on the engine without a vendor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from parley.agents.conversations.files import conversations_of
from parley.agents.files import known_agents
from testbed.eval.home import Home, home
from testbed.eval.pace import Pace
from testbed.eval.report import told
from testbed.eval.trials import trial

AGENTS = Path(__file__).parents[2] / "agents"
CONVERSATIONS = {
    (agent, name): each
    for agent in known_agents(AGENTS)
    for name, each in conversations_of(AGENTS / agent).items()
    if not each.asks_model  # they need a vendor's model: `parley eval`
}


class Homes:
    """One agent at a time, with the language model and the knowledge that all its conversations share."""

    def __init__(self, data_dir: Path) -> None:
        self.pace = Pace()
        self._data_dir = data_dir
        self._stack = AsyncExitStack()
        self._of: Home | None = None

    async def of(self, agent: str) -> Home:
        if self._of is None or self._of.name != agent:
            await self._stack.aclose()
            made = home(agent, AGENTS / agent, self.pace, profile="local", data_dir=self._data_dir)
            self._of = await self._stack.enter_async_context(made)
        return self._of

    def close(self) -> None:
        self.pace.run(self._stack.aclose())
        self.pace.close()


@pytest.fixture(scope="module")
def homes(learned_dir: Path) -> Iterator[Homes]:
    made = Homes(learned_dir)
    yield made
    made.close()


@pytest.mark.parametrize(("agent", "name"), CONVERSATIONS, ids=["/".join(key) for key in CONVERSATIONS])
def test_a_conversation(homes: Homes, agent: str, name: str) -> None:
    async def held() -> list[str]:
        found = await trial(await homes.of(agent), CONVERSATIONS[agent, name])
        return [] if found.passed else list(told(found))

    wrong = homes.pace.run(held())
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("agent", known_agents(AGENTS))
def test_there_are_twelve_at_least(agent: str) -> None:
    assert len([name for of, name in CONVERSATIONS if of == agent]) >= 12
