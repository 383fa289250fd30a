"""The front desk's appointments, queue, accounts and feedback on real records, SQLite's and PostgreSQL's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from parley.agents.files import load_agent
from parley.tooling import CallContext, Question, Result, ToolError, marks_of
from services.tools.database import open_database
from services.tools.discovery import Toolboxes
from services.tools.records.agent_records import AgentRecords
from services.tools.records.seeds import load_seeds
from services.tools.records.store import RecordStore
from tests.databases import POSTGRES, fresh_database, server  # noqa: F401 - the fixture
from tests.tools.service import ROOT

AGENTS = ROOT / "agents"
BOX = Toolboxes(AGENTS).now("frontdesk")
MONDAY = "2026-03-02T11:00-07:00"  # at the shop; on Tuesday at eleven and half past two somebody is expected


@dataclass
class Line:
    """A caller: what their tools are given, and what comes of it."""

    store: RecordStore
    call: str = "CA1"
    intents: int = 0
    context: CallContext = CallContext("", "", "frontdesk", "", "+15550100199", datetime.fromisoformat(MONDAY), None)  # type: ignore[arg-type]

    def at(self, now: str) -> Line:
        return replace(self, context=replace(self.context, now=datetime.fromisoformat(now)))

    async def asks(self, tool: str, /, **arguments: Any) -> Question:
        """What would be read back. Raises ToolError."""
        function = BOX.tools[tool].function
        marks = marks_of(function)
        assert marks is not None
        assert callable(marks.confirm)
        wanted = {"zone": "shop", "day": "", "at": "", "confirmation_number": "", **arguments, "context": self._given()}
        code = marks.confirm.__code__
        question = await marks.confirm(**{n: wanted[n] for n in code.co_varnames[: code.co_argcount]})
        assert isinstance(question, Question)
        return question

    async def does(self, tool: str, /, again: bool = False, **arguments: Any) -> Result:
        """The result. `again`: under the intent of the last time. Raises ToolError."""
        self.intents += not again
        result = await BOX.tools[tool].function(**arguments, context=self._given())
        return result if isinstance(result, Result) else Result({"summary": result})

    async def agrees(self, tool: str, /, **arguments: Any) -> Result:
        question = await self.asks(tool, **arguments)
        return await self.does(tool, **{**arguments, **question.arguments})

    async def said(self, tool: str, /, **arguments: Any) -> str:
        return str((await self.agrees(tool, **arguments)).value["summary"])

    def _given(self) -> CallContext:
        key = f"{self.call}/{self.intents}"
        records = AgentRecords(self.store, "frontdesk", key)
        return replace(self.context, call_id=self.call, idempotency_key=key, records=records)


@pytest.fixture(params=["sqlite", POSTGRES])
async def replicas(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[RecordStore]]:
    """The shop's records, as two replicas of the tools service see them; of SQLite there is one."""
    async with AsyncExitStack() as stack:
        url, stores = "", []
        if request.param == "postgres":
            url = await stack.enter_async_context(
                fresh_database(request.getfixturevalue("server"), request.node.nodeid)
            )
        for n in range(2 if url else 1):
            stores.append(RecordStore(await open_database(url, tmp_path / str(n))))
            stack.push_async_callback(stores[-1].database.close)
        await load_seeds(stores[0], AGENTS, load_agent(AGENTS, "frontdesk"))
        yield stores


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    store = RecordStore(await open_database("", tmp_path / "data"))
    await load_seeds(store, AGENTS, load_agent(AGENTS, "frontdesk"))
    yield Line(store)
    await store.database.close()


BOOKING: dict[str, Any] = {"service": "tune up", "day": "tuesday", "at": "12:00", "name": "Ann"}


async def test_ten_callers_at_once_cannot_get_the_same_time(replicas: list[RecordStore]) -> None:
    callers = [Line(replicas[n % len(replicas)], f"CA{n}") for n in range(10)]
    asked = [await caller.asks("schedule_appointment", **BOOKING) for caller in callers]
    assert {question.text for question in asked} == {"Shall I book a tune up for Ann on Tuesday, March third at noon?"}
    done = await asyncio.gather(
        *(
            caller.does("schedule_appointment", **{**BOOKING, **question.arguments})
            for caller, question in zip(callers, asked, strict=True)
        ),
        return_exceptions=True,
    )
    booked = [each for each in done if isinstance(each, Result)]
    told = {str(each) for each in done if isinstance(each, ToolError)}
    assert (len(booked), len(done) - len(booked)) == (1, 9)
    assert all(words.startswith("I am sorry, noon is taken. Free are Tuesday at half past eleven") for words in told)


async def test_callers_who_move_to_one_time_and_one_who_books_it(replicas: list[RecordStore]) -> None:
    first, other, third = (Line(replicas[n % len(replicas)], f"CA{n}") for n in range(3))
    wanted: dict[str, Any] = {"day": "2026-03-05", "at": "16:00"}
    done = await asyncio.gather(
        first.does("reschedule_appointment", confirmation_number="482190", **wanted),
        other.does("reschedule_appointment", confirmation_number="517306", **wanted),
        third.does("schedule_appointment", **{**BOOKING, **wanted}),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["Result", "ToolError", "ToolError"]


async def test_an_intent_that_is_done_again_is_one_appointment(line: Line) -> None:
    first = await line.agrees("schedule_appointment", **BOOKING)
    again = await line.does("schedule_appointment", again=True, **{**BOOKING, "day": "2026-03-03"})
    assert again.value == first.value
    with pytest.raises(ToolError, match="noon is taken"):
        await line.does("schedule_appointment", **{**BOOKING, "day": "2026-03-03"})


async def test_a_number_is_found_again_as_it_is_spoken(line: Line) -> None:
    result = await line.agrees("schedule_appointment", **BOOKING)
    number = result.value["confirmation_number"]
    assert len(number) == 6
    spoken = result.value["summary"].partition("number is ")[2].removesuffix(".")
    for said in (spoken, f"{number[:3]} {number[3:]}", f"#{number}", "-".join(number)):
        question = await line.asks("cancel_appointment", confirmation_number=said)
        assert question.text == "Shall I cancel the tune up on Tuesday, March third at noon?"
        assert question.arguments == {"confirmation_number": number}


async def test_tomorrow_is_the_day_that_was_read_back_also_after_midnight(line: Line) -> None:
    late = line.at("2026-03-02T23:59-07:00")
    question = await late.asks("schedule_appointment", **{**BOOKING, "day": "tomorrow"})
    assert "on Tuesday, March third at noon" in question.text
    after = late.at("2026-03-03T00:01-07:00")
    result = await after.does("schedule_appointment", **{**BOOKING, **question.arguments})
    assert result.value["start"] == "2026-03-03T12:00:00-07:00"


async def test_what_is_taken_is_offered_otherwise(line: Line) -> None:
    question = await line.asks("schedule_appointment", **{**BOOKING, "at": "11:00"})
    assert question.text == (
        "I am sorry, eleven in the morning is taken. Free are Tuesday at half past ten in the morning, Tuesday at half "
        "past eleven in the morning and Wednesday at eleven in the morning. Shall I book a tune up for Ann "
        "on Tuesday, March third at half past ten in the morning?"
    )
    assert (question.arguments["day"], question.arguments["at"]) == ("2026-03-03", "10:30")


async def test_a_time_of_another_zone_is_kept_as_the_caller_says_it(line: Line) -> None:
    theirs = {**BOOKING, "day": "friday", "at": "15:00", "zone": "eastern"}
    question = await line.asks("schedule_appointment", **theirs)
    assert "at one in the afternoon, which is three in the afternoon eastern time?" in question.text
    result = await line.does("schedule_appointment", **{**theirs, **question.arguments})
    assert result.value["start"] == "2026-03-06T13:00:00-07:00"
    with pytest.raises(ToolError, match="Which time zone are you in"):
        await line.asks("schedule_appointment", **{**theirs, "zone": "my time"})


async def test_the_machine_s_zone_does_not_matter(line: Line) -> None:
    abroad = line.at("2026-03-03T03:00+09:00")  # Tuesday in Tokyo, Monday at the shop
    assert "on Tuesday, March third at noon" in (await abroad.asks("schedule_appointment", **BOOKING)).text
    hours = await BOX.tools["get_business_hours"].function(context=abroad._given(), day="today")
    assert hours["summary"] == "We are closed on Monday."


async def test_booked_in_winter_for_summer_it_is_the_shop_s_noon(line: Line) -> None:
    result = await line.agrees("schedule_appointment", **{**BOOKING, "day": "March tenth"})
    assert result.value["start"] == "2026-03-10T12:00:00-06:00"
    number = result.value["confirmation_number"]
    assert "at noon" in (await line.asks("cancel_appointment", confirmation_number=number)).text


async def test_cancelled_once_and_its_time_is_free(line: Line) -> None:
    assert await line.said("cancel_appointment", confirmation_number="482190") == (
        "Your appointment on Tuesday, March third at eleven in the morning is cancelled."
    )
    with pytest.raises(ToolError, match="cancelled already"):
        await line.asks("cancel_appointment", confirmation_number="482190")
    assert (await line.asks("schedule_appointment", **{**BOOKING, "at": "11:00"})).text.startswith("Shall I book")


async def test_moved_it_keeps_its_number_and_leaves_its_time(line: Line) -> None:
    question = await line.asks("reschedule_appointment", confirmation_number="482190", at="half past eleven")
    assert question.text == (
        "Shall I move the tune up from Tuesday, March third at eleven in the morning to Tuesday, March third at half "
        "past eleven in the morning?"
    )
    assert (await line.does("reschedule_appointment", **question.arguments)).value["confirmation_number"] == "482190"
    assert not (await line.asks("schedule_appointment", **{**BOOKING, "at": "11:00"})).text.startswith("I am sorry")
    assert "taken" in (await line.asks("schedule_appointment", **{**BOOKING, "at": "11:30"})).text


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("", "I need the confirmation number"),
        ("12", "can not find an appointment one two"),
        ("999999", "can not find an appointment nine nine"),
        ("356921", "cancelled already"),
    ],
)
async def test_numbers_that_lead_nowhere(line: Line, number: str, words: str) -> None:
    for name in ("cancel_appointment", "reschedule_appointment"):
        with pytest.raises(ToolError, match=words):
            await line.asks(name, confirmation_number=number)


async def test_what_is_over_is_not_changed(line: Line) -> None:
    await line.agrees("schedule_appointment", **BOOKING)
    records = AgentRecords(line.store, "frontdesk", "")
    (number,) = await records.find("appointments", month="2026-03")
    with pytest.raises(ToolError, match="is over"):
        await line.at("2026-03-03T12:01-07:00").asks("cancel_appointment", confirmation_number=number)


async def test_an_account_is_for_who_has_proven_to_be_its_owner(line: Line) -> None:
    assert BOX.tools["look_up_account"].marks.level == 1
    assert "verify_customer" in BOX.tools
    known = replace(line, context=replace(line.context, customer="A1", level=1))
    told = await known.does("look_up_account")
    assert told.value["summary"] == (
        "Your account was opened in 2019 and has 340 points. Your orders are one two three four and one two four five. "
        "Your next appointment is on Tuesday, March third at eleven in the morning."
    )
    assert "Maria" not in str(told.value)
    question = await known.asks("cancel_appointment")
    assert question.arguments == {"confirmation_number": "482190"}, "the owner need not know its number"
    with pytest.raises(ToolError):
        await line.does("look_up_account")


async def test_the_line_grows_and_shrinks(line: Line) -> None:
    async def joins(call: str, now: str) -> tuple[int, int]:
        value = (await replace(line, call=call).at(now).does("transfer_to_human")).value
        return value["place_in_line"], value["minutes"]

    assert [await joins(f"CA{n}", "2026-03-03T12:00+00:00") for n in range(5)] == [
        (0, 0), (0, 0), (1, 4), (2, 4), (3, 8),
    ]  # fmt: skip
    assert await joins("CA4", "2026-03-03T12:00+00:00") == (3, 8), "who is connected again keeps the place"
    assert await joins("CA5", "2026-03-03T12:05+00:00") == (2, 3)
    assert await joins("CA6", "2026-03-03T13:00+00:00") == (0, 0)
    waits = await replace(line, call="CA9").at("2026-03-03T12:00+00:00").does("transfer_to_human")
    assert waits.value["summary"].startswith("I am connecting you to a colleague now.")


async def test_feedback_is_written_down_once(line: Line) -> None:
    for again in (False, True):
        told = await line.does("collect_feedback", again=again, score=5, words="friendly")
        assert told.value["summary"] == "Thank you, I have written that down."
    records = AgentRecords(line.store, "frontdesk", "")
    (row,) = (await records.all("feedback")).values()
    assert (row["score"], row["words"]) == (5, "friendly")
    for score in (0, 6):
        with pytest.raises(ToolError, match="from one, very bad, to five"):
            await line.does("collect_feedback", score=score)
