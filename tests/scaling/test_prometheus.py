"""The recording rules give what the rule gives, and the file in the repository is made from it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from cli.scaling.prometheus import EVERY_S, text
from cli.scaling.rule import NUMBERS, arriving, forecast, holding, need, needed, per_call, wanted

FILE = Path(__file__).parents[2] / "deploy/monitoring/scaling.rules.yml"
CAPACITY = {"gateway": 250, "stt": 240, "llm": 40}
EACH = {"gateway": 1.0, "stt": 1.0, "llm": 0.2}
LENGTH_S = 200
MOMENTS = (2700, 3300, 4200)


def test_the_file_is_made_from_the_rule() -> None:
    assert FILE.read_text("utf-8") == text(), f"run: python -m cli.scaling.prometheus {FILE}"


def _began(calls: Sequence[float]) -> list[float]:
    """Calls begun so far, at each step: those that are more, and for each that ended another."""
    total, found = calls[0], [calls[0]]
    for before, now in pairwise(calls):
        total += max(0.0, now - before) + EVERY_S * now / LENGTH_S
        found.append(total)
    return found


def _rule(calls: Sequence[float], begun: Sequence[float], service: str, step: int) -> int:
    """`wanted` as the rule says it from the same samples."""

    def rate(at: int, window: int) -> float:
        return (begun[at] - begun[at - window // EVERY_S]) / window

    def coming(at: int) -> float:
        short = NUMBERS.arrivals_s
        return arriving(rate(at, short), rate(at - short // EVERY_S, short), rate(at, NUMBERS.arrivals_long_s))

    def then(at: int) -> int:
        past = calls[at - NUMBERS.average_s // EVERY_S : at + 1]
        average = sum(past) / len(past)
        each = per_call(EACH[service] * average, average)
        open_soon = forecast(calls[at], coming(at), holding(average, rate(at, NUMBERS.average_s)))
        return needed(need(open_soon, each, EACH[service] * calls[at]), CAPACITY[service])

    return wanted(then(at) for at in range(step - NUMBERS.stable_s // EVERY_S, step + 1))


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is missing: install the package prometheus")
def test_prometheus_asks_for_what_the_rule_asks_for(tmp_path: Path) -> None:
    steps = range(MOMENTS[-1] // EVERY_S + 1)
    courses = {
        "steady": [800.0 for _ in steps],
        "rising": [10.0 * step for step in steps],
        "falling at the end": [1900.0 if step < 200 else 400.0 for step in steps],
        "nobody calls": [0.0 for _ in steps],
    }
    cases = []
    for name, calls in courses.items():
        begun = _began(calls)
        series = {'voice_calls_begun_total{service="gateway"}': begun}
        for service, each in EACH.items():
            series[f'voice_load{{service="{service}",pod="a"}}'] = [each * now for now in calls]
            series[f'voice_capacity{{service="{service}",pod="a"}}'] = [float(CAPACITY[service])] * len(calls)
        expected = [
            {
                "expr": "parley:replicas_wanted",
                "eval_time": f"{moment}s",
                "exp_samples": [
                    {
                        "labels": f'parley:replicas_wanted{{service="{service}"}}',
                        "value": _rule(calls, begun, service, moment // EVERY_S),
                    }
                    for service in EACH
                ],
            }
            for moment in MOMENTS
        ]
        inputs = [{"series": key, "values": " ".join(map(str, values))} for key, values in series.items()]
        cases.append({"name": name, "interval": f"{EVERY_S}s", "input_series": inputs, "promql_expr_test": expected})
    test = {"rule_files": [str(FILE)], "evaluation_interval": f"{EVERY_S}s", "tests": cases}
    file = tmp_path / "scaling.test.yml"
    file.write_text(yaml.safe_dump(test))
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
