"""The recording of what a caller hears, as tables."""

from __future__ import annotations

import pytest

from cli.calling.timeline import spurts
from testbed.telephone.heard import Heard
from tests.cli.gateway import tone

QUIET = b"\xff"


def test_audio_plays_in_order_as_soon_as_it_can() -> None:
    heard = Heard(100.0)
    heard.take(tone(100), 100.5)
    heard.take(tone(100), 100.51)
    heard.take(tone(100), 101.0)
    assert [piece.start for piece in heard.pieces] == pytest.approx([100.5, 100.6, 101.0])
    assert heard.gaps() == [pytest.approx((100.7, 300.0))]
    whole = heard.mulaw()
    assert len(whole) == 8800
    assert spurts(whole, 0.05) == [pytest.approx((0.5, 0.7), abs=0.002), pytest.approx((1.0, 1.1), abs=0.002)]
    assert spurts(whole, 0.5) == [pytest.approx((0.5, 1.1), abs=0.002)]
    assert spurts(b"") == []


def test_of_a_long_call_the_end_is_enough() -> None:
    heard = Heard(100.0)
    for n in range(20):
        heard.take(bytes([n]) * 800, 100.5 + n / 10)
    whole = heard.mulaw()
    assert heard.mulaw(since=101.05) == whole[round(1.05 * 8000) :]
    assert heard.mulaw(102.0, 101.05) == whole[round(1.05 * 8000) : 16000]
    assert heard.mulaw(101.0, 101.5) == b""
    assert heard.mulaw(since=99.0) == whole
    heard.clear(102.45)
    heard.forget(101.05)
    assert (len(heard.pieces), heard.born, len(heard.clears)) == (15, 101.05, 1)
    assert heard.mulaw() == whole[round(1.05 * 8000) : round(2.45 * 8000)]
    heard.forget(101.0)
    assert heard.born == 101.05, "what is gone does not come back"


def test_a_clear_takes_back_what_has_not_sounded() -> None:
    heard = Heard(0.0)
    heard.take(tone(100), 1.0)
    heard.take(tone(100), 1.0)
    heard.clear(1.05)
    heard.take(tone(50), 1.06)
    assert [len(piece.data) for piece in heard.pieces] == [400, 0, 400]
    assert heard.clears[0].dropped_ms == pytest.approx(150)
    assert heard.pieces[-1].start == 1.06
    assert heard.gaps() == []


def test_what_has_sounded_by_a_moment_is_told_without_the_holes() -> None:
    heard = Heard(0.0)
    heard.take(b"a" * 800, 1.0)
    heard.take(b"b" * 800, 1.2)
    heard.take(b"c" * 800, 1.2)
    assert heard.sounded(1.0) == b""
    assert heard.sounded(1.225) == b"a" * 800 + b"b" * 200
    heard.clear(1.25)
    assert heard.sounded(2.0) == b"a" * 800 + b"b" * 400


def test_silence_that_was_sent_is_not_heard() -> None:
    heard = Heard(0.0)
    heard.take(QUIET * 800 + tone(100) + QUIET * 800, 1.0)
    assert heard.first_audible(0.0) == pytest.approx(1.1, abs=0.001)
    assert heard.first_audible(1.15) == pytest.approx(1.15, abs=0.001)
    assert heard.first_audible(1.21) is None
    assert heard.last_audible() == pytest.approx(1.2, abs=0.001)
