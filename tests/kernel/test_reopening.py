"""The rules by which lost streams are opened again, of all who have some: what is done about the n-th loss in a row."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import NamedTuple

import pytest

from parley.errors import (
    AtCapacity,
    BadInput,
    Misconfigured,
    NotAllowed,
    NotFound,
    ParleyError,
    Superseded,
    TooLate,
    Unavailable,
    VendorLost,
)
from parley.rpc.reopening import NOBODY_S, Next, Reopening, Rules
from services.gateway.ears.ears import STREAMS as EARS
from services.gateway.leg.line import STREAMS as LINE
from services.gateway.voice.synthesis import STREAMS as VOICE
from services.orchestrator.run.organs import CHAT, EXECUTE

MODEL = replace(CHAT, tries=3)  # at three replicas
ALL = {"ears": EARS, "mind": LINE, "voice": VOICE, "model": MODEL, "tool": EXECUTE}
GONE = Unavailable("gone")


class Lost(NamedTuple):
    """What became of one stream."""

    lived_s: float = 0.05
    proven: bool = False
    taken: bool = True
    moved: bool = False
    owed: bool = False
    error: ParleyError = GONE


SHORT, GOOD, NOBODY = Lost(), Lost(proven=True), Lost(taken=False, lived_s=1.0)


def played(rules: Rules, losses: list[Lost]) -> list[Next]:
    """To the end that the rules make of it."""
    now = 1_000.0
    rule = Reopening(rules, now)
    told: list[Next] = []
    for n, lost in enumerate(losses):
        if lost.taken:
            rule.opened(now)
        now += lost.lived_s
        if lost.proven:
            rule.proven()
        if lost.moved:
            rule.moved(now)
        told.append(rule.ended(lost.error, f"host:{n % 2}" if lost.taken else None, now, lost.owed))
        if told[-1].pause_s is None or (told[-1].gives_up and not rules.persists):
            break
        now += told[-1].pause_s
    return told


def gives_up_at(rules: Rules, losses: list[Lost]) -> int | None:
    """The number of the loss, from 1."""
    return next((n for n, then in enumerate(played(rules, losses), 1) if then.gives_up), None)


@pytest.mark.parametrize(
    ("who", "losses", "at"),
    [
        ("ears", [SHORT] * 4, None),
        ("ears", [SHORT] * 9, range(5, 9)),  # 6 s after the first, by the pauses
        ("ears", [Lost(lived_s=20.0)] * 50, None),  # nobody speaks
        ("ears", [Lost(lived_s=4.0, owed=True)] * 5, 3),  # a voice without a word, again
        ("ears", [NOBODY] * 9, range(5, 8)),
        ("mind", [GOOD] * 29, None),
        ("mind", [GOOD] * 40, 30),
        ("mind", [Lost(proven=True, lived_s=3.0)] * 500, None),  # rolling deploys
        ("mind", [Lost(lived_s=3.0)] * 5, 4),  # takes the call and says nothing
        ("mind", [NOBODY] * 20, range(9, 12)),
        ("voice", [SHORT] * 9, 4),
        ("voice", [SHORT, SHORT, Lost(proven=True, moved=True)] * 6, None),
        ("voice", [Lost(proven=True, moved=True)] * 30, 20),
        ("voice", [Lost(proven=True, lived_s=9.0)], 1),  # its last sound was 9 s ago
        ("voice", [NOBODY] * 20, range(7, 10)),
        ("model", [SHORT] * 9, 3),
        ("model", [Lost(lived_s=60.0)] * 9, 3),
        ("model", [SHORT, GOOD, SHORT], 2),  # an answer has one author
        ("model", [SHORT, NOBODY, SHORT], 2),
        ("tool", [SHORT] * 9, 7),
        ("tool", [Lost(lived_s=60.0)] * 9, 7),
        ("tool", [NOBODY] * 20, range(9, 12)),
    ],
)
def test_how_often_what_is_lost_is_opened_again(who: str, losses: list[Lost], at: int | range | None) -> None:
    """A range: where pauses, which are spread, decide."""
    found = gives_up_at(ALL[who], losses)
    assert found in at if isinstance(at, range) else found == at


@pytest.mark.parametrize("who", ALL)
def test_behind_one_lost_stream_the_next_is_opened_at_once_and_elsewhere(who: str) -> None:
    rule = Reopening(ALL[who], 0.0)
    rule.opened(0.0)
    then = rule.ended(GONE, "host:1", 1.0)
    assert then.pause_s is not None
    assert then.pause_s <= 0.13
    assert not then.gives_up
    assert rule.avoid == ["host:1"]


@pytest.mark.parametrize("who", ["ears", "mind", "voice"])
def test_a_stream_that_proved_good_is_as_the_first(who: str) -> None:
    told = played(ALL[who], [SHORT, SHORT, Lost(proven=True, moved=True), SHORT])
    assert told[1].pause_s > 2 * told[2].pause_s  # type: ignore[operator]
    again = Reopening(ALL[who], 0.0)
    for address in ("host:1", "host:2"):
        again.opened(0.0)
        again.ended(GONE, address, 0.1)
    again.opened(0.1)
    again.proven()
    again.ended(GONE, "host:3", 0.2)
    assert again.avoid == ["host:3"]


@pytest.mark.parametrize("who", ALL)
def test_where_nobody_is_somebody_is_asked_for_soon(who: str) -> None:
    (then,) = played(ALL[who], [NOBODY])
    assert then.gives_up == (who == "model")  # its round has retries of its own
    assert then.pause_s is not None
    assert 0.7 * NOBODY_S <= then.pause_s <= 1.3 * NOBODY_S


REFUSED = {BadInput, Misconfigured, NotAllowed, NotFound}
KINDS = [ParleyError, BadInput, Misconfigured, NotAllowed, NotFound, Superseded, TooLate, AtCapacity, Unavailable]
HOPELESS = {
    "ears": REFUSED,
    "mind": REFUSED | {Superseded},
    "voice": REFUSED,
    "model": {*KINDS} - {Unavailable, AtCapacity},
    "tool": {*KINDS} - {Unavailable, AtCapacity},
}


@pytest.mark.parametrize("kind", [*KINDS, VendorLost])
@pytest.mark.parametrize("who", ALL)
def test_what_is_hopeless_is_not_tried_again(who: str, kind: type[ParleyError]) -> None:
    (then,) = played(ALL[who], [Lost(error=kind("no"))])
    assert then.gives_up == (kind in HOPELESS[who])
    assert (then.pause_s is None) == then.gives_up


@pytest.mark.parametrize("who", ALL)
def test_whatever_happens_there_is_a_bound(who: str) -> None:
    """None loops: each gives up, or is as slow as it says."""
    rules = ALL[who]
    good = (GOOD, Lost(lived_s=0.0, proven=True, moved=True)) if who != "tool" else ()  # it ends with what proves it
    for lost in (SHORT, Lost(lived_s=0.0), NOBODY, *good):
        told = played(rules, [lost] * 200)
        if rules.persists:
            assert sum(then.pause_s or 0.0 for then in told[-20:]) > 0.7 * 20 * NOBODY_S
            assert any(then.gives_up for then in told) or lost.proven
        else:
            assert told[-1].gives_up
            assert len(told) <= 30


def test_who_persists_gives_up_once_until_it_works_again() -> None:
    told = played(EARS, [SHORT] * 12 + [GOOD] + [SHORT] * 12)
    assert [then.gives_up for then in told].count(True) == 2


def test_who_waits_is_told_in_time_that_he_waits_in_vain() -> None:
    """A pause is not longer than what is left of the patience."""
    rules = Rules(pauses_s=(60.0,), give_up_s=5.0)
    first, second = played(rules, [SHORT, SHORT])
    assert first.pause_s is not None
    assert first.pause_s <= 5.0
    assert second.gives_up


def test_without_a_limit_of_time_nothing_is_hurried() -> None:
    (then,) = played(Rules(pauses_s=(60.0,)), [SHORT])
    assert then.pause_s is not None
    assert 42.0 <= then.pause_s < inf
