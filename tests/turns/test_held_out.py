"""The held-out scripts can be read. How many go right is counted by `make bench-turns`, and nobody tunes on it."""

from __future__ import annotations

from pathlib import Path

from testbed.turns.parse import read_all

HELD_OUT = Path(__file__).parents[1] / "heldout" / "turns"


def test_there_are_enough_of_them() -> None:
    assert len(read_all(HELD_OUT)) >= 20
