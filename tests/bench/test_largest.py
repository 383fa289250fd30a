"""The search for the most calls that one core carries."""

from __future__ import annotations

import re

import pytest

from bench.largest import FAULTY, MOST, carried, largest, named
from bench.run import Result


def result(calls: int, overhead_ms: float = 20, turns: int = 100, **more: object) -> Result:
    return Result("parley", calls, turns=turns, overhead=[overhead_ms] * turns, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [1, 2, 7, 96, 131, 333, MOST])
async def test_the_limit_is_found_within_8_percent_and_few_runs(limit: int) -> None:
    tried = []

    async def run(calls: int) -> Result:
        tried.append(calls)
        return result(calls, overhead_ms=20 if calls <= limit else 900)

    best = await largest(run, start=96)
    assert best is not None
    assert limit / 1.08 <= best.calls <= limit
    assert len(tried) <= 20


async def test_one_bad_run_is_not_believed() -> None:
    bad = {96}

    async def run(calls: int) -> Result:
        slow = calls > 150 or calls in bad
        bad.discard(calls)
        return result(calls, overhead_ms=900 if slow else 20)

    best = await largest(run, start=96)
    assert best is not None
    assert best.calls >= 138


async def test_a_server_that_carries_nothing_has_no_limit() -> None:
    async def run(calls: int) -> Result:
        return result(calls, failures=["busy"])

    assert await largest(run, start=96) is None


def test_what_is_carried() -> None:
    assert carried(result(50))
    assert not carried(result(50, overhead_ms=200)), "too slow"
    assert not carried(result(50, turns=0)), "nothing was measured"
    assert not carried(result(50, failures=["cut off"]))
    assert carried(result(50, lost=1)), "one may be lost"
    assert not carried(result(50, lost=1, gaps=[30.0])), "or have a gap"
    assert carried(result(50, turns=1000, lost=5, gaps=[30.0] * 5))
    assert round(FAULTY * 1000) == 10


def test_the_picture_names_no_place_of_this_machine() -> None:
    frame = (
        "<g><title>process {}:&quot;/home/ann/parley/.venv/bin/python -m {}&quot; (251 samples, 15.32%)</title>"
        '<rect x="0%" y="84"/><text x="0%" y="94.50">{}</text></g>'
    )
    svg = '<text id="title" x="50%">/home/ann/parley/.venv/bin/py-spy record --pid 7</text>'
    svg += frame.format(7, "services.stt -c /tmp/x.conf", "process 7:&quot;/home/ann..")
    svg += frame.format(8, "services.orchestrator", "process 8:&quot;/..") + frame.format(9, "services.rag", "")
    drawn = named(svg, "120 calls")
    assert "/home" not in drawn
    assert "/tmp" not in drawn
    assert re.findall(r"<title>([^<]*)</title>[^<]*<rect[^>]*><text[^>]*>([^<]*)", drawn) == [
        ("services.stt (251 samples, 15.32%)", "services.stt"),
        ("services.orchestrator (251 samples, 15.32%)", "services.orc.."),
        ("services.rag (251 samples, 15.32%)", ""),
    ]
    assert '<text id="title" x="50%">120 calls</text>' in drawn
