"""The files of conversations: what may be written in short, and what is wrong in one is told where it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.agents.conversations_schema import schema
from parley.agents.conversations.files import conversations_of, read
from parley.errors import Misconfigured

AGENTS = Path(__file__).parents[2] / "agents"


def written(folder: Path, text: str, name: str = "calls.yaml") -> Path:
    path = folder / "conversations" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_what_callers_say_stays_what_they_say(tmp_path: Path) -> None:
    (found,) = read(
        written(
            tmp_path,
            """
caller_number: +15550100123
variables: {order: 0123, vip: no}
conversations:
  - name: short forms
    variables: {vip: yes}
    turns: [yes, no, 0123, 42, 2026-03-02, {caller: off, says: 12, tools: {order: {day: 2026-03-02, n: 2}}}]
""",
        )
    )
    assert [turn.caller for turn in found.turns] == ["yes", "no", "0123", "42", "2026-03-02", "off"]
    assert found.caller_number == "+15550100123"
    assert found.variables == {"order": "0123", "vip": "yes"}
    last = found.turns[-1]
    assert last.says == ("12",)
    assert last.tools[0].with_ == {"day": "2026-03-02", "n": 2}


def test_what_a_file_says_for_all_each_may_say_otherwise(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
at: 2026-03-02 11:00
time_zone: Europe/Madrid
conversations:
  - {name: a, turns: [hello]}
  - {name: b, at: 2026-03-07 09:30, turns: [hello]}
""",
    )
    assert [f"{each.at:%d %H:%M} {each.time_zone}" for each in read(path)] == [
        "02 11:00 Europe/Madrid",
        "07 09:30 Europe/Madrid",
    ]


ONE = "conversations:\n  - name: a\n    "
BROKEN = [
    ("conversations: []", "conversations: empty; write at least one"),
    ("- name: a", "expected a mapping with `conversations:` at the top"),
    ("conversations: [", "not valid YAML"),
    (ONE + "turn: [hi]", "conversations.0.turn: there is no such field, did you mean turns? (line 3)"),
    (ONE + "turns: []", "conversations.0: turns: write `turns`, or a `caller` with persona and goal"),
    (ONE + "turns: [{caller: hi, say: x}]", "turns.0.say: there is no such field, did you mean says? (line 3)"),
    (ONE + "turns: [hi, {says: x}]", "turns.1: the caller does nothing; write caller, keys or silent_s"),
    (ONE + "turns: [{caller: hi, keys: 12}]", "a turn has one of caller, keys, silent_s"),
    (ONE + "turns: [{keys: 12a}]", "turns.0.keys: String should match pattern"),
    (ONE + "turns: [{caller: hi, says: /(/}]", "/(/ is not a regular expression: missing ), unterminated"),
    (ONE + "turns: [{caller: hi, tools: {tool: x, wth: {}}}]", "wth: there is no such field, did you mean with?"),
    (ONE + "turns: [{caller: hi, tools: x, no_tools: true}]", "no_tools: contradicts `tools` beside it"),
    (ONE + "turns: [{caller: hi, tools: x, forbidden: x}]", "forbidden: x is expected by `tools` beside it"),
    (ONE + "turns: [hi]\n    at: tomorrow", "conversations.0.at: Input should be a valid datetime"),
    (
        ONE + "turns: [hi]\n    time_zone: Bath",
        "'Bath' is not a time zone; write one such as America/New_York (line",
    ),
    (ONE + "turns: [hi]\n    expect: {outcome: hung up}", "expect.outcome: Input should be 'ended', 'transferred'"),
    (ONE + "turns: [hi]\n    caller: {persona: x, goal: y}", "or a `caller` with persona and goal; one of them"),
    (ONE + "caller: {persona: x}", "caller.goal: Field required"),
]


@pytest.mark.parametrize(("text", "told"), BROKEN)
def test_what_is_wrong_is_told_with_its_field_and_line(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(Misconfigured) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert told in str(caught.value)


def test_a_name_is_given_once_in_all_files(tmp_path: Path) -> None:
    written(tmp_path, ONE + "turns: [hi]", "a.yaml")
    written(tmp_path, ONE + "turns: [hi]", "b.yaml")
    with pytest.raises(Misconfigured, match=r"b.yaml: two conversations are called 'a', the other is in a.yaml"):
        conversations_of(tmp_path)


def test_an_agent_without_any_has_none(tmp_path: Path) -> None:
    assert conversations_of(tmp_path) == {}


def test_the_schema_is_what_the_code_says() -> None:
    assert json.loads((AGENTS / "conversations.schema.json").read_text()) == schema()
