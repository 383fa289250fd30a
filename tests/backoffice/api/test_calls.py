"""Calls on record: found, told a page at a time, exported; what each role sees of them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from services.backoffice.api.calls import export
from services.backoffice.api.statistics import figures
from tests.backoffice.api.conftest import Desk


def ids(told: Any) -> list[str]:
    return [each["call_id"] for each in told["items"]]


async def test_the_newest_call_comes_first_and_pages_follow_each_other(desk: Desk) -> None:
    first = await desk.get("/api/call-logs", limit=2)
    assert ids(first) == ["CA3", "CA2"]
    last = await desk.get("/api/call-logs", limit=2, cursor=first["next"])
    assert (ids(last), last["next"]) == (["CA1"], None)
    refused = await desk.get("/api/call-logs", status=422, cursor=first["next"], agent="desk")
    assert refused["field"] == "query.cursor"
    row = last["items"][0]
    assert (row["agent"], row["turns"], row["tools"], row["ended_by"]) == ("desk", 1, 1, "caller")
    assert row["started_at"].endswith("Z")
    assert first["items"][0]["ended_at"] is None


async def test_calls_are_found_by_what_is_known_of_them(desk: Desk) -> None:
    searches: list[tuple[dict[str, Any], list[str]]] = [
        ({"agent": "desk"}, ["CA3", "CA1"]),
        ({"words": "table four"}, ["CA1"]),
        ({"min_interruptions": 0, "agent": "bank"}, ["CA2"]),
        ({"min_interruptions": 1}, ["CA1"]),
        ({"tool": "book_table"}, ["CA1"]),
        ({"tool_failed": "true"}, []),
        ({"up": "true"}, ["CA3"]),
        ({"called": "+15550199998"}, ["CA2"]),
        ({"q": "agent:bank turns > 0"}, ["CA2"]),
        ({"min_seconds": 100000}, []),
        ({"emotion": "angry"}, []),
        ({"from": "2027-01-01"}, []),
        ({"outcome": "resolved"}, []),
    ]
    for search, found in searches:
        assert ids(await desk.get("/api/call-logs", **search)) == found, search


async def test_numbers_are_for_supervisors(desk: Desk) -> None:
    assert {each["caller"] for each in (await desk.get("/api/call-logs"))["items"]} == {"***42", "***43", "***44"}
    searches: list[dict[str, Any]] = [{"number": "+15550100142"}, {"q": "+15550100142"}]
    for search in searches:
        refused = await desk.get("/api/call-logs", status=403, **search)
        assert refused["field"] == f"query.{next(iter(search))}"
        assert ids(await desk.get("/api/call-logs", "supervisor", **search)) == ["CA1"]
    assert ids(await desk.get("/api/call-logs", "supervisor", number="0143")) == ["CA2"]
    shown = await desk.get("/api/call-logs", "supervisor")
    assert shown["items"][0]["caller"] == "+15550100144"


async def test_a_filter_that_nobody_knows_or_that_cannot_be_is_named(desk: Desk) -> None:
    assert (await desk.get("/api/call-logs", status=422, agnet="x"))["field"] == "query.agnet"
    yesterday: dict[str, Any] = {"from": "yesterday"}
    assert (await desk.get("/api/call-logs", status=422, **yesterday))["field"] == "query.from"
    assert (await desk.get("/api/call-logs", status=422, agent="a\0"))["field"] == "query.agent"
    assert (await desk.get("/api/call-logs", status=422, q="shouted > 3"))["field"] == "q"


async def test_a_call_is_told_whole(desk: Desk) -> None:
    call = await desk.get("/api/calls/CA1")
    assert [(line["who"], line["text"]) for line in call["transcript"]] == [
        ("bot", "Hello, how can I help?"),
        ("caller", "a table for four"),
        ("bot", "Certainly, it is booked."),
    ]
    (turn,) = call["turn_list"]
    assert turn["question"] == "a table for four"
    assert turn["stages"]["first_sound"] is not None
    assert [tool["name"] for tool in call["tool_list"]] == ["book_table"]
    assert {cost["vendor"] for cost in call["costs"]} >= {"openai"}
    assert call["events"] > 0
    cut = await desk.get("/api/calls/CA2")
    assert cut["transcript"][0]["heard"] == 5
    assert "4111" not in str(cut)
    assert (await desk.get("/api/calls/CA9", status=404))["type"].endswith("/not-found")
    await desk.get("/api/calls/CA1", "viewer")
    await desk.get("/api/calls/CA1/events", "viewer")
    looks = await desk.parts.audit.page(kind="call.looked_at")
    assert len(looks) == len({(each.who, each.subject) for each in looks}), "once an hour, by whom and which"
    assert {each.subject for each in looks} == {"CA1", "CA2"}


async def test_what_came_into_a_call_is_told_without_personal_data(desk: Desk) -> None:
    first = await desk.get("/api/calls/CA2/events", limit=3)
    assert first["items"][0]["kind"] == "opened"
    kinds, cursor = [each["kind"] for each in first["items"]], first["next"]
    while cursor:
        page = await desk.get("/api/calls/CA2/events", limit=3, cursor=cursor)
        kinds, cursor = kinds + [each["kind"] for each in page["items"]], page["next"]
        assert "4111" not in str(page)
        assert "5550100143" not in str(page)
    assert "final" in kinds
    assert (await desk.get("/api/calls/CA1/events", status=422, cursor=first["next"]))["field"] == "query.cursor"


async def test_a_replay_that_nobody_can_make_says_why(desk: Desk) -> None:
    told = await desk.get("/api/calls/CA1/replay")
    assert told["verdict"] == "unknown"
    assert told["why"].startswith("no orchestrator could be asked")


async def test_the_list_goes_into_a_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE", 2)
    client = await desk.as_("viewer")
    answer = await client.get("/api/call-logs/export")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "x-parley-truncated" not in answer.headers
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["call_id"] for row in rows] == ["CA3", "CA2", "CA1"]
    assert rows[0]["caller"] == "***44"
    assert rows[0]["called"].startswith("'+"), "no formula for a spreadsheet"
    told = (await client.get("/api/call-logs/export", params={"format": "json", "agent": "desk"})).json()
    assert [each["call_id"] for each in told] == ["CA3", "CA1"]
    assert (await client.get("/api/call-logs/export", params={"format": "json", "agent": "nobody"})).json() == []
    monkeypatch.setattr(export, "MOST", 2)
    short = await client.get("/api/call-logs/export")
    assert (short.headers["x-parley-truncated"], len(short.text.splitlines())) == ("true", 3)


async def test_statistics_by_day_hour_agent_and_number(desk: Desk) -> None:
    span: dict[str, Any] = {"from": "2026-05-28", "to": "2026-06-03"}
    days = await desk.get("/api/stats", **span)
    assert days["totals"]["calls"] == 3
    assert [row["calls"] for row in days["rows"]] == [2, 1]
    assert days["totals"]["answer_ms"]["p50"] is not None
    assert {stage["stage"] for stage in days["stages"]} == {"ears", "first_token", "first_sound", "heard", "over"}
    hours = await desk.get("/api/stats", by="hour", **span)
    assert len(hours["rows"]) == 3
    agents = await desk.get("/api/stats", by="agent", **span)
    assert [(row["key"], row["calls"]) for row in agents["rows"]] == [("desk", 2), ("bank", 1)]
    assert agents["totals"]["containment"] == 1.0
    numbers = await desk.get("/api/stats", by="number", agent="bank", **span)
    assert [row["key"] for row in numbers["rows"]] == ["+15550199998"]
    none = await desk.get("/api/stats")
    assert (none["totals"]["calls"], none["totals"]["containment"], none["rows"]) == (0, None, [])
    assert (await desk.get("/api/stats", status=422, by="hour", **{"from": "2026-01-01"}))["field"] == "query.from"
    assert (await desk.get("/api/stats", status=422, **{"from": "2026-02-01", "to": "2026-01-01"}))[
        "field"
    ] == "query.from"


def test_sums_and_quantiles() -> None:
    assert figures.quantile({}, 0.5) is None
    assert figures.quantile({100: 10}, 0.5) == 105
    assert figures.quantile({0: 50, 500: 50}, 0.95) == 509
    sums = {day: figures.Sums(calls=day, ended=day, transfers=1, seconds=60.0) for day in (1, 2, 3)}
    told = figures.told("day", sums, 2)
    assert [row["key"] for row in told["rows"]] == ["1970-01-03", "1970-01-04"]
    assert (told["more"], told["totals"]["calls"], told["totals"]["containment"]) == (1, 6, 0.5)
    named = {"a": figures.Sums(calls=1), "b": figures.Sums(calls=2)}
    assert [row["key"] for row in figures.told("agent", named, 1)["rows"]] == ["b"]
    assert figures.key_told("hour", 9) == "1970-01-01T09:00:00.000Z"
