"""The support line with two replicas of tools on one PostgreSQL: a card is opened by either, and charged once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from parley.settings import Settings
from testbed.servers import postgres
from tests.databases import server, url
from tests.payments.test_vault import keep
from tests.tools.service import ROOT, STATUS, Desk, process, serving

__all__ = ["server", "url"]
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(postgres.binary("postgres") is None, reason=postgres.INSTALL),
]
KEY = "one key of all replicas"
VISA, FREEZER = "4012888888881881", "41207"
PAYING = {"order_number": FREEZER, "card": "[card-kwtm]", "code": "[code-bdfg]"}


def settings(folder: Path, url: str) -> Settings:
    own = {"agents_dir": ROOT / "agents", "data_dir": folder, "agent": "support", "nats_url": "", "drain_s": 1.0}
    return Settings.read(database_url=url, vault_key=KEY, **own)


@pytest.fixture
async def desks(tmp_path: Path, url: str) -> AsyncIterator[list[Desk]]:
    async with serving(settings(tmp_path / "1", url)) as one, serving(settings(tmp_path / "2", url)) as other:
        yield [one, other]


async def paid(desk: Desk, intent: int, call_id: str = "CA1", confirmed: str = "") -> Any:
    known = {"agent": "support", "call_id": call_id, "arguments": PAYING}
    return await desk.execute("pay_by_card", intent, confirmed=confirmed, **known)


async def asked(desk: Desk, call_id: str = "CA1") -> str:
    """What the caller's yes is to."""
    await keep(desk, "card-kwtm", VISA, call_id)
    await keep(desk, "code-bdfg", "973", call_id)
    outcome = await paid(desk, 1, call_id=call_id)
    assert outcome.status == STATUS.STATUS_ASK, outcome
    assert "Shall I charge seven hundred and ninety nine dollars to your card" in outcome.ask.question
    return str(outcome.ask.digest)


async def test_a_card_that_one_replica_was_told_is_charged_once_by_both(desks: list[Desk]) -> None:
    yes = await asked(desks[0])
    outcomes = await asyncio.gather(*(paid(desk, 2, confirmed=yes) for desk in desks for _ in range(4)))
    assert {outcome.status for outcome in outcomes} == {STATUS.STATUS_OK}
    assert len({json.loads(outcome.result_json)["confirmation"] for outcome in outcomes}) == 1
    assert VISA not in str(outcomes)


async def test_two_calls_that_pay_one_order_at_once_charge_one_card(desks: list[Desk]) -> None:
    calls = ("CA1", "CA2")
    agreed = [await asked(desk, call_id) for desk, call_id in zip(desks, calls, strict=True)]
    outcomes = await asyncio.gather(
        *(paid(desk, 2, call_id, yes) for desk, call_id, yes in zip(desks, calls, agreed, strict=True))
    )
    assert sorted(outcome.status for outcome in outcomes) == [STATUS.STATUS_OK, STATUS.STATUS_FAILED]
    (late,) = (outcome for outcome in outcomes if outcome.status == STATUS.STATUS_FAILED)
    assert "there is nothing to pay" in late.message


async def test_what_a_killed_replica_has_charged_is_never_called_refused_and_not_charged_again(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_VAULT_KEY", KEY)
    async with (
        serving(settings(tmp_path / "1", url)) as left,
        process(tmp_path / "2", url, ROOT / "agents", "support") as killed,
    ):
        yes = await asked(left)
        done = await paid(killed.desk, 2, confirmed=yes)
        await killed.kill()
        told = await paid(left, 2, confirmed=yes)  # the ledger has it, or the process died with the code in hand
        assert told.status in (STATUS.STATUS_OK, STATUS.STATUS_UNKNOWN), told
        await keep(left, "code-bdfg", "973")  # asked for once more, by a bot that does not know
        again = await paid(left, 3)
    assert (done.status, again.status) == (STATUS.STATUS_OK, STATUS.STATUS_FAILED)
    assert "there is nothing to pay" in again.message
