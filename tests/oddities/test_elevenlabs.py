"""Voices: what each row of `elevenlabs.yaml` must come to, through the real tts service and the gateway's mouth."""

from __future__ import annotations

import asyncio

import pytest

from tests.oddities.beside import Beside
from tests.oddities.rows import Row, table, words
from tests.oddities.speaking import Speaking, Uttered, speaking


@pytest.fixture(scope="module")
def uttered(chosen: list[Row]) -> dict[str, Uttered]:
    async def all_of(it: Speaking) -> list[Uttered]:
        return await asyncio.gather(*(it.play(row) for row in chosen))

    with Beside(speaking) as beside:
        return dict(zip((row.name for row in chosen), beside.run(all_of(beside.it), 400), strict=True))


@pytest.mark.parametrize("row", table("elevenlabs"), ids=str)
def test_row(row: Row, uttered: dict[str, Uttered]) -> None:
    got = uttered[row.name]
    shown = f"{row.seen}\nheard {got.heard!r}, {got.ms} ms, {got.streams} streams, error {got.error!r}"
    assert got.over, f"somebody waits for ever; {shown}"
    if (wanted := row.get("heard")) != "ANY":
        assert words(got.heard) == words(wanted), shown
    assert got.streams <= row.get("streams"), shown
    error = row.get("error", "")
    assert bool(got.error) if error == "ANY" else got.error == error, shown
    if ms := row.get("ms"):
        assert ms[0] <= got.ms <= ms[1], shown
