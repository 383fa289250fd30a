"""What a session of trials amounts to, on paper and as exit status."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from testbed.eval.course import Course, Exchange
from testbed.eval.judging import Failure
from testbed.eval.report import Session, as_junit, comparison, lines
from testbed.eval.trials import Trial

GOOD = Trial("a", 1)
BAD = Trial("a", 2, failures=(Failure("turn 1", "says \x07nothing"),))
LOST = Trial("b", 1, error="no model")


def session(*trials: Trial, at_least: float = 1.0, how: str = "text") -> Session:
    return Session("shop", "1.1", "local", how, False, trials, at_least)


@pytest.mark.parametrize(
    ("trials", "at_least", "status"),
    [
        ((GOOD,), 1.0, 0),
        ((GOOD, BAD), 1.0, 1),
        ((GOOD, BAD), 0.5, 0),
        ((GOOD, GOOD, BAD), 2 / 3, 0),
        ((GOOD, LOST), 1.0, 2),
        ((BAD, LOST), 1.0, 1),
        ((LOST,), 0.0, 0),
    ],
)
def test_the_exit_status(trials: tuple[Trial, ...], at_least: float, status: int) -> None:
    assert session(*trials, at_least=at_least).status == status


def test_rates_and_reasons() -> None:
    told = list(lines(session(GOOD, BAD, LOST)))
    assert told[1] == "  FAIL  a  1 of 2  (0.00 s)"
    assert "        run 2:" in told
    assert "        - turn 1: says \x07nothing" in told
    assert "  ----  b  0 of 1  (0.00 s)" in told
    assert told[-1] == "0 of 2 conversations passed, 1 of 3 runs"


def test_latency_is_told_where_it_means_something() -> None:
    heard = Trial("a", 1, Course([Exchange(first_word_ms=ms) for ms in (100.0, 200.0, 300.0)]))
    assert list(lines(session(heard, how="voice")))[-1] == "first word after 200 ms (p50), 290 ms (p95)"
    assert "use --voice" in list(lines(session(heard)))[-1]


def test_two_versions() -> None:
    told = list(comparison(session(GOOD, LOST), session(GOOD, BAD, LOST)))
    assert told[1:] == ["  better  a  50% -> 100%", "  same    b  0% -> 0%"]


def test_what_xml_cannot_hold_is_left_out_of_it() -> None:
    cases = ElementTree.fromstring(as_junit(session(GOOD, BAD)))[0]
    failure = cases[1].find("failure")
    assert failure is not None
    assert failure.get("message") == "turn 1: says nothing"
