"""One call and its tools: outcomes, limits, garbage, parallel work."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from parley.errors import AlreadyExists, AtCapacity, BadInput, NotFound
from parley.tooling import Notice, Result
from services.tools.contract import MAX_JSON_BYTES
from services.tools.execution.threads import Threads
from services.tools.results import MAX_NOTICE_CHARS, MAX_SUMMARY_CHARS, fit, outcome_of
from tests.tools.conftest import Gate, Journal
from tests.tools.service import STATUS, Desk

DESCRIBED = {"name": "bike", "day": "2026-11-21", "size": "small"}


def counted(tool: str, status: str) -> float:
    return REGISTRY.get_sample_value("voice_tool_calls_total", {"tool": tool, "status": status}) or 0.0


async def test_an_answer_comes_back_as_json_with_a_summary(desk: Desk) -> None:
    before = counted("describe", "ok")
    outcome = await desk.execute("describe", arguments=DESCRIBED)
    assert outcome.status == STATUS.STATUS_OK
    assert json.loads(outcome.result_json) == {
        "seen": ["bike", "2026-11-21", "small", 1, None, False, None],
        "summary": "Said it all back.",
    }
    assert counted("describe", "ok") == before + 1


async def test_progress_comes_first_and_the_call_is_to_end_after_the_words(desk: Desk, journal: Journal) -> None:
    first, last = await desk.events("book_visit", 7, arguments={"journal": journal.path})
    assert first.progress.text == "I am looking at the calendar."
    assert last.outcome.hang_up.reason == "booked"
    assert journal.text() == "booked CA1/7\n"


async def test_who_asks_for_the_same_again_is_not_told_again_what_was_told(desk: Desk) -> None:
    assert [e.progress.text for e in await desk.events("chatty", 7) if e.HasField("progress")]
    (last,) = await desk.events("chatty", 7)
    assert last.outcome.status == STATUS.STATUS_OK


async def test_progress_without_end_is_bounded(desk: Desk) -> None:
    events = await desk.events("chatty")
    assert len(events) == 33
    assert events[-1].outcome.status == STATUS.STATUS_OK


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("out_of_stock", STATUS.STATUS_FAILED, "That saddle is sold out. Offer the brown one."),
        ("crash", STATUS.STATUS_FAILED, "not the caller's fault"),
        ("quit_process", STATUS.STATUS_FAILED, "not the caller's fault"),
        ("too_large", STATUS.STATUS_FAILED, "16384 are allowed: ask for less"),
        ("no_summary", STATUS.STATUS_FAILED, "summary, a sentence to be spoken, is missing"),
        ("read_address", STATUS.STATUS_REFUSED, "not proven who they are"),
    ],
)
async def test_a_tool_that_can_not(desk: Desk, name: str, status: Any, words: str) -> None:
    outcome = await desk.execute(name, level=1)
    assert outcome.status == status
    assert words in outcome.message
    assert "secret" not in outcome.message
    assert outcome.result_json == ""


async def test_a_known_caller_is_served(desk: Desk) -> None:
    outcome = await desk.execute("read_address", level=2)
    assert json.loads(outcome.result_json)["summary"] == "You live in Mill Street."


async def test_an_effect_that_crashes_halfway_is_unknown_and_not_tried_again(desk: Desk, journal: Journal) -> None:
    for _ in range(2):
        outcome = await desk.execute("crash_halfway", arguments={"journal": journal.path})
        assert outcome.status == STATUS.STATUS_UNKNOWN
        assert "secret" not in outcome.message
    assert journal.text() == "half\n"


async def test_an_effect_whose_result_is_too_large_was_still_done(desk: Desk) -> None:
    outcome = await desk.execute("too_large_effect")
    assert outcome.status == STATUS.STATUS_OK
    assert json.loads(outcome.result_json)["summary"] == "It is ordered."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("{not json", "not valid JSON"),
        ('["a"]', "not a JSON object"),
        ('{"name": "' + "x" * 20_000 + '"}', "16384 are allowed"),
        ("{}", "argument name: field required"),
        ({**DESCRIBED, "colour": "red"}, "there is no argument colour"),
        ({**DESCRIBED, "name": "\ud800"}, "JSON"),
        ({**DESCRIBED, "day": {"$gt": ""}}, "argument day"),
    ],
)
async def test_garbage_arguments_are_refused_with_the_argument_named(desk: Desk, arguments: Any, words: str) -> None:
    with capture_logs() as logs:
        outcome = await desk.execute("describe", arguments=arguments)
    assert outcome.status == STATUS.STATUS_REFUSED
    assert words in outcome.message
    (told,) = [line for line in logs if line["event"] == "a tool call is refused"]
    assert (told["agent"], told["tool"], told["call_id"], told["intent"]) == ("workshop", "describe", "CA1", 1)
    assert words in told["reason"]
    assert not any(value in str(logs) for value in ("bike", "2026-11-21", "$gt", "xxxx"))


async def test_a_refused_intent_may_be_tried_again_with_better_arguments(desk: Desk, journal: Journal) -> None:
    assert (await desk.execute("reserve_stand", arguments={})).status == STATUS.STATUS_REFUSED
    assert (await desk.execute("reserve_stand", arguments={"journal": journal.path})).status == STATUS.STATUS_OK


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"call_id": ""}, BadInput, "call_id: expected 1 to 200"),
        ({"call_id": "CA\0"}, BadInput, "call_id: expected"),
        ({"intent": 0}, BadInput, "intent: missing"),
        ({"caller": "1" * 501}, BadInput, "caller: 501 characters"),
        ({"agent": "../workshop"}, NotFound, "known are bank, workshop"),
    ],
)
async def test_a_wrong_request_is_an_error(desk: Desk, fields: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        await desk.events(**{"name": "out_of_stock", **fields})


async def test_a_lookup_that_takes_too_long_is_given_up(desk: Desk, journal: Journal, gate: Gate) -> None:
    asked = asyncio.create_task(desk.execute("ask_supplier", arguments={"journal": journal.path, "gate": gate.path}))
    await asyncio.to_thread(gate.arrived)
    outcome = await asked
    assert outcome.status == STATUS.STATUS_FAILED
    assert "too long" in outcome.message
    gate.open()


async def test_an_order_that_takes_too_long_is_unknown_until_it_ends(desk: Desk, journal: Journal, gate: Gate) -> None:
    arguments = {"journal": journal.path, "gate": gate.path}
    ordered = asyncio.create_task(desk.execute("order_part", 1, arguments=arguments))
    await asyncio.to_thread(gate.arrived)
    assert (await ordered).status == STATUS.STATUS_UNKNOWN
    assert (await desk.settle((1, 1)))[0].running
    asked_again = asyncio.create_task(desk.execute("order_part", 1, arguments=arguments))
    gate.open()
    assert json.loads((await asked_again).result_json)["summary"] == "The part is ordered."
    assert journal.text() == "ordered\n"


async def test_three_tools_of_one_turn_run_side_by_side(desk: Desk, journal: Journal, tmp_path: Path) -> None:
    gates = [Gate(tmp_path / f"gate{n}") for n in range(3)]
    tasks = [
        asyncio.create_task(desk.execute("book_visit", n, arguments={"journal": journal.path, "gate": gate.path}))
        for n, gate in enumerate(gates, start=1)
    ]
    for gate in gates:
        await asyncio.to_thread(gate.arrived)
    for gate in reversed(gates):
        gate.open()
    assert [outcome.status for outcome in await asyncio.gather(*tasks)] == [STATUS.STATUS_OK] * 3
    assert sorted(journal.text().split("\n")) == ["", "booked CA1/1", "booked CA1/2", "booked CA1/3"]


async def test_the_caller_breaks_in_and_the_booking_goes_on(desk: Desk, journal: Journal, gate: Gate) -> None:
    arguments = {"journal": journal.path, "gate": gate.path}
    stream = await desk.open("book_visit", 1, arguments=arguments)
    assert (await stream.read()).progress.text == "I am looking at the calendar."
    await asyncio.to_thread(gate.arrived)
    stream.cancel()
    assert [row.running for row in await desk.settle((1, 2))] == [True]
    told = asyncio.create_task(desk.execute("book_visit", 1, (1, 2), arguments=arguments))
    gate.open()
    assert (await told).status == STATUS.STATUS_OK
    assert journal.text() == "booked CA1/1\n"


async def test_the_caller_breaks_in_and_a_lookup_is_dropped(desk: Desk, journal: Journal, gate: Gate) -> None:
    stream = await desk.open("ask_supplier", 1, arguments={"journal": journal.path, "gate": gate.path})
    await asyncio.to_thread(gate.arrived)
    before = counted("ask_supplier", "failed")
    stream.cancel()
    await asyncio.sleep(0.5)  # past its time limit
    gate.open()
    assert counted("ask_supplier", "failed") == before
    outcome = await desk.execute("ask_supplier", 1, arguments={"journal": journal.path})
    assert outcome.status == STATUS.STATUS_OK


async def test_asked_twice_at_once_it_is_done_once(desk: Desk, journal: Journal, gate: Gate) -> None:
    arguments = {"journal": journal.path, "gate": gate.path}
    first = asyncio.create_task(desk.execute("book_visit", 1, arguments=arguments))
    second = asyncio.create_task(desk.execute("book_visit", 1, arguments=arguments))
    await asyncio.to_thread(gate.arrived)
    with pytest.raises(AlreadyExists, match="intent 1 of this call was used for another tool"):
        await desk.execute("book_visit", 1, arguments={"journal": journal.path})
    gate.open()
    assert await first == await second
    assert journal.text() == "booked CA1/1\n"


async def test_a_lookup_asked_twice_is_done_once(desk: Desk, journal: Journal) -> None:
    for _ in range(2):
        assert (await desk.execute("ask_supplier", arguments={"journal": journal.path})).status == STATUS.STATUS_OK
    assert journal.text() == "asked\n"


async def test_at_capacity_it_says_so(
    desk: Desk, journal: Journal, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.tools.execution.executor.MAX_RUNS", 1)
    arguments = {"journal": journal.path, "gate": gate.path}
    booked = asyncio.create_task(desk.execute("book_visit", 1, arguments=arguments))
    await asyncio.to_thread(gate.arrived)
    with pytest.raises(AtCapacity, match="1 tools are running here"):
        await desk.execute("out_of_stock", 2)
    monkeypatch.undo()
    assert (await desk.execute("out_of_stock", 2)).status == STATUS.STATUS_FAILED
    gate.open()
    assert (await booked).status == STATUS.STATUS_OK


async def test_threads_are_bounded_and_a_left_one_keeps_its_place() -> None:
    threads = Threads(1)
    go, seen = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def stuck() -> bool:
        loop.call_soon_threadsafe(seen.set)
        return go.wait(5)

    first = asyncio.create_task(threads.run(stuck))
    await seen.wait()
    first.cancel()
    second = asyncio.create_task(threads.run(lambda: "served"))
    await asyncio.wait({first})
    await asyncio.sleep(0.05)
    assert not second.done()
    go.set()
    assert await second == "served"


@pytest.mark.parametrize("char", "a字😀")
@pytest.mark.parametrize("more", [-1, 0, 1])
async def test_arguments_may_have_as_many_bytes_as_is_said(desk: Desk, char: str, more: int) -> None:
    frame, width = json.dumps({**DESCRIBED, "name": ""}), len(char.encode())
    room = MAX_JSON_BYTES + more - len(frame)
    name = char * (room // width) + "x" * (room % width)
    arguments = json.dumps({**DESCRIBED, "name": name}, ensure_ascii=False)
    assert len(arguments.encode()) == MAX_JSON_BYTES + more
    outcome = await desk.execute("describe", arguments=arguments)
    said = f"the arguments have {MAX_JSON_BYTES + more} bytes; {MAX_JSON_BYTES} are allowed"
    assert (outcome.message == said) == (more > 0)


@pytest.mark.parametrize("char", "a字😀")
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_words_of_a_tool_have_as_many_characters_as_is_said(char: str, more: int) -> None:
    said = char * (MAX_NOTICE_CHARS + more)
    outcome = outcome_of(Result({"summary": "Done."}, say=Notice(said)), "tool", effects=False)
    assert outcome.say.text == char * min(MAX_NOTICE_CHARS, len(said))
    too_large = Result({"summary": char * (MAX_SUMMARY_CHARS + more), "more": "x" * MAX_JSON_BYTES})
    kept = json.loads(outcome_of(too_large, "tool", effects=True).result_json)
    assert kept["summary"] == char * min(MAX_SUMMARY_CHARS, MAX_SUMMARY_CHARS + more)
    assert fit("ab\0c" + "👨\u200d👩\u200d👧", 6) == "abc"


@pytest.mark.parametrize(("level", "proven"), [(2, 2), (0, 0), (10, 0), (-1, 0)])
async def test_a_tool_that_checks_who_calls_gives_the_level_they_have_proven(
    desk: Desk, level: int, proven: int
) -> None:
    outcome = await desk.execute("check_identity", arguments={"pin": "1234", "level": level})
    assert (outcome.status, outcome.level) == (STATUS.STATUS_OK, proven)
