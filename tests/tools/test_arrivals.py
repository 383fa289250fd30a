"""An agent comes to the folder while the service runs: its data are there from its first call on."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.tools.service import AGENTS, STATUS, Desk, serving, settings

ANNA = {"customer_number": "four oh two seven one", "date_of_birth": "the third of march nineteen eighty"}


class House:
    """A service whose folder has the workshop, and to which the bank comes later."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.bank = folder / "bank"
        self.intents = 0

    def opens(self, *without: str) -> None:
        shutil.copytree(AGENTS / "bank", self.bank, ignore=shutil.ignore_patterns(*without))

    def writes(self, text: str, collection: str = "customers") -> None:
        """As an editor does: whole, and with a new inode."""
        self.bank.joinpath("data").mkdir(exist_ok=True)
        new = self.bank / "new"
        new.write_text(text)
        os.replace(new, self.bank / "data" / f"{collection}.yaml")

    async def anna(self, call: str = "CA1") -> Any:
        self.intents += 1
        return await self.desk.execute(
            "verify_customer", self.intents, agent="bank", call_id=call, arguments=ANNA, caller="+12125550177"
        )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    folder = tmp_path / "agents"
    shutil.copytree(AGENTS / "workshop", folder / "workshop")
    async with serving(settings(tmp_path / "data", folder)) as desk:
        yield House(desk, folder)


def seed() -> str:
    return (AGENTS / "bank" / "data" / "customers.yaml").read_text()


async def test_a_new_agent_knows_its_customers_without_a_restart(house: House) -> None:
    house.opens()
    assert (await house.anna()).level == 1


async def test_a_collection_that_a_known_agent_gets_later_is_loaded_too(house: House) -> None:
    house.opens("data")
    assert "verify_customer" in await house.desk.list("bank")
    house.writes(seed())
    assert (await house.anna()).level == 1


async def test_a_file_that_was_wrong_is_loaded_when_it_is_mended(house: House) -> None:
    house.opens("data")
    house.writes("C1: [")
    with capture_logs() as logs:
        assert (await house.anna()).down
        assert (await house.anna()).down
    told = [line for line in logs if line["event"] == "data not loaded"]
    assert ["customers.yaml: not valid YAML" in line["error"] for line in told] == [True]
    house.writes(seed())
    assert (await house.anna()).level == 1


async def test_an_edit_of_what_is_loaded_waits_for_a_start_and_the_log_says_so(house: House) -> None:
    house.opens()
    assert (await house.anna()).level == 1
    house.writes(seed().replace("1980-03-03", "1981-03-03"))
    with capture_logs() as logs:
        assert (await house.anna("CA2")).level == 1
        assert (await house.anna("CA3")).level == 1
    (told,) = [line for line in logs if line["event"] == "an edit of data is not taken yet"]
    assert (told["agent"], told["collections"]) == ("bank", ["customers"])
    assert told["remedy"]


async def test_nobody_to_compare_with_is_a_fault_of_the_house_and_no_wrong_try(house: House) -> None:
    """More of them than a call and a number have: the right answers count as soon as the records are there."""
    house.opens("data")
    with capture_logs() as logs:
        for n in range(6):
            outcome = await house.anna(f"CA{n // 3}")
            assert (outcome.status, outcome.down) == (STATUS.STATUS_FAILED, True)
            assert "match" not in outcome.message
    told = [line for line in logs if line["event"] == "nobody can be checked, the collection has no rows"]
    assert {(line["log_level"], line["agent"], line["collection"]) for line in told} == {("error", "bank", "customers")}
    house.writes(seed())
    assert (await house.anna("CA0")).level == 1


async def test_a_name_that_is_no_agent_is_looked_for_nowhere(house: House) -> None:
    house.opens()
    for name in ("../agents/bank", "nobody"):
        with pytest.raises(Exception, match="there is no agent"):
            await house.desk.list(name)
