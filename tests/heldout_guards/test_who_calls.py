"""Who says they are somebody: spoken rightly, spoken wrongly, guessed at, from all sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from parley.v1 import tools_pb2
from testbed.servers import postgres
from tests.heldout_guards import bank as bank_files
from tests.heldout_guards.bank import bank
from tests.heldout_guards.spoken import RIGHT, WRONG, given
from tests.tools.service import Desk, serving, settings

ANNA = {"number": "40271", "born": "1980-03-05"}
SHARED = pytest.mark.skipif(postgres.binary("postgres") is None, reason=postgres.INSTALL)


def guess(n: int) -> dict[str, str]:
    return {"number": "40271", "born": f"19{50 + n % 30}-07-{1 + n % 28:02}"}


class Door:
    """Where callers say who they are; each in a call of their own unless told otherwise. Replicas take turns."""

    def __init__(self, *desks: Desk) -> None:
        self.desks, self.intent = desks, 0

    async def __call__(self, arguments: dict[str, Any], **fields: Any) -> Any:
        self.intent += 1
        desk = self.desks[self.intent % len(self.desks)]
        known = {"agent": "bank", "call_id": f"CA{self.intent}", **fields}
        return await desk.execute("verify_customer", intent=self.intent, arguments=arguments, **known)

    async def level(self, arguments: dict[str, Any], **fields: Any) -> tuple[int, str]:
        outcome = await self(arguments, **fields)
        return outcome.level, outcome.customer


def locked(outcome: Any) -> bool:
    return '"locked":true' in outcome.result_json


@asynccontextmanager
async def opened(tmp: Path, url: str = "") -> AsyncIterator[Door]:
    agents = bank(tmp / "agents")
    async with serving(settings(tmp / "one", agents, "bank", url)) as one:
        if not url:
            yield Door(one)
            return
        async with serving(settings(tmp / "two", agents, "bank", url)) as two:
            yield Door(one, two)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path) as door:
        yield door


@pytest.fixture
async def lenient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    """A record may be guessed at often."""
    monkeypatch.setattr(bank_files, "AGENT", bank_files.AGENT.replace("record: 20", "record: 1000"))
    async with opened(tmp_path) as door:
        yield door


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres.server() as url:
        yield f"{url}/postgres"


async def test_what_is_right_is_understood(lenient: Door) -> None:
    said = [(line, *given(line)) for line in RIGHT]
    assert [line for line, who, words in said if await lenient.level(words) != (1, who)] == []


async def test_what_is_wrong_proves_nothing_and_is_not_said_back(lenient: Door) -> None:
    for line in WRONG:
        _, words = given(line)
        outcome = await lenient(words)
        assert (outcome.level, outcome.customer) == (0, ""), line
        told = f"{outcome.result_json} {outcome.message}".lower()
        said_back = [each for each in words.values() if len(each) > 4 and each.lower() in told]
        assert said_back in ([], ["secret"]), line


async def test_levels(lenient: Door) -> None:
    anna = "+12125550101"
    assert await lenient.level(ANNA) == (1, "c1")
    assert await lenient.level({**ANNA, "secret": "bluebell"}) == (2, "c1")
    assert await lenient.level({**ANNA, "secret": "foxglove"}) == (1, "c1")
    assert await lenient.level({"born": "1980-03-05", "secret": "bluebell"}, caller=anna) == (1, "c1")
    for words, caller in (
        ({"number": "40271"}, ""),
        ({"born": "1980-03-05"}, anna),  # the number that calls proves nothing
        ({"number": "40271"}, anna),
        ({"born": "1980-03-05", "secret": "bluebell"}, ""),  # nothing that finds
        ({"number": "40271", "secret": "foxglove", "born": "1975-12-09", "code": "10001"}, ""),
        ({"number": "40271", "secret": "foxglove", "born": "1980-03-06"}, "+12125550102"),
        ({"number": "", "born": ""}, anna),
        ({}, anna),
        ({**ANNA, "level": "9"}, ""),
        ({**ANNA, "customer": "c2"}, ""),
        ({"number": "40271", "born": "5/3/80"}, ""),
    ):
        assert await lenient.level(words, caller=caller) == (0, ""), words


async def test_wrong_and_unknown_are_told_alike(door: Door) -> None:
    told = [
        await door(words)
        for words in (
            guess(1),
            {"number": "55555", "born": "1980-03-05"},
            {"number": "55555", "born": "1980-03-06", "secret": "x"},
            {"number": "40271", "secret": "x"},
            {"number": "40271", "born": "1975-12-09", "secret": "foxglove"},
        )
    ]
    assert len({each.SerializeToString() for each in told}) == 1
    few = [await door({"number": number}) for number in ("40271", "55555")]
    assert few[0] == few[1]


async def test_a_record_that_was_guessed_at_opens_to_nobody_and_says_nothing_of_it(door: Door) -> None:
    told = {(await door(guess(n))).SerializeToString() for n in range(22)}
    told.add((await door(ANNA)).SerializeToString())
    told.add((await door({"number": "55555", "born": "1980-03-05"})).SerializeToString())
    assert len(told) == 1
    assert await door.level({"number": "90009", "secret": "rose"}) == (1, "c4")


async def test_ones_own_right_answer_gives_no_tries_back(door: Door) -> None:
    own = {"number": "00272", "secret": "foxglove"}
    said = [guess(1), own, guess(2), own, guess(3), ANNA, own]
    levels = [await door.level(words, call_id="M") for words in said]
    assert levels == [(0, ""), (1, "c2"), (0, ""), (1, "c2"), (0, ""), (0, ""), (0, "")]


async def test_an_intent_that_is_done_again_is_one_try(door: Door) -> None:
    (desk,) = door.desks
    same = {"intent": 900, "arguments": guess(1), "agent": "bank", "call_id": "T"}
    told = [await desk.execute("verify_customer", **same) for _ in range(6)]
    assert all(each == told[0] for each in told)
    assert await door.level(ANNA, call_id="T") == (1, "c1")


async def test_nothing_of_it_is_kept(door: Door) -> None:
    await door({**ANNA, "secret": "bluebell"}, call_id="K")
    await door(guess(1), call_id="K")
    for row in await door.desks[0].settle((9, 9), call_id="K"):
        assert row.arguments_json == "{}"
        assert not [word for word in ("40271", "1980", "bluebell") if word in str(row)]


async def test_tools_are_gated(door: Door) -> None:
    (desk,) = door.desks
    refused = tools_pb2.ToolOutcome.STATUS_REFUSED
    for level, n in ((0, 901), (1, 902)):
        outcome = await desk.execute("balance", intent=n, agent="bank", level=level, customer="c1")
        assert (outcome.status, outcome.result_json) == (refused, "")


@SHARED
@pytest.mark.postgres
async def test_replicas_count_together(tmp_path: Path, url: str) -> None:
    async with opened(tmp_path, url) as door:
        one_call = [locked(await door(guess(n), call_id="L")) for n in range(3)]
        assert one_call == [False, False, True]
        assert [await door.level(ANNA, call_id="L") for _ in range(2)] == [(0, "")] * 2
        number = "+13055550001"
        of_number = [locked(await door(guess(n), call_id=f"N{n // 2}", caller=number)) for n in range(6)]
        assert of_number == [False] * 5 + [True]
        for written in (number, "13055550001", "+1 305 555 0001", "3055550001", "+1-305-555-0001", f"{number} "):
            assert locked(await door(ANNA, caller=written)), written
        assert await door.level(ANNA) == (1, "c1")
        for at_once, allowed in (({"call_id": "P"}, 2), ({"caller": "+13055550077"}, 5)):
            outcomes = await asyncio.gather(*(door(guess(n), **at_once) for n in range(12)))
            assert sum(not locked(each) for each in outcomes) <= allowed
            assert await door.level(ANNA, **at_once) == (0, ""), "after them: of those at once she could be the first"
