"""When a number is answered, and what becomes of a call outside of that: at the carrier's webhook and on the page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from pydantic import ValidationError

from parley.errors import BadInput, NotFound
from parley.published.hours import Hours
from parley.published.numbers import Numbers
from tests.gateway.conftest import House
from tests.gateway.webhook import ask_webhook, stream_of, way_back, words

GOODBYE = {"say": "We are closed. Goodbye."}


def hours(outside: dict[str, str] = GOODBYE, **more: Any) -> Hours:
    week = {"monday": [{"opens": "09:00", "closes": "13:30"}, {"opens": "15:00", "closes": "18:00"}]}
    return Hours.model_validate({"zone": "Europe/Madrid", "week": week, "outside": outside, **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("utc", "is_open"),
    [
        ("2026-11-30 07:59", False),  # a Monday; Madrid is an hour ahead
        ("2026-11-30 08:00", True),
        ("2026-11-30 12:30", False),
        ("2026-11-30 14:00", True),
        ("2026-11-30 16:59", True),
        ("2026-11-30 17:00", False),
        ("2026-12-01 09:00", False),
        ("2026-07-06 07:00", True),  # and two in summer
    ],
)
def test_open_by_the_clock_of_the_place(utc: str, is_open: bool) -> None:
    assert hours().is_open(at(utc)) is is_open


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    night = hours(
        zone="UTC",
        week={"friday": [{"opens": "22:00", "closes": "02:00"}], "sunday": [{"opens": "00:00", "closes": "24:00"}]},
    )
    assert [
        night.is_open(at(f"2026-12-{day} {clock}"))
        for day, clock in (("04", "23:59"), ("05", "01:59"), ("05", "02:00"))
    ] == [True, True, False]
    assert night.is_open(at("2026-12-06 23:59"))
    assert not night.is_open(at("2026-12-07 00:00"))


def test_a_holiday_counts_instead_of_its_weekday() -> None:
    its = hours(zone="UTC", holidays={"2026-11-30": [{"opens": "10:00", "closes": "11:00"}], "12-07": []})
    assert its.is_open(at("2026-11-30 10:30"))
    assert not its.is_open(at("2026-11-30 09:30"))
    assert not its.is_open(at("2026-12-07 10:00"))
    assert its.is_open(at("2026-12-14 10:00"))
    assert its.opens_next(at("2026-11-30 12:00")) == at("2026-12-14 09:00")
    assert its.opens_next(at("2026-12-14 10:00")) is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"zone": "Mars/Olympus"}, "Europe/Madrid or America/New_York"),
        ({"zone": "../../etc/passwd"}, "no time zone"),
        ({"week": {"mon": []}}, "monday to sunday"),
        ({"week": {"monday": [{"opens": "9", "closes": "18:00"}]}}, "such as 09:00"),
        ({"week": {"monday": [{"opens": "09:00", "closes": "09:00"}]}}, "00:00 to 24:00 is all day"),
        ({"holidays": {"2026-02-30": []}}, "no date"),
        ({"outside": {}}, "name what happens"),
        ({"outside": {"agent": "a", "say": "b"}}, "not both"),
        ({"outside": {"transfer": "911"}}, "pattern"),
        ({"outside": {"say": "x" * 501}}, "at most 500"),
    ],
)
def test_wrong_hours_are_refused_with_what_helps(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        hours(**wrong)


def test_the_table_keeps_hours_by_row() -> None:
    table = Numbers().set("+1555*", "shop").set("*", "desk").set("page", "bank").open_at("*", hours())
    assert [table.row_of(number) for number in ("+15551", "+442071234567", "sip:a@b.example", "page")] == [
        "+1555*",
        "*",
        "*",
        "page",
    ]
    assert table.outside("+15551", at("2026-12-01 09:00")) is None
    assert table.outside("+44207123", at("2026-12-01 09:00")) == hours().outside
    assert table.set("*", "shop").hours == table.hours
    assert not table.open_at("*", None).hours
    assert not table.remove("*").hours
    with pytest.raises(NotFound):
        table.open_at("+1777*", hours())
    with pytest.raises(BadInput, match="`page` for the page"):
        table.set("somebody", "desk")
    assert Numbers.model_validate_json(table.model_dump_json()) == table


@pytest.fixture
def table(house: House) -> House:
    """`desk` and `night` beside the default agent; a number for each thing that may happen. None of them is open."""
    folder: Path = house.gateway.settings.agents_dir
    for name in ("desk", "night"):
        (folder / name).mkdir()
        (folder / name / "agent.yaml").write_text("company: A\ngreeting: Hello.\nprompt: You are A.\n")
    numbers = Numbers()
    for number, outside in {
        "+1001": {"agent": "night"},
        "+1002": GOODBYE,
        "+1003": {"say": "One moment.", "transfer": "+15550100"},
        "+1004": {"agent": "gone"},
        "page": GOODBYE,
    }.items():
        numbers = numbers.set(number, "desk").open_at(number, hours(outside, week={}))
    house.gateway.editions._table.numbers = numbers
    return house


async def test_outside_its_hours_another_agent_answers(table: House) -> None:
    assert stream_of(await ask_webhook(table.url, To="+1001"))[1]["agent"] == "night"
    assert stream_of(await ask_webhook(table.url, To="+1004"))[1]["agent"] == "desk", "who is gone cannot"


async def test_or_a_sentence_and_goodbye_also_where_the_url_names_the_agent(table: House) -> None:
    for query in ("", "?agent=night"):
        twiml = await ask_webhook(table.url, query=query, To="+1002")
        assert words(twiml) == ["Say", "Hangup"]
        assert "We are closed. Goodbye." in twiml


async def test_or_the_caller_is_handed_on_and_told_when_nobody_answers(table: House) -> None:
    twiml = await ask_webhook(table.url, To="+1003")
    said, dial = ElementTree.fromstring(twiml)
    assert (said.text, dial.tag, dial.text) == ("One moment.", "Dial", "+15550100")
    query = f"?{dial.attrib['action'].partition('?')[2]}"
    assert words(await ask_webhook(table.url, query=query, To="+1003", DialCallStatus="no-answer")) == ["Say", "Hangup"]
    assert words(await ask_webhook(table.url, query=query, To="+1003", DialCallStatus="completed")) == ["Hangup"]


async def test_a_call_that_is_under_way_and_one_that_we_placed_go_on(table: House) -> None:
    numbers = table.gateway.editions.numbers
    table.gateway.editions._table.numbers = numbers.open_at("+1002", None)
    back = way_back(await ask_webhook(table.url, To="+1002"))
    table.gateway.editions._table.numbers = numbers
    assert stream_of(await ask_webhook(table.url, query=back, To="+1002"))[1]["agent"] == "desk"
    placed = await ask_webhook(table.url, Direction="outbound-api", From="+1002", To="+442071234567")
    assert stream_of(placed)[1]["agent"] == "desk"


async def test_the_page_has_a_row_of_its_own(table: House) -> None:
    async with httpx.AsyncClient(base_url=table.url) as client:
        closed = await client.get("/api/session")
        assert (closed.status_code, closed.json()) == (403, {"error": "We are closed. Goodbye.", "closed": True})
        assert (await client.get("/api/agent")).json()["agent"] == "desk"
        assert (await client.get("/api/session", params={"agent": "night"})).json()["agent"] == "night"
        numbers = table.gateway.editions.numbers
        table.gateway.editions._table.numbers = numbers.open_at("page", hours({"agent": "night"}, week={}))
        assert (await client.get("/api/session")).json()["agent"] == "night"
