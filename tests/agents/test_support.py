"""The support line of Copperleaf, over gRPC: who wants the same thing at the same time, and what is shown meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.tools.service import ROOT, STATUS, Desk, serving, settings

EAST = ("41214", "41220", "41227")
"""Delivered to where one technician does everything."""
CALLS = itertools.count(100)


@pytest.fixture
async def support(tmp_path: Path) -> AsyncIterator[Desk]:
    async with serving(settings(tmp_path / "data", ROOT / "agents", "support")) as served:
        yield served


async def run(desk: Desk, name: str, call: str, intent: int = 1, confirmed: str = "", **arguments: Any) -> Any:
    return await desk.execute(name, intent, agent="support", call_id=call, arguments=arguments, confirmed=confirmed)


async def agreed(desk: Desk, name: str, call: str, **arguments: Any) -> Any:
    """Asked, and done on the yes."""
    asked = await run(desk, name, call, 1, **arguments)
    if asked.status != STATUS.STATUS_ASK:
        return asked
    return await run(desk, name, call, 2, asked.ask.digest, **arguments)


async def first_free(desk: Desk, order: str) -> dict[str, Any]:
    told = json.loads((await run(desk, "get_visit_times", f"CA{next(CALLS)}", order_number=order)).result_json)
    return {"day": told["free"][0]["weekday"], "window": told["free"][0]["window"]}


async def test_three_callers_want_the_same_technician_at_the_same_time(support: Desk) -> None:
    window = await first_free(support, EAST[0])
    asked = [await run(support, "schedule_technician", f"CA{n}", order_number=n, **window) for n in EAST]
    assert {each.status for each in asked} == {STATUS.STATUS_ASK}
    outcomes = await asyncio.gather(
        *(
            run(support, "schedule_technician", f"CA{n}", 2, one.ask.digest, order_number=n, **window)
            for n, one in zip(EAST, asked, strict=True)
        )
    )
    assert sorted(each.status for each in outcomes) == [STATUS.STATUS_OK, STATUS.STATUS_FAILED, STATUS.STATUS_FAILED]
    for each in outcomes:
        assert each.status == STATUS.STATUS_OK or "Nobody is free" in each.message
    assert await first_free(support, EAST[0]) != window


async def test_who_was_too_late_takes_another_window_and_moves_it(support: Desk) -> None:
    window = await first_free(support, EAST[0])
    taken = await agreed(support, "schedule_technician", "CA1", order_number=EAST[0], **window)
    assert taken.status == STATUS.STATUS_OK
    late = await agreed(support, "schedule_technician", "CA2", order_number=EAST[1], **window)
    assert (late.status, "Somebody could come" in late.message) == (STATUS.STATUS_FAILED, True)
    other = await first_free(support, EAST[1])
    assert (
        await agreed(support, "schedule_technician", "CA3", order_number=EAST[1], **other)
    ).status == STATUS.STATUS_OK
    third = await first_free(support, EAST[0])
    asked = await run(support, "schedule_technician", "CA4", order_number=EAST[0], **third)
    assert asked.ask.question.startswith("Shall I move your visit to")
    moved = await run(support, "schedule_technician", "CA4", 2, asked.ask.digest, order_number=EAST[0], **third)
    same = json.loads(moved.result_json)["confirmation"] == json.loads(taken.result_json)["confirmation"]
    assert (moved.status, same) == (STATUS.STATUS_OK, True)
    assert await first_free(support, EAST[2]) == window  # it is free again


async def test_ten_callers_refund_one_order_once(support: Desk) -> None:
    outcomes = await asyncio.gather(
        *(agreed(support, "initiate_refund", f"CA{n}", order_number="41223", reason="late") for n in range(10))
    )
    good = [each for each in outcomes if each.status == STATUS.STATUS_OK]
    assert len(good) == 1
    assert "Six hundred and forty nine dollars are on their way" in json.loads(good[0].result_json)["summary"]
    for each in outcomes:
        assert each is good[0] or "was refunded already" in each.message


async def test_the_same_intent_again_is_the_same_refund(support: Desk) -> None:
    asked = await run(support, "initiate_refund", "CA1", order_number="41204")
    twice = [await run(support, "initiate_refund", "CA1", 2, asked.ask.digest, order_number="41204") for _ in range(2)]
    assert twice[0] == twice[1]
    told = json.loads(twice[0].result_json)
    assert told["amount"] == "899.50"


async def test_a_yes_to_one_amount_is_none_to_another_order(support: Desk) -> None:
    asked = await run(support, "initiate_refund", "CA1", order_number="41206")
    other = await run(support, "initiate_refund", "CA1", 2, asked.ask.digest, order_number="41201")
    assert other.status == STATUS.STATUS_ASK


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("41208", "was refunded already"),
        ("41211", "within thirty days"),
        ("99999", "I can not find an order"),
        ("412", "exactly five digits"),
    ],
)
async def test_what_can_not_be_refunded_is_not_asked_about(support: Desk, order: str, words: str) -> None:
    outcome = await run(support, "initiate_refund", "CA1", order_number=order)
    assert (outcome.status, words in outcome.message) == (STATUS.STATUS_FAILED, True)


async def test_not_late_is_not_late(support: Desk) -> None:
    outcome = await run(support, "initiate_refund", "CA1", order_number="41201", reason="late")
    assert "is not late: it is on its way" in outcome.message


async def test_each_check_is_seen_on_the_page_and_two_are_told_on_the_way(support: Desk) -> None:
    events = await support.events("run_diagnostics", agent="support", arguments={"order_number": "41210"})
    shown = [json.loads(e.show.json)["steps"] for e in events if e.WhichOneof("event") == "show"]
    states = [[step["state"] for step in steps] for steps in shown]
    assert states[-1] == ["done", "done", "done", "failed", "done"]
    assert sum("running" in each for each in states) >= 3  # the page is told every quarter of a second at most
    told = [e.progress for e in events if e.WhichOneof("event") == "progress"]
    assert len(told) == 2
    outcome = events[-1].outcome
    assert json.loads(outcome.shows[0].json)["percent"] == 100
    assert json.loads(outcome.result_json)["offers"]["tool"] == "get_visit_times"


async def test_every_order_has_a_story_and_a_card(support: Desk) -> None:
    for number in range(41201, 41231):
        outcome = await run(support, "get_order_status", f"CA{number}", order_number=str(number))
        summary = json.loads(outcome.result_json)["summary"]
        assert summary[-1] in ".?"
        assert not re.search(r"[0-9]", re.sub(r", 20[0-9][0-9]\b", "", summary))  # but for the year of an old one
        assert [shown.name for shown in outcome.shows] == ["order"]


async def test_every_kind_of_appliance_has_its_five_checks(support: Desk) -> None:
    orders = ("41210", "41211", "41212", "41213", "41214", "41215", "41216")
    outcomes = await asyncio.gather(*(run(support, "run_diagnostics", f"CA{n}", order_number=n) for n in orders))
    for outcome in outcomes:
        assert len(json.loads(outcome.result_json)["checks"]) == 5
