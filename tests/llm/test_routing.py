"""Whose a caller's line is, by its meaning; and what the engine without a vendor does with another's work."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from parley.agents.files import _FILES
from parley.embedding import Vectors
from parley.errors import BadInput, NotBuilt
from parley.published.bundle import contents, packed
from parley.published.shelf import Shelf
from parley.published.versions import Version
from parley.rpc import Admission
from parley.v1 import llm_pb2
from services.llm.chat import Chain
from services.llm.contract import ChatRequest, Found, Message, Role, ToolSpec
from services.llm.providers.local import HAND_OVER, Local
from services.llm.routing import Routing
from services.llm.servicer import LanguageModel
from testbed.rounds import heard, settings
from testbed.talk import spec

TELECOM = """
company: Harrow Telecom
greeting: Hello.
prompt: You answer the phone.
knowledge: {retrieve: never}
specialists:
  billing:
    about: invoices, bills, payments and refunds
    prompt: You know about bills.
    tools: [send_invoice]
    phrases: ["why is my [bill|invoice] so high"]
    examples: [I was charged twice, I have a question about my invoice, I want my money back, how can I pay]
  technical:
    about: internet, routers and televisions that do not work
    prompt: You know about lines.
    tools: [test_line]
    examples: [my internet is down, the router blinks red, the television shows no picture, the connection is slow]
guardrails:
  refuse_topics:
    legal: {examples: [can I sue you, do I have a case, what does the law say about this], say: Not here.}
domain:
  intents:
    invoice: {phrases: ["send me [my|the] [last|] invoice"], tool: send_invoice}
    line: {phrases: ["[test|check] my [line|connection]"], tool: test_line}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    agents = tmp_path_factory.mktemp("agents")
    (agents / "telecom").mkdir()
    (agents / "telecom" / "agent.yaml").write_text(TELECOM)
    (agents / "plain").mkdir()
    (agents / "plain" / "agent.yaml").write_text("company: A\ngreeting: Hello.\nprompt: You answer.\n")
    _FILES.clear()
    return agents


@pytest.fixture
async def routing(folder: Path, data_dir: Path) -> AsyncIterator[Routing]:
    made = Routing(settings(PARLEY_AGENTS_DIR=folder, PARLEY_DATA_DIR=data_dir))
    yield made
    await made.aclose()


async def test_a_line_is_whose_it_is_like_and_nobody_s_in_doubt(routing: Routing) -> None:
    assert await routing.of("telecom", "", "the invoice is wrong") == Found(), "it is not learned yet: nobody waits"
    await routing.learned()
    for line, who in (
        ("The invoice is wrong.", "billing"),
        ("there is a charge on my account I don't recognise", "billing"),
        ("there's no signal on the TV", "technical"),
        ("could I take you to court", "legal"),
        ("hello", ""),
        ("good morning I have a question", ""),
        ("what's the weather like", ""),
        ("I need a pizza", ""),
    ):
        found = await routing.of("telecom", "", line)
        assert (found.specialist or found.topic) == who, line


async def test_an_agent_without_any_is_never_asked_twice_for_nothing(routing: Routing) -> None:
    await routing.of("plain", "", "hello")
    await routing.learned()
    assert await routing.of("plain", "", "hello") == Found()


async def test_where_no_embeddings_are_it_is_said(folder: Path) -> None:
    async def none() -> None:
        return None

    routing = Routing(settings(PARLEY_AGENTS_DIR=folder), none)
    await routing.of("telecom", "", "hello")
    await routing.learned()
    with pytest.raises(NotBuilt, match="no sentence embeddings"):
        await routing.of("telecom", "", "hello")
    await routing.aclose()


class ByTheLetter:
    """Two sentences mean the same when they are the same."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    async def embed_async(self, texts: list[str]) -> Vectors:
        return np.eye(2048, dtype=np.float32)[[self._known.setdefault(text, len(self._known)) for text in texts]]


async def test_a_call_s_line_is_whose_it_is_in_the_version_that_the_call_has(folder: Path, tmp_path: Path) -> None:
    """The folder is edited after the version was published, and a version may come later than its first call."""

    async def embeds() -> ByTheLetter:
        return same

    same, shelf = ByTheLetter(), Shelf(tmp_path)
    files = contents(folder / "telecom")
    files["agent.yaml"] = files["agent.yaml"].replace(b"[my internet", b"[my oven smokes, my internet")
    bundle = packed(files)
    version = Version(id=bundle.id, digest=bundle.digest, size=len(bundle.data), at=0)
    routing = Routing(settings(PARLEY_AGENTS_DIR=folder, PARLEY_DATA_DIR=tmp_path), embeds)

    async def whose(version: str, line: str) -> str:
        await routing.of("telecom", version, line)
        await routing.learned()
        return (await routing.of("telecom", version, line)).specialist

    assert await whose(version.id, "my oven smokes") == ""
    await routing.learned()
    shelf.unpack("telecom", version, bundle.data)
    assert await whose(version.id, "my oven smokes") == "technical"
    assert await whose("0a1b2c3d.4e5f6071", "my oven smokes") == ""
    assert await whose("0a1b2c3d.4e5f6071", "my internet is down") == "technical"
    await routing.aclose()


async def test_what_is_asked_wrongly_is_told(routing: Routing) -> None:
    service = LanguageModel(Chain({}), Admission(1), routing=routing)
    with pytest.raises(BadInput, match="at most 4000"):
        await service.Route(llm_pb2.RouteRequest(agent="telecom", text="x" * 4001), None)
    with pytest.raises(NotBuilt):
        await LanguageModel(Chain({}), Admission(1)).Route(llm_pb2.RouteRequest(agent="a", text="x"), None)


def to(*names: str) -> ToolSpec:
    parameters = {"type": "object", "properties": {"to": {"enum": names}, "summary": {"type": "string"}}}
    return ToolSpec(HAND_OVER, "", json.dumps(parameters))


async def test_the_engine_without_a_vendor_gives_another_s_work_to_them(folder: Path, data_dir: Path) -> None:
    engine = Local(settings(PARLEY_AGENTS_DIR=folder, PARLEY_AGENT="telecom", PARLEY_DATA_DIR=data_dir))
    said = (Message(Role.USER, "send me my last invoice"),)
    front = ChatRequest(agent="telecom", messages=said, tools=(to("billing", "technical"),))
    (call,) = (await heard(engine, front)).calls
    assert (call.name, json.loads(call.arguments)["to"]) == (HAND_OVER, "billing")
    billing = ChatRequest(agent="telecom", messages=said, tools=(spec("send_invoice"), to("technical", "front")))
    assert [call.name for call in (await heard(engine, billing)).calls] == ["send_invoice"]
    alone = ChatRequest(agent="telecom", messages=said)
    assert (await heard(engine, alone)).text.startswith("I am sorry, something went wrong")
    await engine.aclose()
