"""Conversations in text: the real mind and tools, in made-up time, each in a world of its own."""

from __future__ import annotations

import time

from tests.eval.conftest import Holds

MONDAY = "2026-03-02 11:00"


def wrong(found: object) -> str:
    return "\n".join(str(failure) for failure in found.failures)  # type: ignore[attr-defined]


def test_a_call_from_the_greeting_to_the_goodbye(holds: Holds) -> None:
    found = holds(
        caller_number="+15550100",
        turns=[
            {"says": "this is Rose"},
            {"caller": "i want roses", "says": "Which color", "no_tools": True},
            {
                "caller": "red",
                "tools": {"order_roses": {"color": "red"}},
                "says": ["red roses for +15550100", "number 1"],
            },
            {"caller": "goodbye", "says": "goodbye", "tools": "end_call"},
        ],
        expect={"exactly": True, "tools": ["order_roses", "end_call"], "slots": {"color": "RED"}, "outcome": "ended"},
    )
    assert found.passed, wrong(found)


def test_each_call_begins_with_nothing_sold(holds: Holds) -> None:
    for _ in range(2):
        assert holds(turns=[{"caller": "i want white roses", "says": "order number 1"}]).passed


def test_a_tool_that_fails_has_run_and_says_why(holds: Holds) -> None:
    found = holds(turns=[{"caller": "i want yellow roses", "tools": {"tool": "order_roses", "status": "failed"}}])
    assert found.passed, wrong(found)
    assert any("There are no yellow roses." in line for line in found.course.transcript())


def test_a_transfer_ends_it_and_what_the_caller_wanted_to_say_is_not_said(holds: Holds) -> None:
    found = holds(turns=["a person please", "hello?"], expect={"outcome": "transferred"})
    assert wrong(found) == (
        'turn 2 "hello?": never came to it: the bot transferred the caller to +15550100199 after turn 1'
    )


def test_minutes_of_waiting_take_no_time(holds: Holds) -> None:
    began = time.perf_counter()
    found = holds(
        at=MONDAY,
        turns=[
            {"caller": "how are the roses growing", "says": "since 11:00"},
            {"caller": "what time is it", "says": "Monday 11:04"},
            {"silent_s": 600, "says": ["Are you there?", "Goodbye then."]},
        ],
        expect={"outcome": "ended"},
    )
    assert found.passed, wrong(found)
    assert time.perf_counter() - began < 300


def test_time_stands_still_while_a_thread_works(holds: Holds) -> None:
    found = holds(
        at="2026-03-02 23:59:59.9",
        turns=[
            {"caller": "press the flowers", "says": "pressed"},
            {"caller": "what day is it", "says": "/Monday 23:59|Tuesday 00:00/"},
        ],
    )
    assert found.passed, wrong(found)
    assert not any(exchange.fillers for exchange in found.course.exchanges)


def test_it_is_when_and_where_the_script_says(holds: Holds) -> None:
    asked = {"caller": "what time is it"}
    for situation, told in (
        ({"at": MONDAY, "time_zone": "America/New_York"}, "Monday 11:00 in EST"),
        ({"at": "2026-07-06 23:30", "time_zone": "Europe/Madrid"}, "Monday 23:30 in CEST"),
        ({"at": "2026-03-02 11:00+01:00", "time_zone": "America/New_York"}, "Monday 05:00 in EST"),
    ):
        found = holds(**situation, turns=[{**asked, "says": told}])
        assert found.passed, wrong(found)


def test_what_needs_a_model_is_told_where_there_is_none(holds: Holds) -> None:
    found = holds(caller={"persona": "An old lady.", "goal": "Roses."})
    assert not found.passed
    assert not found.failures
    assert "need a language model, and the engine here is local; set a vendor's key" in found.error
