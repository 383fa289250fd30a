"""The held-out rows of all vendors, and what models say that is not for the caller."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import pytest

from tests.oddities import heldout
from tests.oddities.beside import Beside
from tests.oddities.desk import Desk, Played, desk, told
from tests.oddities.heldout import folded, missing
from tests.oddities.laws import broken_laws
from tests.oddities.listening import Caught, Listening, listening
from tests.oddities.speaking import Speaking, Uttered, speaking

Row = dict[str, Any]
Rig = TypeVar("Rig")
Outcome = TypeVar("Outcome")
AT_ONCE = 24
SHIPS = "Your order is on its way."
"""What the model answers when a row says nothing of the round behind its tools."""


def all_played(
    rig: Callable[[], AbstractAsyncContextManager[Rig]],
    play: Callable[[Rig, Row], Awaitable[Outcome]],
    rows: tuple[Row, ...],
) -> dict[str, Outcome]:
    """What came of each row, by its id; many at a time."""

    async def run(it: Rig) -> list[Outcome]:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(row: Row) -> Outcome:
            async with room:
                return await play(it, row)

        return await asyncio.gather(*map(one, rows))

    with Beside(rig) as beside:
        return {row["id"]: outcome for row, outcome in zip(rows, beside.run(run(beside.it), 400), strict=True)}


async def asks(it: Desk, row: Row) -> Played:
    return await it.call([heldout.answer(items) for items in row["sends"]], ["hello"], [], "clerk")


async def thinks(it: Desk, row: Row) -> Played:
    after = [heldout.in_tokens(SHIPS)] if row.get("calls") else []
    return await it.call([heldout.in_tokens(row["text"]), *after, heldout.in_tokens(SHIPS)], ["hello"], [], "clerk")


async def listens(it: Listening, row: Row) -> Caught:
    engine = "flux" if row["path"] == "/v2/listen" else "deepgram"
    return await it.listen(engine, [*heldout.connections(row["sends"]), []], row["finals"], [])


async def speaks(it: Speaking, row: Row) -> Uttered:
    return await it.say(row["text"], [heldout.stream(items) for items in row["sends"]])


@pytest.fixture(scope="module")
def asked() -> dict[str, Played]:
    return all_played(desk, asks, heldout.rows("openai"))


@pytest.fixture(scope="module")
def thought() -> dict[str, Played]:
    return all_played(desk, thinks, heldout.rows("thoughts"))


@pytest.fixture(scope="module")
def listened() -> dict[str, Caught]:
    return all_played(listening, listens, heldout.rows("deepgram"))


@pytest.fixture(scope="module")
def spoken() -> dict[str, Uttered]:
    return all_played(speaking, speaks, heldout.rows("elevenlabs"))


def did(played: Played) -> list[tuple[str, dict[str, Any]]]:
    return [(name, arguments) for name, arguments in played.did]


def called(row: Row) -> list[tuple[str, dict[str, Any]]]:
    return [(call["name"], call["arguments"]) for call in row.get("calls", ())]


@pytest.mark.parametrize("row", heldout.rows("openai"), ids=lambda row: row["id"])
def test_a_models_server(row: Row, asked: dict[str, Played]) -> None:
    got = asked[row["id"]]
    heard = " ".join(got.heard)
    shown = f"{row['why']}: heard {heard!r}, did {got.did}, {got.asked} requests, last told {told(got)[-500:]}"
    assert got.over, f"somebody waits for ever; {shown}"
    assert not missing(row["heard"], heard), shown
    assert not [piece for piece in row.get("never", ()) if piece in heard], shown
    if "calls" in row:
        assert sorted(map(json.dumps, did(got))) == sorted(map(json.dumps, called(row))), shown
    for name in row.get("refused", ()):
        assert len([each for each, _ in got.did if each == name]) == len([1 for each, _ in called(row) if each == name])
        assert re.search("refused|not|no |invalid|unknown", told(got), re.IGNORECASE), shown
    assert got.asked <= row["max_requests"], shown
    assert not broken_laws(got.line.bodies), shown


@pytest.mark.parametrize("row", heldout.rows("thoughts"), ids=lambda row: row["id"])
def test_what_is_for_the_caller(row: Row, thought: dict[str, Played]) -> None:
    got = thought[row["id"]]
    heard = " ".join(got.heard)
    shown = f"heard {heard!r}, did {got.did}, {got.asked} requests"
    assert got.over, f"somebody waits for ever; {shown}"
    assert not missing(row["spoken"], heard), shown
    assert not [piece for piece in row.get("never", ()) if piece in heard], shown
    if "calls" in row:
        assert sorted(map(json.dumps, did(got))) == sorted(map(json.dumps, called(row))), shown


@pytest.mark.parametrize("row", heldout.rows("deepgram"), ids=lambda row: row["id"])
def test_a_recogniser(row: Row, listened: dict[str, Caught]) -> None:
    got = listened[row["id"]]
    shown = f"{row['why']}: heard {got.finals}, {got.line.connections} connections, {got.troubles}"
    assert folded(" ".join(got.finals)) == folded(" ".join(row["finals"])), shown
    assert got.line.connections <= row["max_connections"], shown


@pytest.mark.parametrize("row", heldout.rows("elevenlabs"), ids=lambda row: row["id"])
def test_a_voice(row: Row, spoken: dict[str, Uttered]) -> None:
    got = spoken[row["id"]]
    shown = f"{row['why']}: heard {got.heard!r}, {got.ms} ms, {got.streams} streams, error {got.error!r}"
    assert got.over, f"somebody waits for ever; {shown}"
    assert folded(got.heard) == folded(row["heard"]), shown
    assert got.streams <= row["max_streams"], shown
