"""The rule as Prometheus recording rules: `python -m cli.scaling.prometheus deploy/monitoring/scaling.rules.yml`.

They read four metrics of the platform, with the label `service` of the scrape job: `voice_load` (calls or streams in
use), `voice_capacity` (what a replica takes), and of the gateway `voice_calls_begun_total` and
`voice_refused_total{reason="full"}`. An autoscaler asks for `parley:replicas_wanted{service="..."}` and divides by 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cli.scaling.rule import NUMBERS, Numbers

EVERY_S = 15
_HEAD = """\
# Made from cli/scaling/rule.py by `python -m cli.scaling.prometheus FILE`; do not edit.
# What each step means stands there. docs/scaling.md
groups:
  - name: parley-scaling
    interval: {every}s
    rules:
"""


def larger(one: str, other: str) -> str:
    """The larger of two vectors with the same labels."""
    return f"({one}) > ({other}) or ({other})"


def rules(numbers: Numbers = NUMBERS) -> dict[str, str]:
    """Expressions by the name they are recorded under, each after those that it needs."""
    n = numbers
    begun = f'sum(rate(voice_calls_begun_total{{service="gateway"}}[{n.average_s}s]))'
    average = f"[{n.average_s}s]"
    chance = f"{n.doubt:g} * sqrt((parley:arrivals + parley:arrivals_before) / {n.arrivals_s})"
    rise = f"clamp_min(parley:arrivals - parley:arrivals_before - {chance}, 0) / {n.arrivals_s}"
    calls = f"avg_over_time(parley:calls{average})"
    streams = "parley:streams_per_call * on() group_left() parley:calls_forecast"
    return {
        "parley:calls": 'sum(voice_load{service="gateway"})',
        "parley:load": "sum by (service) (voice_load)",
        "parley:capacity": "max by (service) (voice_capacity)",
        "parley:arrivals": _came(f"[{n.arrivals_s}s]"),
        "parley:arrivals_before": _came(f"[{n.arrivals_s}s] offset {n.arrivals_s}s"),
        "parley:arrivals_long": _came(f"[{n.arrivals_long_s}s]"),
        "parley:arriving": larger(
            f"parley:arrivals + {rise} * {n.lead_s + n.arrivals_s / 2:g}", "parley:arrivals_long"
        ),
        "parley:holding_s": f"clamp(({calls} / {begun}) > 0, {n.shortest_s:g}, {n.longest_s:g})"
        f" or vector({n.holding_s:g})",
        "parley:staying": f"exp(-{n.lead_s:g} / parley:holding_s)",
        "parley:calls_coming": "parley:arriving * parley:holding_s * (1 - parley:staying)",
        "parley:calls_forecast": larger(
            f"parley:calls * parley:staying + parley:calls_coming + {n.margin:g}"
            " * sqrt(parley:calls * parley:staying * (1 - parley:staying) + parley:calls_coming)",
            "parley:calls",
        ),
        "parley:streams_per_call": f"clamp_max(avg_over_time(parley:load{average}) / on() group_left() ({calls} > 0),"
        f" {n.most_per_call:g}) or parley:load * 0 + 1",
        "parley:need": larger(
            f"{streams} + {n.margin:g} * sqrt(clamp_min({streams} * (1 - parley:streams_per_call), 0))", "parley:load"
        ),
        "parley:replicas_needed": larger(
            f"ceil(parley:need / (parley:capacity * {n.fill:g}))", f"ceil(parley:need / parley:capacity) + {n.spare}"
        ),
        "parley:replicas_wanted": f"clamp(floor({1 + n.tolerance:g} * (max_over_time(parley:replicas_needed"
        f"[{n.stable_s}s]) - 1)) + 1, {n.least}, {n.most})",
    }


def _came(window: str) -> str:
    """Calls a second that came, those that found no room among them."""
    begun = f'sum(rate(voice_calls_begun_total{{service="gateway"}}{window}))'
    refused = f'sum(rate(voice_refused_total{{service="gateway",reason="full"}}{window}))'
    return f"{begun} + ({refused} or vector(0))"


def text(numbers: Numbers = NUMBERS) -> str:
    """The file."""
    rows = [f"      - record: {name}\n        expr: >-\n          {expr}\n" for name, expr in rules(numbers).items()]
    return _HEAD.format(every=EVERY_S) + "".join(rows)


def main() -> None:
    """`--check`: exit status 1 when the file is another."""
    arguments = [each for each in sys.argv[1:] if each != "--check"]
    if len(arguments) != 1:
        sys.exit("usage: python -m cli.scaling.prometheus [--check] FILE")
    file = Path(arguments[0])
    if "--check" not in sys.argv:
        file.write_text(text(), "utf-8")
    elif not file.exists() or file.read_text("utf-8") != text():
        sys.exit(f"{file} is not what cli/scaling/rule.py says; run: python -m cli.scaling.prometheus {file}")


if __name__ == "__main__":
    main()
