"""Conversations through processes, as far as none has to be started: what a house takes, and what goes wrong at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from parley.agents.conversations.conversation import Conversation
from parley.errors import BadInput, Unavailable
from parley.rpc.local import LocalServer
from parley.settings import Settings
from testbed.eval.course import Course
from testbed.eval.models import Model
from testbed.eval.processes.chat_caller import chatting
from testbed.eval.processes.chat_house import ChatHouse
from testbed.eval.processes.house import Processes
from testbed.eval.trials import trials
from tests.eval.conftest import AGENT, shop


def script(**said: Any) -> Conversation:
    return Conversation.model_validate({"name": "a call", "turns": ["hello"], **said})


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    shop(tmp_path / "agents" / "shop")
    settings = Settings.read(agents_dir=tmp_path / "agents", data_dir=tmp_path, agent="shop", profile="local")
    return Processes(cast(Any, None), settings, LocalServer("llm"))


async def test_a_call_has_its_agents_language_and_no_other(processes: Processes) -> None:
    await processes.fresh("shop", script(language="en"))
    with pytest.raises(BadInput, match="language: a call has its agent's"):
        await processes.fresh("shop", script(language="es"))


@pytest.mark.parametrize(("greeting", "first"), [("greeting: Hello,", True), ('greeting: "" # Hello,', False)])
async def test_who_speaks_first_is_as_in_any_call(processes: Processes, greeting: str, first: bool) -> None:
    path = processes.settings.agents_dir / "shop" / "agent.yaml"
    path.write_text(AGENT.replace("greeting: Hello,", greeting))
    assert ChatHouse(processes, "shop")._bot_first is first


async def test_a_gateway_that_is_away_is_told() -> None:
    with pytest.raises(Unavailable, match=r"the gateway gives no session \(ConnectError\)"):
        async with chatting("http://127.0.0.1:9", "/ws/chat", "shop"):
            pass


async def test_what_nobody_foresaw_ends_one_conversation_and_not_the_others(processes: Processes) -> None:
    troubles = [httpx.ReadTimeout("slow"), ConnectionResetError("gone"), TimeoutError()]

    class Unlucky:
        overlap, page = 1.0, True
        settings, model = processes.settings, cast(Model, None)

        async def hold(self, conversation: Conversation) -> Course:
            if troubles:
                raise troubles.pop(0)
            return Course()

    held = await trials(Unlucky(), [script()], 4)
    assert [each.error for each in held] == ["ReadTimeout: slow", "ConnectionResetError: gone", "TimeoutError: ", ""]
