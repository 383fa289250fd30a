"""Calls are found by what people remember of them."""

from __future__ import annotations

import pytest

from parley.errors import BadInput, NotFound
from services.backoffice.records.asking import Measure, Query, parsed
from services.backoffice.records.retention import Retention, read
from testbed.recorded_calls import START_MS, RecordedCall, interleaved, some_calls
from tests.backoffice.records.desk import Desk

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("line", "query"),
    [
        ("", Query()),
        ("green courier", Query(words="green courier")),
        ('"green courier" agent:bank', Query(words="green courier", agent="bank")),
        ("interrupted > 3", Query(measures=(Measure("interruptions", ">", 3.0),))),
        ("duration>=60 cost < 0.5", Query(measures=(Measure("seconds", ">=", 60.0), Measure("usd", "<", 0.5)))),
        ("tool failed", Query(tool_status="failed")),
        ("tool book_visit failed", Query(tool="book_visit", tool_status="failed")),
        ("tool:book_visit refund", Query(tool="book_visit", words="refund")),
        ("+1 555 010 9999", Query(number="+1 555 010 9999")),
        ("…9999 ended:lost", Query(number="9999", ended_by="lost")),
        ("...9999", Query(number="9999")),
        ("outcome:resolved fallback", Query(outcome="resolved", measures=(Measure("fallbacks", ">", 0),))),
        ("order 1234", Query(words="order 1234")),
    ],
)
def test_what_people_type(line: str, query: Query) -> None:
    assert parsed(line) == query


@pytest.mark.parametrize("line", ["mood > 3", "x" * 501])
def test_what_cannot_be_asked_is_said(line: str) -> None:
    with pytest.raises(BadInput, match="q: "):
        parsed(line)


@pytest.fixture
async def shelf(desk: Desk) -> Desk:
    """Three calls, a day apart."""
    first = RecordedCall("CA1", caller="+1 (555) 010-9999").opens().says("Hello.")
    first.caller("where is the green courier").answers("On its way.", tool="order_status", status="failed")
    second = RecordedCall("CA2", agent="bank", caller="sip:ann@example.com", at_ms=START_MS + DAY_MS).opens()
    second.says("Your bank.").caller("what is my balance")
    for _ in range(4):
        second.answers("Your balance is one hundred.", heard=5).interrupts().caller("no wait")
    third = RecordedCall("CA3", caller="+15550000001", at_ms=START_MS + 2 * DAY_MS).opens().says("Hello.")
    await desk.keep([*first.ends().records, *second.ends().records, *third.records])
    return desk


async def found(desk: Desk, line: str = "", **query: object) -> list[str]:
    page = await desk.search.calls(parsed(line, Query(**query)))  # type: ignore[arg-type]
    assert await desk.search.count(parsed(line, Query(**query))) == len(page.items)  # type: ignore[arg-type]
    return [item["call_id"] for item in page.items]


async def test_by_each_of_what_may_be_asked(shelf: Desk) -> None:
    assert await found(shelf) == ["CA3", "CA2", "CA1"]
    assert await found(shelf, "+15550109999") == await found(shelf, "…9999") == ["CA1"]
    assert await found(shelf, number="sip:Ann@example.com") == ["CA2"]
    assert await found(shelf, "courier GREEN") == ["CA1"]
    assert await found(shelf, "hello") == ["CA1"], "a call that goes on is not found by its words yet"
    assert await found(shelf, "courier balance") == []
    assert await found(shelf, "agent:bank") == await found(shelf, "interrupted > 3") == ["CA2"]
    assert await found(shelf, "interrupted > 4") == []
    assert await found(shelf, "tool failed") == await found(shelf, "tool order_status failed") == ["CA1"]
    assert await found(shelf, "tool order_status ok") == []
    assert await found(shelf, "ended:caller") == ["CA2", "CA1"]
    assert await found(shelf, live=True) == ["CA3"]
    assert await found(shelf, live=False, since_ms=START_MS + DAY_MS) == ["CA2"]
    assert await found(shelf, until_ms=START_MS + DAY_MS) == ["CA1"]
    assert await found(shelf, "agent:'; DROP TABLE calls") == []
    assert await found(shelf, 'balance" OR ("') == []
    with pytest.raises(BadInput, match="number: '---' is none"):
        await found(shelf, number="---")


async def test_page_by_page_nothing_is_left_out_and_nothing_comes_twice(desk: Desk) -> None:
    await desk.keep(interleaved(some_calls(23, turns=1, every_ms=0)))
    seen: list[str] = []
    after = None
    while True:
        page = await desk.search.calls(Query(), limit=5, after=after)
        seen += [item["call_id"] for item in page.items]
        if (after := page.next) is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == len(seen) == 23


async def test_all_that_is_known_of_one(shelf: Desk) -> None:
    call = await shelf.search.call("CA1", pii=True)
    assert (call["caller"], call["agent"], call["ended_by"], call["outcome"]) == (
        "+1 (555) 010-9999", "frontdesk", "caller", "",
    )  # fmt: skip
    assert [line["heard"] for line in call["lines"]] == ["Hello.", "where is the green courier", "On its way."]
    assert [(tool["name"], tool["status"], tool["arguments"]) for tool in call["tools"]] == [
        ("order_status", "failed", '{"order": "1234"}')
    ]
    assert {cost["stage"] for cost in call["costs"]} == {"stt", "llm", "tts"}
    assert call["usd"] == pytest.approx(sum(cost["usd"] for cost in call["costs"]))
    assert not any("sealed" in name or "hash" in name or "tail" in name for name in call)
    records = await shelf.search.events("CA1")
    assert [record.n for record in records] == list(range(1, len(records) + 1))
    for missing in (shelf.search.call("CA9", pii=True), shelf.search.events("CA9")):
        with pytest.raises(NotFound, match="CA9"):
            await missing


async def test_what_is_too_old_goes_kind_by_kind(shelf: Desk) -> None:
    retention = Retention(shelf.database, "transcripts 36 h, events 12h, records 60 d")
    now = (START_MS + 2 * DAY_MS + 60_000) / 1000
    assert await retention.enforce(now) == {"transcripts": 1, "events": 2, "records": 0}
    first, second = await shelf.search.call("CA1", pii=True), await shelf.search.call("CA2", pii=True)
    assert (first["lines"], first["turns"][0]["sound"] > 0) == ([], True)
    assert [(tool["status"], tool["arguments"]) for tool in first["tools"]] == [("failed", "")]
    assert second["lines"]
    assert await found(shelf, "courier") == []
    assert await found(shelf, "balance") == ["CA2"]
    with pytest.raises(NotFound):
        await shelf.search.events("CA2")
    assert await retention.enforce(now) == {"transcripts": 0, "events": 0, "records": 0}
    assert (await Retention(shelf.database, "records 1 d").enforce(now + 43_200))["records"] == 2
    assert await found(shelf) == ["CA3"]


def test_how_retention_is_written() -> None:
    assert read("") == {}
    assert read("transcripts 30 d, records 2 y,") == {"transcripts": 30.0, "records": 730.0}
    for wrong in ("transcripts", "transcripts 30", "memories 3 d", "records -1 d", "records 0 d"):
        with pytest.raises(Exception, match="PARLEY_RETENTION: .*kinds are transcripts, events, records"):
            read(wrong)
