"""Laws of what voices send: in any pieces, with anything between, with any field missing or strange."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oddities.beside import Beside
from tests.oddities.dents import paths
from tests.oddities.elevenlabs_wire import CHAR_MS, message
from tests.oddities.fuzzing import BATCH, SILENT_MESSAGES, STRANGE, batches
from tests.oddities.rows import Row, words
from tests.oddities.speaking import Speaking, Uttered, speaking

TEXT = "Your order 4821 shipped on Monday, and it is blue."
MOST_STREAMS = 8
GOOD: list[dict[str, Any]] = [{"says": TEXT[:20]}, {"says": f"{TEXT[20:]} "}, {"final": True}]


@pytest.fixture(scope="module")
def beside() -> Iterator[Beside[Speaking]]:
    with Beside(speaking) as running:
        yield running


def uttered(beside: Beside[Speaking], cases: list[list[Any]]) -> list[Uttered]:
    """Each first stream as the case says; a second one would speak properly."""

    async def all_of() -> list[Uttered]:
        rows = [Row("elevenlabs", "fuzzed", "fuzzed", items, {"says": TEXT, "then": ["SPEAKS"]}) for items in cases]
        return await asyncio.gather(*(beside.it.play(row) for row in rows))

    return beside.run(all_of(), 400)


def assert_heard_once(beside: Beside[Speaking], cases: list[list[Any]]) -> None:
    for items, got in zip(cases, uttered(beside, cases), strict=True):
        shown = f"{got.heard!r}, {got.ms} ms, {got.streams} streams, {items}"
        assert got.over, f"somebody waits for ever; {shown}"
        assert words(got.heard) == words(TEXT), shown
        assert got.streams == 1, shown
        assert got.ms == CHAR_MS * (len(TEXT) + 1), shown


@given(st.lists(st.lists(st.integers(1, len(TEXT)), max_size=12), min_size=BATCH, max_size=BATCH))
@batches(4)
def test_in_which_pieces_the_sound_comes_changes_nothing(beside: Beside[Speaking], cuts: list[list[int]]) -> None:
    text = f"{TEXT} "
    cases = []
    for places in cuts:
        edges = sorted({0, len(text), *places})
        cases.append([*({"says": text[a:b]} for a, b in pairwise(edges)), {"final": True}])
    assert_heard_once(beside, cases)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.sampled_from(SILENT_MESSAGES)), max_size=4),
        min_size=BATCH,
        max_size=BATCH,
    )
)
@batches(3)
def test_what_says_nothing_changes_nothing(beside: Beside[Speaking], cases: list[Any]) -> None:
    filled = []
    for noise in cases:
        items = list(GOOD)
        for place, item in noise:
            items.insert(place, item)
        filled.append(items)
    assert_heard_once(beside, filled)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(STRANGE)), min_size=BATCH, max_size=BATCH))
@batches(4)
def test_whatever_a_field_holds_all_is_said_and_streams_are_few(beside: Beside[Speaking], dents: list[Any]) -> None:
    assert_said(beside, [_dented(place, lambda path, v=value: {"but": {path: v}}) for place, value in dents])


@given(st.lists(st.integers(0, 10_000), min_size=BATCH, max_size=BATCH))
@batches(4)
def test_whatever_is_missing_all_is_said_and_streams_are_few(beside: Beside[Speaking], places: list[int]) -> None:
    assert_said(beside, [_dented(place, lambda path: {"without": [path]}) for place in places])


def _dented(place: int, dent: Any) -> list[Any]:
    fields = [(i, path) for i, item in enumerate(GOOD) for path in paths(message(item))]
    i, path = fields[place % len(fields)]
    return [*GOOD[:i], {**GOOD[i], **dent(path)}, *GOOD[i + 1 :]]


def assert_said(beside: Beside[Speaking], cases: list[list[Any]]) -> None:
    """All of it, or the vendor's own error told: never a part of it as if it were all."""
    for items, got in zip(cases, uttered(beside, cases), strict=True):
        shown = f"{got.heard!r}, {got.ms} ms, {got.streams} streams, {got.error}, {items}"
        assert got.over, f"somebody waits for ever; {shown}"
        assert got.streams <= MOST_STREAMS, shown
        assert got.error or words(got.heard) == words(TEXT), shown
