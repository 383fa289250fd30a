"""SQL that reaches for more than the caller's own rows, through a real tools service."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from parley.v1 import tools_pb2
from testbed.patience import PATIENCE_S
from tests.heldout_guards.bank import HIDDEN, bank
from tests.heldout_guards.statements import ATTACKS, FINE, LONG
from tests.tools.service import Desk, serving, settings

OK = tools_pb2.ToolOutcome.STATUS_OK
FAILED = tools_pb2.ToolOutcome.STATUS_FAILED
REFUSED = tools_pb2.ToolOutcome.STATUS_REFUSED
A_QUERY_S = 20.0
"""Far more than the second that one may take."""


class Teller:
    def __init__(self, desk: Desk) -> None:
        self.desk, self.intent = desk, 0

    async def __call__(self, tool: str, arguments: Any, **fields: Any) -> Any:
        self.intent += 1
        known = {"agent": "bank", "customer": "c1", "level": 2, "call_id": "CA1", **fields}
        return await self.desk.execute(tool, intent=self.intent, arguments=arguments, **known)

    async def ask(self, sql: str, **fields: Any) -> Any:
        return await self("execute_query", {"sql": sql}, **{"call_id": f"CA{self.intent // 15}", **fields})

    async def rows(self, sql: str, **fields: Any) -> list[dict[str, Any]]:
        outcome = await self.ask(sql, **fields)
        assert outcome.status == OK, outcome
        found: list[dict[str, Any]] = json.loads(outcome.result_json)["rows"]
        return found


@pytest.fixture
async def teller(tmp_path: Path) -> AsyncIterator[Teller]:
    async with serving(settings(tmp_path / "data", bank(tmp_path / "agents"), "bank")) as desk:
        yield Teller(desk)


async def test_nothing_of_anybody_else_comes_out(teller: Teller) -> None:
    whole = await teller.rows("SELECT count(*) AS n, sum(amount) AS s FROM payments")
    for sql in (*ATTACKS, *LONG):
        began = time.monotonic()
        outcome = await teller.ask(sql)
        assert time.monotonic() - began < A_QUERY_S, sql
        assert HIDDEN not in str(outcome), sql
        assert "vault" not in outcome.result_json, sql
        assert outcome.status in {OK, FAILED, REFUSED}, sql
        if outcome.status == OK:
            amounts = [row.get("amount") or 0 for row in json.loads(outcome.result_json)["rows"]]
            assert max(amounts, default=0) < 60, sql
        else:
            assert outcome.message, sql
    assert await teller.rows("SELECT count(*) AS n, sum(amount) AS s FROM payments") == whole
    assert await teller.rows("SELECT count(*) AS n FROM payments", customer="c2") == [{"n": 1}]


async def test_what_is_fine_is_answered(teller: Teller) -> None:
    wrong = [(sql, got) for sql, want in FINE if (got := await teller.rows(sql)) != want]
    assert wrong == []


@pytest.mark.parametrize("customer", ["c1 ", " c1", "C1", "_1", "c9", "null", "*", "[c1]", "c%", "c1\n", "c1'--"])
async def test_customers_who_are_nearly_somebody(teller: Teller, customer: str) -> None:
    rows = await teller.rows(
        "SELECT count(*) AS n, max(amount) AS m FROM payments WHERE amount < 60", customer=customer
    )
    assert rows == [{"n": 0, "m": None}]
    assert await teller.rows("SELECT name FROM customers", customer=customer) == []


async def test_who_is_nobody_gets_nothing(teller: Teller) -> None:
    for fields, status in (
        ({"customer": ""}, FAILED),
        ({"customer": "", "level": 0}, REFUSED),
        ({"level": 0}, REFUSED),
    ):
        outcome = await teller.ask("SELECT name FROM customers", **fields)
        assert (outcome.status, outcome.result_json) == (status, "")


async def test_arguments_of_a_models_own(teller: Teller) -> None:
    for arguments in ({"sql": "SELECT 1", "customer": "c2"}, {"sql": None}, {"sql": ["SELECT 1"]}, {}, {"sql": 1}):
        outcome = await teller("execute_query", arguments)
        assert (outcome.status in {FAILED, REFUSED}, outcome.result_json) == (True, ""), arguments
    twice = await teller("execute_query", '{"sql": "SELECT name FROM customers", "sql": "SELECT text FROM vault"}')
    assert twice.status == FAILED


async def test_a_handle_is_good_in_its_call_for_its_customer(teller: Teller) -> None:
    found = await teller("execute_query", {"sql": "SELECT day, shop, amount FROM payments"})
    total = {"handle": json.loads(found.result_json)["handle"], "operation": "total", "column": "amount"}
    assert json.loads((await teller("analyze_data", total)).result_json)["value"] == 1800
    for fields in ({"call_id": "CA2"}, {"customer": "c2"}, {"customer": ""}, {"agent": "rival"}, {"level": 0}):
        outcome = await teller("analyze_data", total, **fields)
        assert outcome.status in {FAILED, REFUSED}, fields
        assert not outcome.result_json, fields
    for handle in ("r0", "r-1", "../r1", "CA1/r1", "r1' OR 1=1", "", "1", "r" + "9" * 40, "%"):
        assert (await teller("analyze_data", {**total, "handle": handle})).status == FAILED, handle


async def test_figures(teller: Teller) -> None:
    found = await teller("execute_query", {"sql": "SELECT day, shop, amount FROM payments"})
    handle = json.loads(found.result_json)["handle"]

    async def figure(**arguments: Any) -> dict[str, Any]:
        outcome = await teller("analyze_data", {"handle": handle, "column": "amount", **arguments})
        assert outcome.status == OK, outcome
        result: dict[str, Any] = json.loads(outcome.result_json)
        return result

    assert (await figure(operation="average"))["value"] == 30
    assert (await figure(operation="maximum"))["value"] == 59.5
    assert (await figure(operation="minimum"))["value"] == 0.5
    assert (await figure(operation="count"))["value"] == 60
    by_shop = {"Grocer": 620, "Bookshop": 600, "Bakery": 580}
    assert (await figure(operation="total", by="shop"))["groups"] == by_shop
    assert (await figure(operation="trend", by="day"))["series"] == {"2026-01": 580, "2026-02": 600, "2026-03": 620}
    assert (await figure(operation="trend", by="day", period="year"))["series"] == {"2026": 1800}
    compared = await figure(operation="compare", by="day", first="2026-01", second="2026-03")
    assert compared["difference"] == 40
    assert [each["value"] for each in (await figure(operation="top", n=2))["top"]] == [59.5, 58.5]
    for column in ("shop", "pin", "note", ""):
        outcome = await teller("analyze_data", {"handle": handle, "operation": "total", "column": column})
        assert outcome.status == FAILED, column


async def test_of_a_cut_result_nothing_is_computed(teller: Teller) -> None:
    found = json.loads(
        (await teller("execute_query", {"sql": "SELECT a.amount FROM payments a, payments b"})).result_json
    )
    assert (found["count"], found["complete"], len(found["rows"])) == (100, False, 10)
    outcome = await teller("analyze_data", {"handle": found["handle"], "operation": "total", "column": "amount"})
    assert (outcome.status, outcome.result_json) == (FAILED, "")


async def test_many_heavy_ones_at_once_end(teller: Teller) -> None:
    heavy = (
        "SELECT count(*) FROM payments a, payments b, payments c, payments d WHERE a.shop || d.shop LIKE '%r' || b.id"
    )
    async with asyncio.timeout(PATIENCE_S):
        outcomes = await asyncio.gather(*(teller.ask(heavy) for _ in range(4)), teller("hours", {}))
    assert [each.status for each in outcomes] == [FAILED] * 4 + [OK]
