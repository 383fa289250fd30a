"""`parley agent`: a bot is made, is right from the start, and what is broken in it is told where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.agent import agent as command
from cli.agents.schema import schema
from parley.agents.files import _FILES, load_agent
from services.llm.contract import Passage
from services.llm.providers.local import Local
from services.tools.discovery import Toolboxes
from testbed.frontdesk import AGENTS
from testbed.rounds import settings
from testbed.talk import Talk, spec

run = CliRunner()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("PARLEY_AGENTS_DIR", str(tmp_path / "agents"))
    _FILES.clear()
    yield tmp_path / "agents"
    _FILES.clear()


def made(folder: Path) -> Path:
    assert run.invoke(command, ["new", "flower-shop", "--company", "Rose & Co."]).exit_code == 0
    return folder / "flower-shop"


def checked() -> tuple[int, list[str]]:
    _FILES.clear()
    result = run.invoke(command, ["check", "flower-shop"])
    return result.exit_code, [line.strip() for line in result.stdout.splitlines()]


def test_a_new_bot_is_whole_and_right(folder: Path) -> None:
    bot = made(folder)
    assert {str(path.relative_to(bot)) for path in bot.rglob("*") if path.is_file()} == {
        "agent.yaml",
        "tools.py",
        "wrapper.json",
        "knowledge/about.md",
        "conversations/hours.yaml",
    }
    code, lines = checked()
    assert code == 0
    assert len(lines) == 1, "no notes"
    assert lines[0].startswith("flower-shop: good: 2 tools, 1 files of knowledge, 2 conversations, version ")
    assert "Rose & Co." in load_agent(folder, "flower-shop").greeting
    assert "{" not in load_agent(folder, "flower-shop").greeting


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Flower", "small letters, digits and single hyphens"),
        ("a--b", "small letters"),
        ("../up", "small letters"),
        ("a" * 41, "at most 40"),
        ("flower-shop", "exists; choose another name"),
    ],
)
def test_a_name_that_is_none_or_is_taken(folder: Path, name: str, told: str) -> None:
    bot = made(folder)
    before = (bot / "agent.yaml").read_text()
    result = run.invoke(command, ["new", name])
    assert result.exit_code == 2
    assert told in result.stderr
    assert (bot / "agent.yaml").read_text() == before
    assert [path.name for path in folder.parent.iterdir()] == ["agents"]


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("agent.yaml", "language: en", "langage: en", "langage: there is no such field, did you mean language?"),
        ("agent.yaml", "max_delay_ms: 1600", "max_delay_ms: long", "endpointing.max_delay_ms: Input should be a valid"),
        ("agent.yaml", "tools: [get", "tools: [book_visit, get", "tools: book_visit not found in tools.py; it has"),
        ("agent.yaml", "tool: end_call", "tool: hang_up", "domain.intents.goodbye.tool: there is no tool hang_up"),
        ("agent.yaml", "[opening|] hours", "[opening| hours", "domain.intents.hours.phrases.1: phrase"),
        ("agent.yaml", "      about: our", "      needs: [day]\n      about: our", "needs: there is no slot day"),
        ("agent.yaml", "company: Rose", "company: [Rose", "not valid YAML"),
        ("tools.py", "def get_opening_hours() ->", "def get_opening_hours(day) ->", "day"),
        ("tools.py", "HOURS = ", "HOURS = nothing + ", "line 9: NameError"),
        ("wrapper.json", '"examples"', '"exampels"', "exampels: there is no such field, did you mean examples?"),
        ("wrapper.json", '"color": "#1f6f5c"', '"color": 3', "color: Input should be a valid string, not 3 (line 5)"),
        ("wrapper.json", '"language": "en",', '"language": "en"', "not valid JSON: Expecting ',' delimiter (line 7)"),
    ],
)
def test_what_is_broken_is_told_where_it_stands(folder: Path, file: str, old: str, new: str, told: str) -> None:
    path = made(folder) / file
    source = path.read_text()
    assert old in source
    path.write_text(source.replace(old, new, 1))
    code, lines = checked()
    assert code == 1
    assert any(told in line and file in line for line in lines), lines


def test_all_that_is_wrong_is_told_at_once_each_with_its_file(folder: Path) -> None:
    path = made(folder) / "agent.yaml"
    path.write_text(path.read_text().replace("language: en", "language: 3\nsilence: {prompts: 4}"))
    code, lines = checked()
    assert code == 1
    assert [line.partition(": ")[2] for line in lines[1:]] == [
        "language: Input should be a valid string, not 3 (line 4)",
        "silence.prompts: Input should be a list, as [a, b], not 4 (line 5)",
    ]


TOLD = """

@tool
def told(day: str, name: str, note: str = "") -> str:
    \"\"\"Tells.\"\"\"
    return day
"""


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ("[day]", "domain.intents.told.needs: leaves out name, without which tool told is refused; add it"),
        ("[day, name, nmae]", "domain.intents.told.needs: tool told has no argument nmae; it takes day, name, note"),
        ("[day, name]", ""),
        ("[day, name, note]", ""),
    ],
)
def test_what_an_intent_needs_is_what_its_tool_takes(folder: Path, needs: str, told: str) -> None:
    bot = made(folder)
    (bot / "tools.py").write_text((bot / "tools.py").read_text() + TOLD)
    slots = "".join(f"    {name}: {{ask: Which?}}\n" for name in ("day", "name", "note", "nmae"))
    intent = f"    told: {{phrases: [tell], tool: told, needs: {needs}}}\n"
    text = (bot / "agent.yaml").read_text().replace("tools: [", "tools: [told, ")
    (bot / "agent.yaml").write_text(text.replace("  intents:\n", f"  slots:\n{slots}  intents:\n{intent}"))
    code, lines = checked()
    assert code == (1 if told else 0), lines
    assert any(told in line for line in lines), lines


def test_a_specialist_s_tools_are_looked_for(folder: Path) -> None:
    bot = made(folder)
    path = bot / "agent.yaml"
    specialists = "specialists: {roses: {about: roses, prompt: Roses., tools: [wrap, end_call]}}\n"
    path.write_text(re.sub(r"(?m)^tools: .*\n", "", path.read_text()) + specialists)
    code, lines = checked()
    assert code == 1
    assert any("specialists.roses.tools: there is no tool wrap; known are" in line for line in lines), lines
    assert any("note: specialists.roses: no phrases, no examples" in line for line in lines), lines
    own = '\n\n@tool()\ndef hand_over() -> str:\n    """Gives."""\n    return \'x\'\n'
    (bot / "tools.py").write_text((bot / "tools.py").read_text() + own)
    assert any("hand_over: is the platform's own" in line for line in checked()[1])


def test_what_is_worth_knowing_is_no_error(folder: Path) -> None:
    bot = made(folder)
    (bot / "knowledge" / "about.md").unlink()
    (bot / "agent.yaml").write_text("company: Rose\nprompt: You sell roses.\ngreeting: Hello.\ntools: [end_call]\n")
    code, lines = checked()
    assert code == 0
    assert [line for line in lines[1:] if not line.startswith("note: ")] == []
    noted = ("get_opening_hours", "no knowledge/", "no domain", "names get_opening_hours, which is no tool")
    assert [words for words in noted if words not in " ".join(lines)] == []


def test_a_bot_that_nobody_knows(folder: Path) -> None:
    made(folder)
    result = run.invoke(command, ["check", "florist"])
    assert result.exit_code == 2
    assert "known are flower-shop" in result.stderr


def test_the_schema_takes_the_bots_that_there_are_and_names_the_fields(folder: Path) -> None:
    printed = json.loads(run.invoke(command, ["schema"]).stdout)
    assert printed == schema() == json.loads((AGENTS / "agent.schema.json").read_text())
    assert {"company", "prompt"} == set(printed["required"])
    assert not {"name", "version", "must_hear"} & printed["properties"].keys()
    assert printed["additionalProperties"] is False
    assert {"speed", "local"} <= printed["$defs"]["Voice"]["properties"].keys()


def test_the_schema_of_the_wrapper_names_each_kind_of_card(folder: Path) -> None:
    printed = json.loads(run.invoke(command, ["schema", "--wrapper"]).stdout)
    assert printed == json.loads((AGENTS / "wrapper.schema.json").read_text())
    assert {"$schema", "cards", "subtitles"} <= printed["properties"].keys()
    kinds = printed["properties"]["cards"]["items"]["discriminator"]["mapping"]
    assert list(kinds) == ["facts", "form", "link", "list", "meter", "progress"]
    made(folder)
    assert json.loads((folder / "wrapper.schema.json").read_text()) == printed


async def test_a_new_bot_answers_without_a_key(folder: Path, tmp_path: Path) -> None:
    """With the engine of this machine, its own tools, and a passage of its own knowledge."""
    bot = made(folder)
    tools = Toolboxes(folder).tools("flower-shop")
    address = "We are at twelve Market Street, next to the post office."
    assert address in (bot / "knowledge" / "about.md").read_text()
    chosen = settings(PARLEY_AGENTS_DIR=folder, PARLEY_AGENT="flower-shop", PARLEY_DATA_DIR=tmp_path / "data")
    engine = Local(chosen)
    talk = Talk(
        lambda: engine,
        "flower-shop",
        {"get_opening_hours": tools["get_opening_hours"].function, "end_call": lambda: {"summary": "Goodbye."}},
        (spec("get_opening_hours"), spec("end_call", "reason")),
        passages=(Passage(address, "about.md", 0.6),),
    )
    assert await talk.say("when are you open?") == "We are open from nine to five, Monday to Friday."
    assert await talk.say("where are you?") == address
    assert "Goodbye" in await talk.say("goodbye")
    assert [name for name, _ in talk.did] == ["get_opening_hours", "end_call"]


PHONE = 'phone: "+12125550100"'
IDENTITY = """
identity:
  collection: customers
  find_by: [caller, pin]
  factors:
    pin: {kind: digits, ask: What is your PIN?}
    born: {kind: date, field: birthday, ask: When were you born?}
"""


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (f'{{pin: "0421", birthday: 1980-03-03, {PHONE}}}', ""),
        (f'{{pin: "0421", born: 1980-03-03, {PHONE}}}', "identity.factors.born.field: no record of customers.yaml has"),
        ('{pin: "0421", birthday: 1980-03-03}', "identity.caller_field: no record of customers.yaml has a field phone"),
        (f"{{pin: 0421, birthday: 1980-03-03, {PHONE}}}", "C1.pin: a number loses its zeros; write it in quotes"),
        (f'{{pin: "0421", birthday: "3/3/80", {PHONE}}}', "C1.birthday: is no date, which factor born takes it for"),
        ('{pin: "0421", birthday: 1980-03-03, phone: 12125550100}', "C1.phone: a number loses its zeros; write it"),
    ],
)
def test_records_can_show_who_a_caller_is(folder: Path, record: str, told: str) -> None:
    bot = made(folder)
    (bot / "agent.yaml").write_text((bot / "agent.yaml").read_text() + IDENTITY)
    (bot / "data").mkdir()
    (bot / "data" / "customers.yaml").write_text(f"C1: {record}\n")
    code, lines = checked()
    assert code == bool(told)
    assert told in " ".join(lines)
    assert not any(secret in " ".join(lines[1:]) for secret in ("0421", "1980-03-03", "3/3/80", "2125550100"))


def test_without_records_nobody_is_known(folder: Path) -> None:
    bot = made(folder)
    (bot / "agent.yaml").write_text((bot / "agent.yaml").read_text() + IDENTITY)
    code, lines = checked()
    assert code == 0
    assert "nobody is known until a tool writes records; in data/ are: none" in " ".join(lines)
