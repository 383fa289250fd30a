"""Recognisers: what each row of `flux.yaml` must come to, through the real SDK, stt service and the gateway's ears."""

from __future__ import annotations

import asyncio

import pytest

from tests.oddities.beside import Beside
from tests.oddities.listening import Caught, Listening, listening
from tests.oddities.rows import Row, table


@pytest.fixture(scope="module")
def caught(chosen: list[Row]) -> dict[str, Caught]:
    async def all_of(it: Listening) -> list[Caught]:
        return await asyncio.gather(*(it.play(row) for row in chosen))

    with Beside(listening) as beside:
        return dict(zip((row.name for row in chosen), beside.run(all_of(beside.it), 400), strict=True))


@pytest.mark.parametrize("row", table("flux"), ids=str)
def test_row(row: Row, caught: dict[str, Caught]) -> None:
    got = caught[row.name]
    shown = f"{row.seen}\nheard {got.finals}, turns {got.turns}, {got.line.connections} connections, {got.troubles}"
    assert got.finals == row.get("finals"), shown
    assert got.line.connections <= row.get("connections"), shown
    if row.get("turns") is not None:
        assert got.turns == row.get("turns"), shown
    assert not got.troubles, shown
