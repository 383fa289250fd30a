"""Wrong tries with several replicas on one PostgreSQL: one count for all."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from testbed.servers import postgres
from tests.tools.service import serving, settings
from tests.tools.test_identity import ANNA, ANNA_WHOLLY, Line, proven

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(postgres.binary("postgres") is None, reason=postgres.INSTALL),
]
WRONG = {**ANNA, "date_of_birth": "4/3/80"}


async def test_replicas_count_together(tmp_path: Path, url: str) -> None:
    async with serving(settings(tmp_path, url=url)) as one, serving(settings(tmp_path, url=url)) as other:
        first, second = Line(one), Line(other)
        second.intents = first.intents
        assert not json.loads((await first.verifies(WRONG)).result_json)["locked"]
        assert not json.loads((await second.verifies(WRONG)).result_json)["locked"]
        assert json.loads((await first.verifies(WRONG)).result_json)["locked"]
        assert proven(await second.verifies(ANNA_WHOLLY)) == (0, "")
        assert proven(await second.verifies(ANNA_WHOLLY, "CA2")) == (2, "C1")


async def test_guesses_that_race_at_both_replicas_are_no_more_than_the_record_has(tmp_path: Path, url: str) -> None:
    """From as many calls and no number: those after the fifth are not looked at, nor is the right one."""
    async with serving(settings(tmp_path, url=url)) as one, serving(settings(tmp_path, url=url)) as other:
        lines = Line(one), Line(other)
        days = [{**ANNA, "date_of_birth": f"{n % 12 + 1}/{n % 28 + 4}/1980"} for n in range(24)]
        wrong = [lines[n % 2].verifies(day, f"CA{n}") for n, day in enumerate(days)]
        assert all(proven(outcome) == (0, "") for outcome in await asyncio.gather(*wrong))
        right = await asyncio.gather(*(line.verifies(ANNA_WHOLLY, f"CB{n}") for n, line in enumerate(lines)))
        assert [proven(outcome) for outcome in right] == [(0, ""), (0, "")]


async def test_tries_that_race_in_one_call_are_no_more_than_it_has(tmp_path: Path, url: str) -> None:
    async with serving(settings(tmp_path, url=url)) as one, serving(settings(tmp_path, url=url)) as other:
        lines = Line(one), Line(other)
        lines[1].intents = lines[0].intents
        tries = [lines[n % 2].verifies(WRONG) for n in range(10)]
        outcomes = [json.loads(each.result_json) for each in await asyncio.gather(*tries)]
    assert sum(not each["locked"] for each in outcomes) == 2, "the third is told that it was the last"
