"""What was expected beside what happened: everything that is wrong is told, with both."""

from __future__ import annotations

from typing import Any

import pytest

from parley.agents.conversations.conversation import Conversation
from testbed.eval.course import Course, Exchange, Ran, Shown
from testbed.eval.judging import failures
from testbed.eval.matching import is_said, is_value


def course() -> Course:
    """A call of two lines."""
    return Course(
        exchanges=[
            Exchange(said=["Hello, this is Rose."]),
            Exchange(
                caller="roses",
                said=["I have ordered 2 roses.", "That's $5."],
                fillers=["One moment."],
                ran=[
                    Ran("find", {"q": "rose"}, "ok"),
                    Ran("order", {"color": "red", "n": 2, "gift": None, "to": {"city": "Bath"}}, "ok", "done"),
                ],
                shown=[Shown("basket", {"items": 2})],
            ),
            Exchange(caller="bye", said=["Goodbye."], ran=[Ran("end_call", {}, "ok")]),
        ],
        outcome="ended",
        level=1,
    )


def told(**expected: Any) -> list[str]:
    """What is wrong; `turn`: of the first line, `first`: of the greeting, the rest: of the whole."""
    turns: list[Any] = [{"caller": "roses", **expected.pop("turn", {})}, "bye", *expected.pop("more", ())]
    if first := expected.pop("first", None):
        turns.insert(0, first)
    conversation = Conversation.model_validate({"name": "a", "turns": turns, "expect": expected})
    return [str(failure) for failure in failures(conversation, course())]


RIGHT: list[dict[str, Any]] = [
    {"first": {"says": "hello this is rose"}},
    {"turn": {"says": ["I have ordered", "/[0-9]+ roses/", "THAT'S"], "says_not": ["One moment", "white"]}},
    {"turn": {"tools": [{"order": {"color": "RED", "n": "2"}}, "find"]}},
    {"turn": {"tools": ["find", "order"], "in_order": True}},
    {"turn": {"tools": {"order": {"color": "any", "gift": None, "to": {"city": "/^ba/"}}}}},
    {"turn": {"tools": {"tool": "order", "status": "ok"}, "shown": ["basket", {"basket": {"items": 2}}]}},
    {"turn": {"forbidden": "end_call"}, "tools": ["order", "end_call"], "in_order": True},
    {"exactly": True, "tools": ["find", "order", "end_call"], "outcome": "ended", "level": 1, "max_turns": 2},
    {"slots": {"color": "red", "n": 2, "q": "/rose/"}},
]


@pytest.mark.parametrize("expected", RIGHT)
def test_what_is_as_expected(expected: dict[str, Any]) -> None:
    assert told(**expected) == []


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"first": {"says": "good morning"}}, 'the bot\'s first words: says "good morning": the bot said "Hello, this is'),
    (
        {"turn": {"says": "white roses"}},
        'turn 1 "roses": says "white roses": the bot said "I have ordered 2 roses. That\'s',
    ),
    ({"turn": {"says": "One moment"}}, 'says "One moment"'),
    ({"turn": {"says": "/^That/"}}, "says /^That/"),
    ({"turn": {"says_not": "ordered"}}, 'says_not "ordered": the bot said'),
    ({"says_not": "/good(bye| day)/"}, "says_not /good(bye| day)/"),
    (
        {"turn": {"tools": {"order": {"color": "white"}}}},
        "tools order with {'color': 'white'}: did not run; find(",
    ),
    ({"turn": {"tools": {"order": {"gift": "any"}}}}, "tools order with {'gift': 'any'}"),
    ({"turn": {"tools": {"order": {"n": None}}}}, "tools order"),
    ({"turn": {"tools": ["order", "order"]}}, "tools order: did not run"),
    ({"turn": {"tools": ["order", "find"], "in_order": True}}, "tools find: did not run after those before it"),
    ({"turn": {"tools": {"tool": "order", "status": "failed"}}}, "tools order (failed): did not run"),
    ({"turn": {"no_tools": True}}, "no_tools: find({'q': 'rose'}) ok, order("),
    ({"turn": {"forbidden": ["order"]}}, "forbidden: order("),
    ({"forbidden": ["end_call"]}, "forbidden: end_call({}) ok ran"),
    ({"turn": {"shown": {"basket": {"items": 3}}}}, "shown basket with {'items': 3}: the page was shown basket"),
    ({"exactly": True, "tools": ["find", "order"]}, "exactly: 2 tools are expected; find("),
    ({"slots": {"color": "white"}}, "slots color: expected 'white', understood 'red'"),
    ({"slots": {"day": "any"}}, "slots day: expected 'any', understood None"),
    ({"outcome": "transferred"}, "outcome: expected transferred, but the bot ended the call"),
    ({"level": 2}, "level: expected 2, it was 1 in the end"),
    ({"max_turns": 1}, "max_turns: expected at most 1 turns of the caller, there were 2"),
    ({"more": ["and lilies"]}, 'turn 3 "and lilies": never came to it: the bot ended the call after turn 2'),
]


@pytest.mark.parametrize(("expected", "why"), WRONG)
def test_what_is_not(expected: dict[str, Any], why: str) -> None:
    (only,) = told(**expected)
    assert why in only


def test_all_that_is_wrong_is_told_in_order() -> None:
    found = told(first={"says": "hi"}, turn={"says": "white", "no_tools": True}, outcome="open")
    assert [text.split(":")[0] for text in found] == [
        "the bot's first words",
        'turn 1 "roses"',
        'turn 1 "roses"',
        "outcome",
    ]


def test_words_heard_from_sound_may_lack_one_in_five() -> None:
    assert is_said("your order one two three four", "well, your order one two tree four is here", 0.8)
    assert not is_said("your order one two three four", "your order is one of the four", 0.8)
    assert not is_said("one two", "one", 0.8)
    assert not is_said("Rose", "prose")


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        (1, 1.0, True),
        ("1", 1, True),
        (True, True, True),
        (True, "true", False),
        ("any", False, True),
        ([1, "any"], [1, 2], True),
        ([1], [1, 2], False),
        ("  Red  rose", "red rose", True),
        ("re", "red", False),
        ("/re/", "red", True),
    ],
)
def test_values(wanted: Any, found: Any, same: bool) -> None:
    assert is_value(wanted, found) is same
