"""`mcp:` in agent.yaml as it is read: what is wrong is told with field, remedy and line. And secrets, and schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parley.agents.files import agent_now
from parley.errors import Misconfigured
from parley.secrets import Secrets, hidden
from parley.v1 import tools_pb2
from services.orchestrator.run.prompt import tool_specs
from services.tools.foreign.arguments import SchemaArguments
from services.tools.foreign.json_schema import BadSchema, tamed
from services.tools.foreign.words import one_line
from services.tools.schema import BadArguments

HEAD = "company: A\ngreeting: Hello.\nprompt: You are A.\n"
GOOD = "mcp:\n  crm:\n    url: https://crm.example.com/mcp\n    tools: [find]\n"


def read(tmp_path: Path, text: str) -> Any:
    folder = tmp_path / str(abs(hash(text)))
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "agent.yaml").write_text(HEAD + text)
    return agent_now(folder, "a")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("url: https://crm.example.com/mcp", "uri: x", "crm.uri: there is no such field, did you mean url? (line 6)"),
        ("https", "file", "mcp.crm: url: must be an address such as https://"),
        ("crm.example", "me:pw@crm.example", "mcp.crm: url: holds a user or password; use auth"),
        ("    url", "    command: x\n    url", "mcp.crm: command: write either command (a program here) or url"),
        ("    url", "    args: [x]\n    url", "mcp.crm: args: args and env are for a command"),
        ("    tools: [find]\n", "", "mcp.crm.tools: Field required (line 5)"),
        ("[find]", "{find: {limit_s: 0}}", "mcp.crm.tools.find.limit_s: Input should be greater than 0"),
        ("[find]", "{find: {effect: true}}", "tools.find.effect: there is no such field, did you mean effects?"),
        ("[find]", "{find: {effects: false, consequential: true}}", "effects: a consequential tool has effects"),
        ("[find]", "[]", "mcp.crm.tools: Dictionary should have at least 1 item"),
        ("crm:", "C-R-M:", "mcp.C-R-M: String should match pattern"),
        ("    url", "    auth: {type: query, name: k, secret: S}\n    url", "a query parameter is not supported here"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert read(tmp_path, GOOD).mcp["crm"].tools.keys() == {"find"}
    with pytest.raises(Misconfigured) as error:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert words in str(error.value)


def test_servers_tools_are_offered_beside_the_own_ones_that_are_named(tmp_path: Path) -> None:
    agent = read(tmp_path, GOOD + "tools: [hours]\nfillers: {by_tool: {crm_find: [One moment.]}}\n")
    listed = [tools_pb2.ToolInfo(name=name) for name in ("hours", "orders", "crm_find", "erp_find")]
    assert [spec.name for spec in tool_specs(agent, listed)] == ["hours", "crm_find"]
    with pytest.raises(Misconfigured, match="erp_find is not among this agent's tools"):
        read(tmp_path, GOOD + "tools: [hours]\nfillers: {by_tool: {erp_find: [One moment.]}}\n")


def test_secrets_come_from_the_environment_or_a_file_and_are_told_by_name_only(tmp_path: Path) -> None:
    (tmp_path / "B").write_text("of the file\n")
    (tmp_path / "BIG").write_text("x" * 20_000)
    (tmp_path / "BAD").write_bytes(b"\xff")
    secrets = Secrets({"PARLEY_SECRET_A": "of the environment", "PARLEY_SECRET": "not one", "A": "nor this"}, tmp_path)
    assert (secrets.get("A"), secrets.get("B")) == ("of the environment", "of the file")
    assert secrets.missing(["A", "B", "C"]) == ["C"]
    for name, words in (("C", "set PARLEY_SECRET_C, or write it"), ("BIG", "more than"), ("BAD", "not UTF-8")):
        with pytest.raises(Misconfigured, match=f"secret {name}: .*{words}"):
            secrets.get(name)
    assert hidden("a b of the file", ["of the file", ""]) == "a b ***"


@pytest.mark.parametrize(
    ("schema", "given", "meant"),
    [
        ({"type": "integer"}, "7", 7),
        ({"type": "number"}, "7.5", 7.5),
        ({"type": "number"}, "nan", None),
        ({"type": "boolean"}, "Yes", True),
        ({"type": "string"}, 42, "42"),
        ({"type": ["integer", "null"]}, None, None),
        ({"enum": ["Small", "Large"]}, " large", "Large"),
        ({"type": "array", "items": {"type": "integer"}}, ["1", 2], [1, 2]),
        ({"type": "string", "format": "date"}, "2026-02-30", None),
        ({"type": "string", "maxLength": 2}, "abc", None),
    ],
)
def test_arguments_are_taken_as_models_write_them(schema: dict[str, Any], given: Any, meant: Any) -> None:
    arguments = SchemaArguments(tamed({"type": "object", "properties": {"x": schema}}))
    if meant is None and given is not None:
        with pytest.raises(BadArguments, match="argument x: "):
            arguments.check({"x": given})
    else:
        assert arguments.check({"x": given}) == {"x": meant}


def test_arguments_without_end_are_refused() -> None:
    deep: Any = {}
    for _ in range(100):
        deep = {"x": deep}
    with pytest.raises(BadArguments, match="nested deeper than 20 levels"):
        SchemaArguments({"type": "object"}).check(deep)


def test_a_schema_that_multiplies_is_refused_and_one_that_recurs_is_cut() -> None:
    doubling = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)}
    with pytest.raises(BadSchema, match="more than 400 parts"):
        tamed({"$ref": "#/$defs/a0", "$defs": {**doubling, "a40": {}}})
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}
    assert tamed(tree) == {
        "type": "object",
        "properties": {side: {"type": "object", "properties": {"left": {}, "right": {}}} for side in ("left", "right")},
    }
    for wrong in ({"$ref": "#/nowhere"}, {"$ref": "https://evil.example/x"}, ["no mapping"]):
        with pytest.raises(BadSchema):
            tamed(wrong)


def test_words_of_others_are_one_visible_line() -> None:
    assert one_line("a\n\n b\u200b\u202e\U000e0041c\x00\ufe0f  d", 20) == "a bc d"
    assert one_line("x" * 50, 10) == "xxxxxxx..."
