"""Laws of what recognisers send: with anything between, with any field missing or strange."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oddities.beside import Beside
from tests.oddities.deepgram_wire import Wire
from tests.oddities.dents import paths
from tests.oddities.fuzzing import BATCH, SILENT_MESSAGES, STRANGE, batches
from tests.oddities.listening import Caught, Listening, listening
from tests.oddities.rows import Row

NOVA: list[dict[str, Any]] = [
    {"started": 0.1},
    {"interim": "Where is"},
    {"final": "Where is my order?", "ends": True},
    {"utterance_end": 1.3},
    {"final": "It is blue.", "ends": True},
]
FLUX: list[dict[str, Any]] = [
    {"turn": "StartOfTurn", "text": "Where"},
    {"turn": "Update", "text": "Where is my"},
    {"turn": "EagerEndOfTurn", "text": "Where is my order?"},
    {"turn": "EndOfTurn", "text": "Where is my order?"},
    {"turn": "StartOfTurn", "text": "It"},
    {"turn": "EndOfTurn", "text": "It is blue."},
]
LAST = "It is blue."
PATIENCE_S = 5.0
WHOLE = ["Where is my order?", LAST]
ENGINES = {"deepgram": NOVA, "flux": FLUX}
Conversation = tuple[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def beside() -> Iterator[Beside[Listening]]:
    with Beside(listening) as running:
        running.it.patience_s = PATIENCE_S
        yield running


def caught(beside: Beside[Listening], cases: list[Conversation], finals: list[str]) -> list[Caught]:
    async def all_of() -> list[Caught]:
        rows = [Row(engine, "fuzzed", "fuzzed", items, {"finals": finals}) for engine, items in cases]
        return await asyncio.gather(*(beside.it.play(row) for row in rows))

    return beside.run(all_of(), 400)


engines = st.sampled_from(sorted(ENGINES))


@given(
    st.lists(
        st.tuples(engines, st.lists(st.tuples(st.integers(0, 9), st.sampled_from(SILENT_MESSAGES)), max_size=4)),
        min_size=BATCH,
        max_size=BATCH,
    )
)
@batches(2)
def test_what_says_nothing_changes_nothing(beside: Beside[Listening], cases: list[Any]) -> None:
    filled = []
    for engine, noise in cases:
        items = list(ENGINES[engine])
        for place, item in noise:
            items.insert(place % len(items), item)
        filled.append((engine, items))
    for (engine, items), got in zip(filled, caught(beside, filled, WHOLE), strict=True):
        assert (got.finals, got.line.connections) == (WHOLE, 1), f"{engine}: {items}"


@given(st.lists(st.tuples(engines, st.integers(0, 10_000), st.sampled_from(STRANGE)), min_size=BATCH, max_size=BATCH))
@batches(3)
def test_whatever_a_field_holds_what_follows_is_heard_once(beside: Beside[Listening], dents: list[Any]) -> None:
    cases = [_dented(engine, place, lambda path, v=value: {"but": {path: v}}) for engine, place, value in dents]
    assert_the_last_is_heard(beside, cases)


@given(st.lists(st.tuples(engines, st.integers(0, 10_000)), min_size=BATCH, max_size=BATCH))
@batches(2)
def test_whatever_is_missing_what_follows_is_heard_once(beside: Beside[Listening], dents: list[Any]) -> None:
    cases = [_dented(engine, place, lambda path: {"without": [path]}) for engine, place in dents]
    assert_the_last_is_heard(beside, cases)


def _dented(engine: str, place: int, dent: Any) -> Conversation:
    """One field of one message is dented; the last turn stays whole."""
    items = list(ENGINES[engine])
    whole = 1 if engine == "deepgram" else 2
    wire = Wire()
    fields = [(i, path) for i, item in enumerate(items[:-whole]) for path in paths(wire.message(item))]
    i, path = fields[place % len(fields)]
    items[i] = {**items[i], **dent(path)}
    return engine, items


def assert_the_last_is_heard(beside: Beside[Listening], cases: list[Conversation]) -> None:
    for (engine, items), got in zip(cases, caught(beside, cases, [LAST]), strict=True):
        shown = f"{engine}: {got.finals}, {got.line.connections} connections, {items}"
        assert got.finals.count(LAST) == 1, shown
        assert got.line.connections == 1, shown
        assert not got.troubles, shown
