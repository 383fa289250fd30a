"""`tools.py` and `agent.yaml` are edited while calls go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from parley.errors import Misconfigured
from parley.reloading.rereading import EDITS
from parley.rpc import call
from parley.v1 import tools_pb2, tools_pb2_grpc
from services.tools.discovery import KEPT, Toolboxes
from testbed.patience import PATIENCE_S
from tests.tools.service import STATUS, Desk, serving, settings

YAML = "company: A\ngreeting: Hello.\nprompt: You are A.\ntransfer_to: '{}'\n"
TOOLS = """
from parley.tooling import CallContext, Result, tool

@tool(effects=True)
def {name}(context: CallContext) -> Result:
    '''Does it.'''
    return Result({{"summary": "{says}", "to": context.transfer_to, "order": context.parameters.get("order", ""),
                    "direction": context.direction, "purpose": context.purpose}})
"""


def write(folder: Path, tools: str, yaml: str = YAML.format("+15550100")) -> None:
    (folder / "a").mkdir(parents=True, exist_ok=True)
    (folder / "a" / "agent.yaml").write_text(yaml)
    (folder / "a" / "tools.py").write_text(tools)


@asynccontextmanager
async def edited(tmp_path: Path) -> AsyncIterator[tuple[Desk, Path]]:
    folder = tmp_path / "agents"
    write(folder, TOOLS.format(name="book", says="old"))
    async with serving(settings(tmp_path / "data", folder, "a")) as desk:
        yield desk, folder


async def listed(desk: Desk) -> tools_pb2.ListToolsResponse:
    request = tools_pb2.ListToolsRequest(agent="a")
    reply: tools_pb2.ListToolsResponse
    reply = await call(desk.peers, tools_pb2_grpc.ToolsStub, "List", request, timeout_s=PATIENCE_S)
    return reply


async def test_a_call_keeps_the_tools_it_began_with_and_a_new_one_has_the_new_ones(tmp_path: Path) -> None:
    async with edited(tmp_path) as (desk, folder):
        old = await listed(desk)
        write(folder, TOOLS.format(name="book", says="new"), YAML.format("+15550200"))
        new = await listed(desk)
        assert old.agent_version != new.agent_version
        fields = {"agent": "a", "parameters": {"order": "1234"}, "purpose": "A reminder", "direction": 2}
        began = await desk.execute("book", 1, agent_version=old.agent_version, **fields)
        begins = await desk.execute("book", 2, agent_version=new.agent_version, **fields)
        assert '"summary":"old","to":"+15550100","order":"1234"' in began.result_json
        assert '"direction":"outbound","purpose":"A reminder"' in began.result_json
        assert '"summary":"new","to":"+15550200"' in begins.result_json
        unknown = await desk.execute("book", 3, agent="a", agent_version="of.another")
        assert '"summary":"new"' in unknown.result_json


async def test_a_tool_that_has_gone_is_refused_with_those_there_are_and_what_it_did_counts(tmp_path: Path) -> None:
    async with edited(tmp_path) as (desk, folder):
        done = await desk.execute("book", 1, agent="a")
        write(folder, TOOLS.format(name="reserve", says="new"))
        again = await desk.execute("book", 1, agent="a")
        assert again == done
        gone = await desk.execute("book", 2, agent="a")
        assert (gone.status, gone.message) == (
            STATUS.STATUS_REFUSED,
            "There is no tool 'book' here (now); there are: reserve.",
        )


@pytest.mark.parametrize(
    ("tools", "yaml", "told"),
    [
        ("def f(:\n", "", "tools.py, line 1: SyntaxError"),
        ("import nothing_like_it\n", "", "tools.py, line 1: ModuleNotFoundError"),
        (TOOLS.format(name="book", says="x").replace("context: CallContext", "day"), "", "tools.py, line 4: tool book"),
        ("", "tools: [book]\n", "agent.yaml: tools: book not found in tools.py; it has none"),
        (TOOLS.format(name="book", says="old"), "silence: {prompt_after_s: soon}\n", "silence.prompt_after_s"),
        (TOOLS.format(name="book", says="old"), "silence: [", "not valid YAML"),
    ],
)
async def test_a_broken_edit_keeps_the_last_good_one_and_says_what_is_wrong(
    tmp_path: Path, tools: str, yaml: str, told: str
) -> None:
    async with edited(tmp_path) as (desk, folder):
        good = await listed(desk)
        before = {what: EDITS.labels("a", what, "refused")._value.get() for what in ("tools", "settings")}
        write(folder, tools, YAML.format("+15550200") + yaml)
        with capture_logs() as logs:
            for _ in range(2):
                reply = await listed(desk)
                assert told in reply.problem
                reply.ClearField("problem")
                assert reply == good
        errors = [log["error"] for log in logs if log["log_level"] == "error"]
        assert len(errors) == 1
        assert told in errors[0]
        refused = {what: EDITS.labels("a", what, "refused")._value.get() - n for what, n in before.items()}
        assert sum(refused.values()) == 1
        done = await desk.execute("book", 1, agent="a", agent_version=good.agent_version)
        assert '"summary":"old","to":"+15550100"' in done.result_json
        write(folder, TOOLS.format(name="book", says="mended"))
        assert '"summary":"mended"' in (await desk.execute("book", 2, agent="a")).result_json
        assert not (await listed(desk)).problem


def test_a_broken_agent_that_never_was_good_is_an_error_until_it_is_mended(tmp_path: Path) -> None:
    write(tmp_path, "def f(:\n")
    boxes = Toolboxes(tmp_path)
    for _ in range(2):
        with pytest.raises(Misconfigured, match="line 1: SyntaxError"):
            boxes.tools("a")
    write(tmp_path, TOOLS.format(name="book", says="x"))
    assert list(boxes.tools("a")) == ["book"]


def test_so_many_versions_are_kept_and_no_more(tmp_path: Path) -> None:
    write(tmp_path, TOOLS.format(name="book0", says="x"))
    boxes = Toolboxes(tmp_path)
    versions = [boxes.now("a").agent.version]
    for n in range(1, KEPT + 2):
        write(tmp_path, TOOLS.format(name=f"book{n}", says="x"))
        versions.append(boxes.now("a").agent.version)
    has = [list(boxes.of("a", version).tools)[0] for version in versions]
    newest = f"book{KEPT + 1}"
    assert has == [newest, newest, *(f"book{n}" for n in range(2, KEPT + 2))]
