"""Laws of what models' servers send: cut anywhere, with anything between, with any field missing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oddities.beside import Beside
from tests.oddities.dents import dented, paths
from tests.oddities.desk import Desk, Played, desk
from tests.oddities.fuzzing import BATCH, SILENT_LINES, STRANGE, batches
from tests.oddities.openai_wire import Answer, answer, chunk
from tests.oddities.rows import Row, table, words

TURN_S = 60.0
MOST_REQUESTS = 8
"""Of one turn, whatever is answered."""
Case = tuple[Row, list[Answer]]
Outcome = tuple[list[list[str]], list[tuple[str, dict[str, Any]]], int | None]

BROKEN = re.compile(rb'"error"|"content_filter"')
FINISHED = re.compile(rb'"finish_reason": *"|\[DONE\]')


def _is_whole(sent: Any) -> bool:
    """It comes to its end. What is said before an error depends on when it comes, and so does what is asked then."""
    if not isinstance(sent, list):
        return False
    made = answer(sent)
    return made.steady and made.end != "CUT" and bool(FINISHED.search(made.whole)) and not BROKEN.search(made.whole)


STREAMS = [row for row in table("openai") if all(_is_whole(a) for a in row.sends)]
PLAIN = [row for row in STREAMS if row.sends[0] and all(isinstance(x, dict) and "raw" not in x for x in row.sends[0])]
TEXTS = [row for row in PLAIN if any("text" in item for item in row.sends[0])]


@pytest.fixture(scope="module")
def beside() -> Iterator[Beside[Desk]]:
    with Beside(desk) as running:
        running.it.turn_s = TURN_S
        yield running


_AS_IT_STANDS: dict[str, Outcome] = {}


def played(beside: Beside[Desk], cases: list[Case]) -> list[Played]:
    async def all_of() -> list[Played]:
        return await asyncio.gather(*(beside.it.play(row, answers) for row, answers in cases))

    return beside.run(all_of(), 400)


def outcome(of: Played) -> Outcome:
    """How often a server that fails is asked again is a matter of time, and not counted."""
    asked = of.asked if of.asked <= len(of.line.answers) else None
    return [words(heard) for heard in of.heard], of.did, asked


def as_rows_stand(beside: Beside[Desk], rows: list[Row]) -> dict[str, Outcome]:
    """What the rows come to as they are written; each is played once."""
    new = [row for row in dict.fromkeys(rows) if row.name not in _AS_IT_STANDS]
    for row, got in zip(new, played(beside, [(row, [answer(a) for a in row.sends]) for row in new]), strict=True):
        _AS_IT_STANDS[row.name] = outcome(got)
    return _AS_IT_STANDS


def assert_nothing_changes(beside: Beside[Desk], cases: list[Case]) -> None:
    plain = as_rows_stand(beside, [row for row, _ in cases])
    for (row, answers), got in zip(cases, played(beside, cases), strict=True):
        assert outcome(got) == plain[row.name], f"{row.name}: {[a.steps for a in answers]}"


@given(
    st.lists(
        st.tuples(st.sampled_from(STREAMS), st.lists(st.integers(0, 4000), max_size=12)), min_size=BATCH, max_size=BATCH
    )
)
@batches(3)
def test_where_the_network_cuts_the_bytes_changes_nothing(
    beside: Beside[Desk], cuts: list[tuple[Row, list[int]]]
) -> None:
    assert_nothing_changes(beside, [(row, [answer(a).cut(places) for a in row.sends]) for row, places in cuts])


@given(st.lists(st.sampled_from(STREAMS), min_size=3, max_size=3))
@batches(1)
def test_every_byte_may_come_alone(beside: Beside[Desk], rows: list[Row]) -> None:
    everywhere = list(range(1 << 14))
    assert_nothing_changes(beside, [(row, [answer(a).cut(everywhere) for a in row.sends]) for row in rows])


@given(
    st.lists(
        st.tuples(st.sampled_from(TEXTS), st.lists(st.integers(0, 200), max_size=20)), min_size=BATCH, max_size=BATCH
    )
)
@batches(3)
def test_where_the_model_cuts_its_words_changes_nothing(
    beside: Beside[Desk], cuts: list[tuple[Row, list[int]]]
) -> None:
    assert_nothing_changes(beside, [(row, [answer(_retold(a, places)) for a in row.sends]) for row, places in cuts])


def _retold(items: list[Any], places: list[int]) -> list[Any]:
    """The same text in other deltas: runs of plain text are joined and cut again."""
    out: list[Any] = []
    run = ""
    for item in [*items, None]:
        if isinstance(item, dict) and set(item) == {"text"}:
            run += item["text"]
            continue
        edges = sorted({0, len(run), *(place % (len(run) + 1) for place in places)})
        out += [{"text": run[a:b]} for a, b in pairwise(edges)]
        run = ""
        out += [] if item is None else [item]
    return out


@given(
    st.lists(
        st.tuples(
            st.sampled_from(PLAIN),
            st.lists(st.tuples(st.integers(0, 30), st.sampled_from(SILENT_LINES)), min_size=1, max_size=4),
        ),
        min_size=BATCH,
        max_size=BATCH,
    )
)
@batches(3)
def test_what_says_nothing_changes_nothing(beside: Beside[Desk], cases: list[tuple[Row, list[Any]]]) -> None:
    assert_nothing_changes(beside, [(row, [answer(_filled(a, noise)) for a in row.sends]) for row, noise in cases])


def _filled(items: list[Any], noise: list[tuple[int, Any]]) -> list[Any]:
    """With silent items between; never behind a word that ends the stream."""
    out = list(items)
    for place, item in noise:
        out.insert(place % max(1, len(items)), item)
    return out


ARGUMENTS = ('{"order": 12}', '{"order":  7}', '{"order": 305}')


@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 12), max_size=3), st.randoms(use_true_random=False)),
        min_size=BATCH,
        max_size=BATCH,
    )
)
@batches(1)
def test_fragments_of_several_calls_may_come_in_any_mixture(beside: Beside[Desk], mixtures: list[Any]) -> None:
    row = next(row for row in table("openai") if row.name == "parallel calls in turns")
    cases = [
        (row, [answer(_mixed(places, chance)), answer([{"text": "Done.", "finish": "stop"}])])
        for places, chance in mixtures
    ]
    for got in played(beside, cases):
        assert sorted(arguments["order"] for _, arguments in got.did) == [7, 12, 305]
        assert words(got.heard[0]) == ["Done"]


def _mixed(places: list[int], chance: Any) -> list[Any]:
    """Three calls in pieces. The pieces of each stay in their order."""
    queues = []
    for index, arguments in enumerate(ARGUMENTS):
        edges = sorted({0, len(arguments), *places})
        pieces = [arguments[a:b] for a, b in pairwise(edges)]
        first = {"index": index, "id": f"call_{index}", "type": "function", "name": "order_status", "arguments": ""}
        queues.append([first, *({"index": index, "arguments": piece} for piece in pieces)])
    out = []
    while any(queues):
        out.append({"call": chance.choice([queue for queue in queues if queue]).pop(0)})
    return [*out, {"finish": "tool_calls"}]


@given(
    st.lists(
        st.tuples(st.sampled_from(PLAIN), st.integers(0, 10_000), st.sampled_from(STRANGE)),
        min_size=BATCH,
        max_size=BATCH,
    )
)
@batches(3)
def test_whatever_a_field_holds_the_turn_ends_and_requests_are_few(beside: Beside[Desk], dents: list[Any]) -> None:
    cases = [(row, _strange(row, place, lambda m, path, v=value: dented(m, {path: v}))) for row, place, value in dents]
    assert_all_end(beside, cases)


@given(st.lists(st.tuples(st.sampled_from(PLAIN), st.integers(0, 10_000)), min_size=BATCH, max_size=BATCH))
@batches(2)
def test_whatever_is_missing_the_turn_ends_and_requests_are_few(beside: Beside[Desk], dents: list[Any]) -> None:
    cases = [(row, _strange(row, place, lambda m, path: dented(m, without=[path]))) for row, place in dents]
    assert_all_end(beside, cases)


@given(st.lists(st.tuples(st.sampled_from(PLAIN), st.integers(0, 30), st.booleans()), min_size=BATCH, max_size=BATCH))
@batches(2)
def test_a_chunk_that_is_lost_or_comes_twice_ends_well_too(beside: Beside[Desk], dents: list[Any]) -> None:
    cases = []
    for row, place, twice in dents:
        first = list(row.sends[0])
        at = place % len(first)
        first[at : at + 1] = [first[at]] * 2 if twice else []
        cases.append((row, [answer(first or [{"finish": "stop"}]), *(answer(a) for a in row.sends[1:])]))
    assert_all_end(beside, cases)


def _strange(row: Row, place: int, dent: Any) -> list[Answer]:
    """One field of one chunk of the first answer is dented."""
    first = list(row.sends[0])
    fields = [(i, chunk(item), path) for i, item in enumerate(first) for path in paths(chunk(item))]
    i, made, path = fields[place % len(fields)]
    first[i] = {"chunk": dent(made, path)}
    return [answer(first), *(answer(a) for a in row.sends[1:])]


def assert_all_end(beside: Beside[Desk], cases: list[Case]) -> None:
    for (row, answers), got in zip(cases, played(beside, cases), strict=True):
        shown = f"{row.name}: heard {got.heard}, {got.asked} requests, {answers[0].steps}"
        assert got.over, f"somebody waits for ever; {shown}"
        assert got.asked <= MOST_REQUESTS * len(got.turns), shown
