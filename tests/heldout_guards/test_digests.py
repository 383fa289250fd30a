"""What a digest of a yes is good for, and what not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from parley.errors import AlreadyExists, Superseded
from parley.v1 import tools_pb2
from tests.tools.service import Desk, serving, settings

OK = tools_pb2.ToolOutcome.STATUS_OK
ASK = tools_pb2.ToolOutcome.STATUS_ASK
REFUSED = tools_pb2.ToolOutcome.STATUS_REFUSED
VISIT = {"day": "2026-12-01", "at": "15:00"}
TOOLS = '''
"""A shop that writes down what it did."""

from datetime import date, time

from parley.tooling import Result, tool


@tool(consequential=True, confirm="Shall I book {{reason}} on {{day}} at {{at}}?")
def book(day: date, at: time, reason: str = "a repair") -> Result:
    """Book a visit."""
    with open({journal!r}, "a") as f:
        f.write(f"{{day}} {{at}} {{reason}}\\n")
    return Result({{"summary": "Booked."}})


@tool(consequential=True, level=2)
def pay(amount: int) -> Result:
    """Pay."""
    with open({journal!r}, "a") as f:
        f.write(f"{{amount}}\\n")
    return Result({{"summary": "Paid."}})
'''


class Shop:
    def __init__(self, desk: Desk, journal: Path) -> None:
        self.desk, self.journal, self.intent = desk, journal, 0

    async def __call__(self, arguments: Any, confirmed: str = "", name: str = "book", **fields: Any) -> Any:
        self.intent += 1
        known = {"intent": self.intent, "agent": "shop", **fields}
        return await self.desk.execute(name, arguments=arguments, confirmed=confirmed, **known)

    @property
    def done(self) -> list[str]:
        return self.journal.read_text().splitlines()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    folder, journal = tmp_path / "agents/shop", tmp_path / "journal"
    folder.mkdir(parents=True)
    journal.touch()
    (folder / "agent.yaml").write_text("{company: S, greeting: Hi, prompt: x, knowledge: {retrieve: never}}")
    (folder / "tools.py").write_text(TOOLS.format(journal=str(journal)))
    async with serving(settings(tmp_path / "data", tmp_path / "agents", "shop")) as desk:
        yield Shop(desk, journal)


async def test_without_the_digest_of_these_very_arguments_nothing_is_done(shop: Shop) -> None:
    asked = await shop(VISIT)
    assert asked.ask.question == "Shall I book a repair on Tuesday, December first at three in the afternoon?"
    digest = asked.ask.digest
    for arguments, confirmed in (
        (VISIT, "x"),
        (VISIT, " "),
        (VISIT, digest.upper()),
        (VISIT, digest[:8]),
        (VISIT, digest + " "),
        ({**VISIT, "at": "16:00"}, digest),
        ({**VISIT, "at": "03:00"}, digest),
        ({**VISIT, "day": "2026-12-02"}, digest),
        ({**VISIT, "reason": "A repair "}, digest),
        ({**VISIT, "reason": ""}, digest),
    ):
        outcome = await shop(arguments, confirmed)
        assert outcome.status == ASK, (arguments, confirmed)
    assert (await shop({"amount": 1}, digest, "pay", level=2)).status == ASK
    assert (await shop({**VISIT, "more": 1}, digest)).status == REFUSED
    assert (await shop({"amount": 1}, digest, "pay", level=1)).status == REFUSED
    assert shop.done == []


async def test_one_intent_is_done_once(shop: Shop) -> None:
    digest = (await shop(VISIT)).ask.digest
    outcomes = await asyncio.gather(*(shop(VISIT, digest, intent=50) for _ in range(6)))
    outcomes += [await shop(VISIT, digest, intent=50), await shop(VISIT, "", intent=50)]
    assert {each.status for each in outcomes} == {OK}
    with pytest.raises(AlreadyExists):
        await shop({**VISIT, "at": "17:00"}, digest, intent=50)
    assert shop.done == ["2026-12-01 15:00:00 a repair"]


async def test_an_owner_that_was_superseded_does_nothing(shop: Shop) -> None:
    digest = (await shop(VISIT)).ask.digest
    await shop.desk.settle((5, 5))
    with pytest.raises(Superseded):
        await shop(VISIT, digest)
    assert shop.done == []


async def test_a_question_is_words_whatever_is_in_the_arguments(shop: Shop) -> None:
    for reason in ("} {at} {", "{day}", "{__class__}", "{at.__class__}", "%s"):
        asked = await shop({**VISIT, "reason": reason})
        assert asked.status == ASK
        assert reason in asked.ask.question
    assert len((await shop({**VISIT, "reason": "x" * 3000})).ask.question) <= 500
