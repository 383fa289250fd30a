"""Edits of an agent, as calls that begin after them have it: the mind beside a real tools service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from parley.agents import files
from parley.agents.files import load_agent
from parley.errors import Misconfigured, NotFound, Unavailable
from parley.rpc import call
from parley.v1 import conversation_pb2, conversation_pb2_grpc, tools_pb2
from services.orchestrator.run import roster as roster_of
from services.orchestrator.run.organs import Organs
from services.orchestrator.run.roster import Roster
from testbed.organs import AGENT, house
from testbed.patience import PATIENCE_S
from tests.tools.service import Desk, serving, settings

TOOL = "from parley.tooling import tool\n@tool{marks}\ndef {name}() -> str:\n    '''Does.'''\n    return 'done'\n"


def tools(name: str, marks: str = "") -> str:
    return TOOL.format(name=name, marks=marks)


@dataclass
class Edited:
    roster: Roster
    desk: Desk
    folder: Path

    def write(self, file: str, text: str) -> None:
        (self.folder / "bikes" / file).write_text(text)

    async def begins(self) -> tuple[str, list[str], str]:
        """A call: the greeting it has, its tools, and its agent's version."""
        agent, listed = await self.roster.now("bikes")
        assert listed is not None
        return agent.greeting, [tool.name for tool in listed.tools], agent.version


@asynccontextmanager
async def edited(tmp_path: Path) -> AsyncIterator[Edited]:
    folder = tmp_path / "agents"
    (folder / "bikes").mkdir(parents=True)
    (folder / "bikes" / "agent.yaml").write_text(AGENT)
    (folder / "bikes" / "tools.py").write_text(tools("first"))
    async with serving(settings(tmp_path / "data", folder, "bikes")) as desk:
        roster = Roster(folder, Organs(desk.peers, desk.peers, desk.peers))
        try:
            await roster.first("bikes")
            yield Edited(roster, desk, folder)
        finally:
            await roster.aclose()


async def test_an_edit_of_either_file_is_there_for_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_of, "EDIT_S", PATIENCE_S)
    async with edited(tmp_path) as e:
        greeting, names, version = await e.begins()
        assert (greeting, names) == ("Bellweather Bikes, how can I help?", ["first"])
        e.write("tools.py", tools("second", "(effects=True)"))
        assert (await e.begins())[1] == ["second"]
        e.write("agent.yaml", AGENT.replace("Bellweather Bikes, how", "Good morning, how"))
        greeting, names, newest = await e.begins()
        assert (greeting, names) == ("Good morning, how can I help?", ["second"])
        assert len({version, newest}) == 2
        assert newest == load_agent(e.folder, "bikes").version
        assert newest == (await e.roster._organs.list_tools("bikes")).agent_version


async def test_tools_that_are_written_in_yaml_are_there_for_the_next_call_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_of, "EDIT_S", PATIENCE_S)
    async with edited(tmp_path) as e:
        versions = {(await e.begins())[2]}
        for path in ("a", "b"):
            url = f"https://shop.example.com/{path}"
            e.write("tools.yaml", f"tools:\n  look: {{description: Look., method: GET, url: '{url}'}}\n")
            _, names, version = await e.begins()
            assert names == ["first", "look"]
            assert version == load_agent(e.folder, "bikes").version
            versions.add(version)
        assert len(versions) == 3


async def test_servers_of_tools_that_are_still_starting_are_asked_for_again_without_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_of, "AGAIN_S", 0.02)
    async with edited(tmp_path) as e:
        whole = await e.roster._organs.list_tools("bikes")
        replies = [tools_pb2.ListToolsResponse(agent_version=whole.agent_version, incomplete=True)] * 3

        async def list_tools(agent: str, version: str) -> tools_pb2.ListToolsResponse:
            return replies.pop() if replies else whole

        monkeypatch.setattr(e.roster._organs, "list_tools", list_tools)
        await e.roster._look("bikes")
        assert (await e.begins())[1] == []
        async with asyncio.timeout(PATIENCE_S):
            while e.roster._completing:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not replies
        assert (await e.begins())[1] == ["first"]


async def test_a_tools_service_that_is_still_starting_is_worth_a_warning_only_when_it_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_of, "PAUSES_S", (0.0,))
    async with edited(tmp_path) as e:
        whole = await e.roster._organs.list_tools("bikes")
        for error, patient_s, level in (
            (Unavailable("not there"), 60.0, "info"),
            (Unavailable("not there"), 0.0, "warning"),
            (Misconfigured("tools.py, line 1"), 60.0, "warning"),
        ):
            replies: list[Exception | None] = [error, None]

            async def list_tools(agent: str, version: str, replies: Any = replies) -> tools_pb2.ListToolsResponse:
                if (wrong := replies.pop(0)) is not None:
                    raise wrong
                return whole

            monkeypatch.setattr(roster_of, "PATIENT_S", patient_s)
            monkeypatch.setattr(e.roster._organs, "list_tools", list_tools)
            roster = Roster(e.folder, e.roster._organs)
            with capture_logs() as logs:
                await roster.first("bikes")
            await roster.aclose()
            told = [line["log_level"] for line in logs if line["event"].startswith("tools are not known yet")]
            assert told == [level]


async def test_a_call_without_an_edit_before_it_asks_nobody_and_reads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with edited(tmp_path) as e:
        before = await e.begins()

        async def list_tools(agent: str, version: str) -> Any:
            raise AssertionError

        monkeypatch.setattr(e.roster._organs, "list_tools", list_tools)
        monkeypatch.setattr(files, "_read", None)
        for _ in range(10):
            assert await e.begins() == before
        assert not e.roster._looking


async def test_a_broken_edit_is_told_and_the_last_good_one_stays_with_its_own_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_of, "EDIT_S", PATIENCE_S)
    async with edited(tmp_path) as e:
        before = await e.begins()
        for file, text, told in (
            (
                "agent.yaml",
                AGENT + "limits: {rounds: many}\n",
                "agent.yaml: limits.rounds: Input should be",
            ),
            ("tools.py", "def f(:\n", "tools.py, line 1: SyntaxError"),
            ("agent.yaml", AGENT + "tools: [third]\n", "agent.yaml: tools: third not found in tools.py"),
        ):
            with capture_logs() as logs:
                e.write(file, text)
                assert (await e.begins())[1] == ["first"]
            assert any(told in log["error"] for log in logs if log["log_level"] == "error"), (file, logs)
            e.write("agent.yaml", AGENT)
            e.write("tools.py", tools("first"))
            assert await e.begins() == before
        e.write("tools.py", "def f(:\n")
        assert (await e.begins())[2] == before[2]  # what is decided with, not what lies there


async def test_a_call_does_not_wait_for_a_tools_service_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_of, "EDIT_S", 0.05)
    async with edited(tmp_path) as e:
        answers = asyncio.Event()
        plain = e.roster._organs.list_tools

        async def slow(agent: str, version: str) -> tools_pb2.ListToolsResponse:
            await answers.wait()
            return await plain(agent, version)

        monkeypatch.setattr(e.roster._organs, "list_tools", slow)
        e.write("tools.py", tools("second"))
        assert (await e.begins())[1] == ["first"]
        e.write("tools.py", tools("third"))
        assert (await e.begins())[1] == ["first"]
        answers.set()
        async with asyncio.timeout(PATIENCE_S):
            while e.roster._looking:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await e.begins())[1] == ["third"]


async def test_a_tools_service_that_is_away_is_asked_again_by_a_later_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_of, "EDIT_S", PATIENCE_S)
    monkeypatch.setattr(roster_of, "AGAIN_S", 0.0)
    async with edited(tmp_path) as e:
        plain = e.roster._organs.list_tools

        async def away(agent: str, version: str) -> tools_pb2.ListToolsResponse:
            raise Unavailable("away")

        monkeypatch.setattr(e.roster._organs, "list_tools", away)
        e.write("tools.py", tools("second"))
        assert (await e.begins())[1] == ["first"]
        monkeypatch.setattr(e.roster._organs, "list_tools", plain)
        async with asyncio.timeout(PATIENCE_S):
            while (await e.begins())[1] == ["first"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_an_edit_is_read_also_while_the_tools_are_not_known_yet(tmp_path: Path) -> None:
    async with edited(tmp_path) as e:
        roster = Roster(e.folder, e.roster._organs)
        listed = asyncio.Event()

        async def insist(name: str) -> roster_of.Listed:
            await listed.wait()
            raise AssertionError

        roster._insist = insist  # type: ignore[method-assign]
        roster._list = insist  # type: ignore[method-assign]
        assert (await roster.now("bikes"))[1] is None
        e.write("agent.yaml", AGENT.replace("how can I help", "what can I do"))
        agent, known = await roster.now("bikes")
        assert (agent.greeting, known) == ("Bellweather Bikes, what can I do?", None)
        await roster.aclose()


async def test_a_call_under_way_keeps_what_it_began_with_and_the_next_one_has_the_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_of, "EDIT_S", PATIENCE_S)
    async with house(tmp_path) as h:
        began = await h.gateway()
        await began.opens("CA1")
        await began.hears((await began.said())[0])
        (h.settings.agents_dir / "bikes" / "agent.yaml").write_text(
            AGENT.replace("how can I help", "what can I do").replace("the phone", "the telephone")
        )
        begins = await h.gateway()
        await begins.opens("CA2")
        utterance, greeting = await begins.said()
        assert greeting == "Bellweather Bikes, what can I do?"
        await begins.hears(utterance)
        for gateway in (began, begins):
            await gateway.types("hello")
            await gateway.said()
        requests = {request.call_id: request for request in h.model.requests}
        assert requests["CA1"].system.split("\n")[0] == "You answer the phone."
        assert requests["CA2"].system.split("\n")[0] == "You answer the telephone."
        states = [owner._current().agent_version for owner in h.calls._conductors.values()]
        assert states == [requests["CA1"].agent_version, requests["CA2"].agent_version]
        assert len(set(states)) == 2


async def test_what_is_wrong_with_an_edit_is_told_without_a_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_of, "EDIT_S", PATIENCE_S)
    async with house(tmp_path) as h:
        wrong = ["agent.yaml: line 3", ""]

        async def listing(request: Any, context: Any) -> tools_pb2.ListToolsResponse:
            return tools_pb2.ListToolsResponse(problem=wrong.pop(0))

        monkeypatch.setattr(h.actions, "listing", listing)
        for text, told in (("company: [", "agent.yaml: line 3"), (AGENT, "")):
            (h.settings.agents_dir / "bikes" / "agent.yaml").write_text(text)
            request = conversation_pb2.LookAtEditRequest(agent="bikes")
            stub = conversation_pb2_grpc.ConversationStub
            assert (await call(h.peers, stub, "LookAtEdit", request, timeout_s=PATIENCE_S)).problem == told
        request = conversation_pb2.LookAtEditRequest(agent="cars")
        with pytest.raises(NotFound, match="known are bikes"):
            await call(h.peers, stub, "LookAtEdit", request, timeout_s=PATIENCE_S)


async def test_a_call_that_learns_its_tools_late_is_of_the_version_that_they_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as h:
        heard = asyncio.Event()

        async def late(request: Any, context: Any) -> tools_pb2.ListToolsResponse:
            await heard.wait()
            return tools_pb2.ListToolsResponse(
                tools=[tools_pb2.ToolInfo(name="book_visit")], agent_version="other.0123abcd"
            )

        monkeypatch.setattr(h.actions, "listing", late)
        h.calls._rosters._folder._listed.clear()
        h.calls._rosters._folder._first.clear()
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        (owner,) = h.calls._conductors.values()
        heard.set()
        async with asyncio.timeout(PATIENCE_S):
            while not owner._current().agent_version.endswith(".0123abcd"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await g.types("book me in")
        await g.said()
        assert h.model.requests[-1].agent_version == owner._current().agent_version
