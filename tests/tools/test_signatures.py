"""From a plain function to what a model is told, and back to checked arguments."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from parley.errors import Misconfigured, NotFound
from parley.tooling import tool
from services.tools.discovery import Toolboxes
from services.tools.schema import BadArguments, LoadedTool, load_tool
from tests.tools.service import AGENTS


@pytest.fixture
def describe() -> LoadedTool:
    return Toolboxes(AGENTS).tool("workshop", "describe")


def test_hints_and_docstring_become_a_schema(describe: LoadedTool) -> None:
    assert describe.description == "Say it all back. It is for tests."
    assert json.loads(describe.parameters_json) == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "What it is called."},
            "day": {"type": "string", "format": "date", "description": "When."},
            "size": {"type": "string", "enum": ["small", "Large"], "description": "How big."},
            "count": {"type": "integer", "description": "How many.", "default": 1},
            "price": {"type": "number"},
            "gift": {"type": "boolean", "default": False},
            "colors": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name", "day", "size"],
        "additionalProperties": False,
    }


def test_arguments_are_taken_as_callers_and_models_say_them(describe: LoadedTool) -> None:
    said = {"name": 1234, "day": "2026-11-21", "size": " LARGE", "count": "3", "colors": ["red"]}
    checked = describe.check(said)
    assert checked == {"name": "1234", "day": date(2026, 11, 21), "size": "Large", "count": 3, "colors": ["red"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"day": "someday"}, "argument day: input should be a valid date"),
        ({"day": None}, "argument day:"),
        ({"size": "huge"}, "argument size: input should be 'small' or 'Large'"),
        ({"count": "many"}, "argument count: input should be a valid integer"),
        ({"colors": "red"}, "argument colors: input should be a valid list"),
        ({"colors": [["red"]]}, "argument colors.0: input should be a valid string"),
        ({"wheels": 2}, "there is no argument wheels; known are name, day, size, count"),
    ],
)
def test_a_wrong_argument_is_named(describe: LoadedTool, change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadArguments) as raised:
        describe.check({"name": "bike", "day": "2026-11-21", "size": "small", **change})
    assert words in str(raised.value)


def test_a_missing_argument_is_named(describe: LoadedTool) -> None:
    with pytest.raises(BadArguments, match="argument size: field required"):
        describe.check({"name": "bike", "day": "2026-11-21"})


def untyped(a):  # type: ignore[no-untyped-def]
    """Does."""


def starred(*a: int) -> None:
    """Does."""


def positional(a: int, /) -> None:
    """Does."""


def odd(a: dict[str, int]) -> None:
    """Does."""


def wide(a: int | str) -> None:
    """Does."""


def silent(a: int) -> None: ...


def misdescribed(a: int) -> None:
    """Does.

    Args:
        b: What.
    """


def hidden(_a: int) -> None:
    """Does."""


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (untyped, "tool untyped, parameter a: needs a type hint"),
        (starred, "tool starred, parameter a: *args"),
        (positional, "tool positional, parameter a: *args, **kwargs and positional-only"),
        (odd, "tool odd, parameter a: type dict[str, int] is not supported; use str, int"),
        (wide, "tool wide, parameter a: type int | str is not supported"),
        (silent, "tool silent: needs a docstring"),
        (misdescribed, "tool misdescribed: the docstring describes b, which is no parameter"),
        (hidden, "tool hidden, parameter _a: choose a name"),
    ],
)
def test_a_bad_signature_is_said_clearly(function: Callable[..., Any], words: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        load_tool(tool(function), "agents/x/tools.py")
    line = function.__code__.co_firstlineno
    assert f"agents/x/tools.py, line {line}: {words}" in str(raised.value)


def test_a_time_limit_out_of_range_is_said_clearly() -> None:
    with pytest.raises(Misconfigured, match="limit_s must be above 0"):
        load_tool(tool(limit_s=0)(lambda: None), "tools.py")


def agent(folder: Path, tools: str, settings: str = "") -> Toolboxes:
    (folder / "a").mkdir(exist_ok=True)
    (folder / "a" / "agent.yaml").write_text(f"company: A\ngreeting: Hello.\nprompt: You are A.\n{settings}")
    (folder / "a" / "tools.py").write_text(tools)
    return Toolboxes(folder)


HEAD = "from parley.tooling import tool\n"
ONE = '@tool\ndef {}(a: int) -> str:\n    """Does."""\n    return "x"\n'


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    boxes = agent(tmp_path, HEAD + ONE.format("first"))
    before = boxes.tools("a")
    (tmp_path / "a" / "tools.py").touch()
    assert boxes.tools("a") is before
    (tmp_path / "a" / "tools.py").write_text(HEAD + ONE.format("second"))
    assert list(boxes.tools("a")) == ["second"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(:\n", "tools.py, line 1: SyntaxError"),
        ("import nothing_like_it\n", "tools.py, line 1: ModuleNotFoundError"),
        ("x = 1\nraise SystemExit(2)\n", "tools.py, line 2: SystemExit: 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, source: str, words: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        agent(tmp_path, source).tools("a")
    assert words in str(raised.value)


def test_the_agent_chooses_and_a_missing_choice_is_named(tmp_path: Path) -> None:
    both = HEAD + ONE.format("first") + ONE.format("second")
    assert list(agent(tmp_path, both, "tools: [second]\n").tools("a")) == ["second"]
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Misconfigured, match="agent.yaml: tools: third not found in tools.py; it has first, second"):
        agent(other, both, "tools: [third]\n").tools("a")
    with pytest.raises(
        Misconfigured, match=r"tools: frist not .* it has first, second; did you mean first\? \(line 6\)"
    ):
        agent(other, both, "tools:\n  - second\n  - frist\n").tools("a")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("@tool\ndef f() -> str:\n    return ''\n", "tools.py, line 2: tool f: needs a docstring"),
        (
            '@tool(consequential=True, confirm="Shall I {do} it?")\ndef f(a: int) -> None:\n    """Does."""\n',
            "tools.py, line 2: tool f: confirm: there is no parameter {do}",
        ),
        (
            '@tool(consequential=True, confirm="Say yes and I do it.")\ndef f() -> None:\n    """Does."""\n',
            "tools.py, line 2: tool f: confirm: 'yes' in it: a caller who says 'yes' to it could be its echo",
        ),
    ],
)
def test_what_is_wrong_with_a_tool_is_told_with_its_line(tmp_path: Path, source: str, words: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        agent(tmp_path, f"from parley.tooling import tool\n{source}").tools("a")
    assert words in str(raised.value)


def test_an_unknown_agent_or_tool_lists_the_known_ones(tmp_path: Path) -> None:
    boxes = agent(tmp_path, HEAD + ONE.format("first"))
    with pytest.raises(NotFound, match="known are a"):
        boxes.tools("../a")
    with pytest.raises(NotFound, match="agent a has no tool 'frst'; known are first"):
        boxes.tool("a", "frst")
    (tmp_path / "a" / "tools.py").unlink()
    assert boxes.tools("a") == {}
