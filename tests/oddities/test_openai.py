"""Models' servers: what each row of `openai.yaml` must come to, through the real SDK, llm service, tools and mind."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from tests.oddities.beside import Beside
from tests.oddities.desk import Desk, Played, desk, told
from tests.oddities.laws import broken_laws
from tests.oddities.rows import Row, table, words

TROUBLE = "That went wrong. Say it again?"
REFUSED = r"refused|failed|error|not valid|no JSON|not a JSON|invalid|unknown|no (such )?tool"


@pytest.fixture(scope="module")
def played(chosen: list[Row]) -> dict[str, Played]:
    async def all_of(it: Desk) -> list[Played]:
        return await asyncio.gather(*(it.play(row) for row in chosen))

    with Beside(desk) as beside:
        return dict(zip((row.name for row in chosen), beside.run(all_of(beside.it), 400), strict=True))


def same(heard: str, wanted: str) -> bool:
    """`ANY`: something at all. `TROUBLE`: the agent's own sentence for when a model fails."""
    if wanted == "ANY":
        return bool(words(heard))
    return words(heard) == words(wanted.replace("TROUBLE", TROUBLE))


@pytest.mark.parametrize("row", table("openai"), ids=str)
def test_row(row: Row, played: dict[str, Played]) -> None:
    got = played[row.name]
    shown = f"{row.seen}\nheard {got.heard}, did {got.did}, {got.asked} requests, last told {told(got)[-600:]}"
    assert got.over, f"somebody waits for ever; {shown}"
    wanted = row.get("heard", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    assert len(got.heard) == len(wanted) or not wanted, shown
    for heard, should in zip(got.heard, wanted, strict=False):
        assert same(heard, should), shown
    asked = row.get("asked", {})
    assert got.asked <= asked.get("requests", len(row.sends)), shown
    allowed = asked.get("either", [asked.get("tools", [])])
    assert [[name, arguments] for name, arguments in got.did] in allowed, shown
    for pattern in asked.get("never", []):
        assert not re.search(pattern, json.dumps(got.line.bodies, ensure_ascii=False), re.IGNORECASE), shown
    if asked.get("again") is False:
        bodies: list[Any] = [json.dumps(body, sort_keys=True) for body in got.line.bodies]
        assert len(set(bodies)) == len(bodies), f"the same request was sent twice; {shown}"
    for pattern in row.get("told", []):
        wanted_told = REFUSED if pattern == "REFUSED" else pattern
        assert re.search(wanted_told, told(got), re.IGNORECASE), f"the model was not told {pattern!r}; {shown}"
    assert not broken_laws(got.line.bodies), shown
    if spent := row.get("spent"):
        assert got.spent == tuple(spent), shown
    if row.get("breaker") == "closed":
        assert not got.open_breakers, shown
