"""What is drawn of a run: values, limits and legends are there, and nothing breaks for want of data."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.monitoring.pictures import legend
from bench.monitoring.svg import Chart, sheet, shown
from bench.monitoring.traces import Span, picture, richest_turn


def texts(svg: str) -> list[str]:
    return [str(each.text) for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_sheet_shows_numbers_lines_limits_and_why_there_is_nothing() -> None:
    charts = [
        Chart("Now", "short", {"": [(0, 1), (10, 3)]}, number=True),
        Chart("Late", "percentunit", {"": [(10, 0.5)]}, limit=0.02, number=True),
        Chart("Wait", "ms", {"half": [(0, 100), (5, float("nan")), (10, 800)]}, limit=1000),
        Chart("Failures", "times/s", silent="nothing failed"),
        Chart("Odd", "bytes", {"<a> & b": [(0, 0.0), (10, 0.0)]}),
    ]
    svg = sheet("A question?", "About it.", charts, 10)
    told = texts(svg)
    assert {"A question?", "3", "50 %", "half", "nothing failed", "<a> & b", "1,000 ms"} <= set(told)
    assert svg.count("stroke-dasharray") == 1
    assert svg.count("#b82e2e") == 2, "the number over its limit, and the limit's line"


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (0.0213, "percentunit", "2.13 %"),
        (0.0417, "currencyUSD", "$0.0417"),
        (1250, "ms", "1,250 ms"),
        (93_400_000, "bytes", "93 MB"),
        (0.5, "calls/s", "0.5 calls/s"),
        (float("nan"), "ms", "–"),
    ],
)
def test_values_are_told_as_people_read_them(value: float, unit: str, told: str) -> None:
    assert shown(value, unit) == told


def test_legends_are_filled_in_as_grafana_does() -> None:
    assert legend("{{engine}} at {{ service }}", {"engine": "one", "service": "llm"}) == "one at llm"
    assert legend("", {"service": "llm"}) == "llm"


def test_the_turn_that_is_shown_is_one_in_which_most_services_had_a_part() -> None:
    def span(service: str, name: str, call: bytes, n: int, parent: int, begin: float, end: float) -> Span:
        return Span(service, name, call, bytes([n]), bytes([parent]), begin, end, {})

    poor = [span("gateway", "turn", b"a", 1, 0, 0, 1), span("llm", "llm.chat", b"a", 2, 1, 0.2, 0.5)]
    rich = [
        span("gateway", "leg", b"b", 3, 0, 0, 60),
        span("gateway", "turn", b"b", 4, 3, 10, 11),
        span("orchestrator", "round", b"b", 5, 3, 10.1, 10.9),
        span("llm", "llm.chat", b"b", 6, 5, 10.2, 10.8),
        span("tts", "tts.first_audio", b"b", 7, 3, 30, 31),
    ]
    turn, near = richest_turn([*poor, *rich])
    assert turn is rich[1]
    assert near == rich[:4]
    told = texts(picture(turn, near, "One turn"))
    assert {"One turn", "gateway · turn", "llm · llm.chat", "1000 ms", "600 ms"} <= set(told)
    assert richest_turn([]) == (None, [])
