"""With few replicas each, all are used, and used alike."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.rpc.subset import EMPTY, FEW, FULL, MOST, Used, chosen, width


@pytest.mark.parametrize(("callers", "replicas"), [(54, 44), (54, 24), (24, 17), (10, 8)])
def test_the_least_loaded_of_a_few_is_about_as_loaded_as_all(callers: int, replicas: int) -> None:
    """Calls that begin and end by chance, each at one of the callers, which takes the least loaded of its few."""
    chance = random.Random(callers)
    addresses = [f"10.0.0.{n}:50051" for n in range(replicas)]
    ours = [chosen(addresses, chance.randbytes(8), FEW) for _ in range(callers)]
    load, calls = dict.fromkeys(addresses, 0), list[str]()
    for number in range(200 * replicas):
        few = ours[number % callers]
        best = min(few, key=lambda address: (load[address], chance.random()))
        load[best] += 1
        calls.append(best)
        if len(calls) > 50 * replicas:
            gone = chance.randrange(len(calls))
            calls[gone], calls[-1] = calls[-1], calls[gone]
            load[calls.pop()] -= 1
    assert max(load.values()) < 1.15 * 50
    assert min(load.values()) > 0.3 * 50


@settings(max_examples=40, deadline=None, database=None)
@given(
    st.integers(FEW, MOST),
    st.integers(0, 300),
    st.lists(st.builds(Used, st.booleans(), st.floats(0, 1)), max_size=80),
)
def test_a_process_has_enough_and_not_too_many(now: int, there: int, used: list[Used]) -> None:
    after = width(now, there, used)
    assert FEW <= after <= max(FEW, min(there, MOST))
    assert after >= min(now, there, MOST) - 1


def test_more_only_while_those_are_full_or_gone() -> None:
    def ours(*loads: float) -> list[Used]:
        return [Used(load >= 0, load) for load in loads]

    assert width(4, 40, ours(0.5, 0.75, 0.75, 0.75)) == 4
    assert width(4, 40, ours(FULL, 0.75, 0.75, 0.75)) == 5
    assert width(4, 4, ours(FULL, 0.75, 0.75, 0.75)) == 4
    assert width(4, 40, ours(0.5, 0.5, -1, -1)) == 6, "two do not answer"
    assert width(6, 40, ours(0.5, 0.5, 0.1, 0.1, -1, -1)) == 6
    assert width(6, 40, ours(*(EMPTY / 2,) * 6)) == 5
    assert width(5, 40, ours(*(EMPTY / 2,) * 4, 0.5)) == 5
    assert width(9, 3, []) == FEW
