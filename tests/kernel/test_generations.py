"""What is made of settings that change: a call keeps what it began with, what nobody uses is closed."""

from __future__ import annotations

import pytest

from parley.reloading import generations
from parley.reloading.generations import MOST, UNUSED_S, Generations


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Made:
    def __init__(self, clock: Clock) -> None:
        self.closed: list[str] = []
        self.all = Generations("first", self.close, clock)

    async def close(self, made: str) -> None:
        self.closed.append(made)

    def of(self, call_id: str) -> str:
        with self.all.of(call_id) as made:
            return made


async def test_a_call_keeps_what_it_began_with_and_new_ones_have_the_newest() -> None:
    made = Made(Clock())
    assert made.of("old") == "first"
    made.all.take("second")
    assert [made.of("old"), made.of("new"), made.of("")] == ["first", "second", "second"]
    made.all.take("third")
    assert [made.of("old"), made.of("new"), made.of("newer")] == ["first", "second", "third"]
    assert made.all.newest == "third"
    await made.all.aclose()
    assert sorted(made.closed) == ["first", "second", "third"]


async def test_what_no_call_wanted_for_long_is_closed_and_what_is_in_use_is_not() -> None:
    clock = Clock()
    made = Made(clock)
    with made.all.of("long"):
        made.all.take("second")
        clock.now = UNUSED_S + 1
        await made.all.look()
        assert not made.closed
    clock.now += UNUSED_S - 1
    await made.all.look()
    assert not made.closed, "it was used a moment ago"
    clock.now += 2
    await made.all.look()
    assert made.closed == ["first"]
    assert made.of("long") == "second", "who comes back after that has the newest"
    await made.all.aclose()


async def test_at_most_some_are_kept_and_the_calls_of_the_oldest_move_on() -> None:
    made = Made(Clock())
    assert made.of("oldest") == "first"
    for n in range(MOST):
        made.all.take(f"more {n}")
    assert made.of("oldest") == f"more {MOST - 1}"
    await made.all.look()
    assert made.closed == ["first"]
    assert len(made.all) == MOST
    await made.all.aclose()


async def test_calls_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "CALLS", 3)
    made = Made(Clock())
    for n in range(4):
        made.of(str(n))
    made.all.take("second")
    assert [made.of("0"), made.of("3")] == ["second", "first"]
    await made.all.aclose()
