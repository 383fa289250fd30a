"""What a script may say, and what is said to one that says something else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed.turns import script as s
from testbed.turns.parse import NotUnderstood, parse, read_all

README = Path(__file__).parents[2] / "testbed" / "turns" / "README.md"


def test_the_examples_of_the_page_are_scripts() -> None:
    blocks = re.findall(r"```\n(.*?)```", README.read_text("utf-8"), re.S)
    scripts = [script for block in blocks for script in parse(block)]
    assert len(scripts) == 5
    cough = scripts[0].story[1]
    assert cough.when == s.When("says", 0, "two sisters")
    assert cough.what == s.Noise("cough")
    assert [expect.kind for expect in cough.expects] == ["pauses", "goes on", "finishes"]
    number = scripts[2].story[0].what
    assert number == s.Words(((0, "my number is"), (700, "four two seven"), (900, "nine one")))


def test_the_table_of_the_page_is_what_the_model_says() -> None:
    page = README.read_text("utf-8")
    for row in s.DESK:
        assert row.words in page
        assert row.line in page, row.line


def test_every_script_of_this_folder_is_understood() -> None:
    assert read_all(Path(__file__).parent / "scripts") is not None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("caller says hello", "what happens?"),
        ("noise: thunder", "known are cough"),
        ('when bot sings: caller: "hello"', 'after "when" stands'),
        ("expect bot is happy", "known are: bot stops within"),
        ("line: noisy", "latency 80 ms"),
        ('caller: "one" 3 s "two"', "quotation marks"),
        ("late: thoughts 30 ms", "known events are starts"),
    ],
)
def test_a_line_that_says_nothing_known_is_named(line: str, complaint: str) -> None:
    story = 'caller: "hello"\nexpect bot says "hello"\n'
    with pytest.raises(NotUnderstood, match=re.escape(complaint)) as told:
        parse(f"call: a call\n{story if line.startswith('expect') else ''}{line}\n{story}", "some.call")
    assert str(told.value).startswith("some.call:")


def test_a_line_for_virtual_time_keeps_the_script_there() -> None:
    (script,) = parse('call: late\nlate: finals 600 ms\ncaller: "hello"\nexpect bot says "hello"')
    assert script.play == "virtual"
