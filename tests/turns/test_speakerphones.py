"""A sample of the calls on a speakerphone; `python -m tests.turns.speakerphones` plays all of them."""

from __future__ import annotations

import random

import pytest

from testbed.turns.judge import complaints
from testbed.turns.virtual.play import play
from testbed.vendors.wordcodec import words_of
from tests.turns.speakerphones import LENGTHS, Speakerphone, family, silent_after_ms

_QUIET = random.Random(1).sample([x for x in family(range(7, 9), talks=False) if x.length < LENGTHS[-1]], 12)
_LONG = random.Random(2).sample([x for x in family(range(7, 9), talks=False) if x.length == LENGTHS[-1]], 1)
_TALKS = random.Random(3).sample([x for x in family(range(7, 9), talks=True) if x.mishears.kind != "late"], 12)


@pytest.mark.parametrize("each", [*_QUIET, *_LONG], ids=lambda x: x.name)
async def test_an_echo_takes_no_turn(each: Speakerphone) -> None:
    """However it is misheard. Of the first second of the greeting, when nothing is known yet, a word may be left."""
    record = await play(each.script, mishears=each.mishears)
    assert not [wrong for wrong in complaints(record, 0) if "finishes" in wrong], record.shown()
    assert words_of(record.asked[-1].caller_turns[-1])[-2:] == ["please", "explain"]


@pytest.mark.parametrize("each", _TALKS, ids=lambda x: x.name)
async def test_who_speaks_over_an_echo_is_heard(each: Speakerphone) -> None:
    """At once, as a rule; and their words are the turn, with at most one of the echo's beside them."""
    record = await play(each.script, mishears=each.mishears)
    assert not [wrong for wrong in complaints(record, 0) if "stops" in wrong], record.shown()
    said, turn = words_of(each.says), words_of(record.asked[-1].caller_turns[-1])
    assert [word for word in turn if word in said] == said
    assert len(turn) <= len(said) + 1
    assert silent_after_ms(record) is not None
