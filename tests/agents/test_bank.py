"""Quillmark Bank over gRPC: whose rows, once, and what the audit keeps."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from parley.agents.files import load_agent
from tests.tools.service import ROOT, STATUS, Desk, serving, settings

BANK = "bank"
NORA, TOBIAS, NOBODY = "C1", "C2", ""


class Calls:
    """Callers of the bank, whom the mind knows to be somebody."""

    def __init__(self, desk: Desk, data_dir: Path) -> None:
        self._desk, self._data_dir = desk, data_dir

    async def run(self, name: str, customer: str = NORA, level: int = 2, intent: int = 1, **fields: Any) -> Any:
        known = {"customer": customer, "level": level, "call_id": fields.pop("call", "CA1")}
        return await self._desk.execute(name, intent, agent=BANK, **known, **fields)

    async def agreed(self, name: str, customer: str = NORA, level: int = 2, intent: int = 1, **fields: Any) -> Any:
        known = {"customer": customer, "level": level, "call_id": fields.pop("call", "CA1")}
        return await self._desk.agreed(name, intent, agent=BANK, **known, **fields)

    def rows(self, collection: str) -> dict[str, Any]:
        with sqlite3.connect(self._data_dir / "tools.db") as database:
            read = (
                "SELECT key, value_pii FROM records WHERE agent = 'bank' AND collection = ? AND value_pii IS NOT NULL"
            )
            return {key: json.loads(row) for key, row in database.execute(read, (collection,))}

    def audited(self) -> dict[str, Any]:
        """By intent."""
        with sqlite3.connect(self._data_dir / "tools.db") as database:
            read = "SELECT intent, entry_pii FROM audit WHERE agent = 'bank'"
            return {intent: json.loads(entry) for intent, entry in database.execute(read)}


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Calls]:
    data = tmp_path / "data"
    async with serving(settings(data, ROOT / "agents", BANK)) as desk:
        yield Calls(desk, data)


async def test_below_its_level_nothing_is_told_and_nothing_is_kept(bank: Calls) -> None:
    for name in ("get_balance", "spending", "spending_trend", "recent_transactions", "get_deposit", "execute_query"):
        outcome = await bank.run(name, NOBODY, 0, arguments={"sql": "SELECT 1"} if name == "execute_query" else {})
        assert outcome.status == STATUS.STATUS_REFUSED, name
    outcome = await bank.run("break_fixed_deposit", NORA, 1, intent=20)
    assert outcome.status == STATUS.STATUS_REFUSED
    assert bank.audited() == {}


async def test_everybody_is_told_of_their_own(bank: Calls) -> None:
    of_nora = json.loads((await bank.run("get_balance", NORA, 1)).result_json)
    of_tobias = json.loads((await bank.run("get_balance", TOBIAS, 1, intent=2, call="CA2")).result_json)
    accounts = bank.rows("accounts").values()
    for customer, told in ((NORA, of_nora), (TOBIAS, of_tobias)):
        assert told["balances"] == {row["kind"]: row["balance"] for row in accounts if row["customer"] == customer}
    numbers = {row["number"] for row in accounts}
    assert not [number for number in numbers if number in json.dumps([of_nora, of_tobias])]


async def test_a_deposit_is_broken_once_however_often_it_is_asked(bank: Calls) -> None:
    before = {row["kind"]: Decimal(row["balance"]) for row in bank.rows("accounts").values() if row["customer"] == NORA}
    calls = [bank.agreed("break_fixed_deposit", call=f"CA{n}") for n in range(4)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    done = [each for each in outcomes if not isinstance(each, BaseException) and each.status == STATUS.STATUS_OK]
    assert len(done) == 1
    paid = Decimal(json.loads(done[0].result_json)["paid_dollars"])
    after = {row["kind"]: Decimal(row["balance"]) for row in bank.rows("accounts").values() if row["customer"] == NORA}
    assert after == {**before, "checking": before["checking"] + paid}
    entries = [row for row in bank.audited().values() if row["what"] == "deposit broken"]
    assert len(entries) == 1
    assert Decimal(entries[0]["about"]["paid"]) == paid


async def test_the_audit_says_who_what_when_and_by_which_intent_and_no_factor(bank: Calls) -> None:
    await bank.agreed("block_card", intent=7, call="CA9", arguments={"card": "debit", "reason": "stolen"})
    await bank.run("spending", intent=8, call="CA9", arguments={"category": "groceries", "period": "last month"})
    await bank.run("end_call", NOBODY, 0, intent=9, call="CA9")
    entries = bank.audited()
    assert sorted(entries) == ["CA9/7", "CA9/8", "CA9/9"]
    blocked = entries["CA9/7"]
    assert (blocked["who"], blocked["what"], blocked["level"]) == (NORA, "card blocked", 2)
    assert blocked["about"] == {"card": "K1", "reason": "stolen"}
    assert blocked["at"]
    assert entries["CA9/9"]["who"] == ""
    identity, customer = load_agent(ROOT / "agents", BANK).identity, bank.rows("customers")[NORA]
    assert identity is not None
    factors = [str(customer[identity.field_of(name)]) for name in identity.factors]
    assert not [each for each in factors if each in json.dumps(entries)]


async def test_a_model_asks_in_sql_of_the_verified_customers_payments_alone(bank: Calls) -> None:
    sql = "SELECT category, SUM(amount) AS total FROM payments WHERE amount > 0 GROUP BY category ORDER BY total DESC"
    of_nora = await bank.run("execute_query", NORA, 1, arguments={"sql": sql})
    of_tobias = await bank.run("execute_query", TOBIAS, 1, call="CA2", arguments={"sql": sql})
    assert of_nora.status == of_tobias.status == STATUS.STATUS_OK
    handle = json.loads(of_nora.result_json)["handle"]
    top = {"handle": handle, "operation": "total", "column": "total"}
    total = json.loads((await bank.run("analyze_data", NORA, 1, intent=2, arguments=top)).result_json)
    spent = [
        row for row in bank.rows("transactions").values() if row["customer"] == NORA and row["category"] != "income"
    ]
    assert round(Decimal(str(total["value"])), 2) == sum(Decimal(row["amount"]) for row in spent)
    theirs = await bank.run("execute_query", NORA, 1, intent=3, arguments={"sql": "SELECT number FROM accounts"})
    assert theirs.status != STATUS.STATUS_OK, "numbers of accounts are no column"
    entries = bank.audited()
    assert {key: row["what"] for key, row in entries.items()} == {
        "CA1/1": "query answered",
        "CA2/1": "query answered",
        "CA1/2": "figures told",
    }
    assert (entries["CA1/1"]["who"], entries["CA1/1"]["about"]["tables"]) == (NORA, ["payments"])


async def test_who_showed_who_they_are_is_audited_and_what_they_said_is_not(bank: Calls) -> None:
    nora = bank.rows("customers")[NORA]
    said = {"customer_number": nora["number"], "date_of_birth": str(nora["born"])}
    await bank.run("verify_customer", NOBODY, 0, arguments={**said, "date_of_birth": "January first 1901"})
    right = await bank.run("verify_customer", NOBODY, 0, intent=2, arguments=said)
    assert right.level == 1
    entries = bank.audited()
    assert [(row["who"], row["about"]["outcome"], row["about"]["proves"]) for _, row in sorted(entries.items())] == [
        ("", "wrong", 0),
        (NORA, "right", 1),
    ]
    assert not [each for each in said.values() if each in json.dumps(entries)]


async def test_periods_are_compared_and_an_unknown_one_is_told(bank: Calls) -> None:
    told = await bank.run("spending", NORA, 1, arguments={"period": "2026-10"})
    assert json.loads(told.result_json)["from"] == "2026-10-01"
    odd = await bank.run("spending", NORA, 1, intent=2, arguments={"period": "when I was young"})
    assert (odd.status, "by its name" in odd.message) == (STATUS.STATUS_FAILED, True)
