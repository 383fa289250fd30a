"""docs/metrics.md, made from what the code declares. `python -m cli.generated.metrics_doc [--check] FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from testbed.monitoring.metrics import Metric, declared

TEN = (
    "voice_turn_latency_ms",
    "voice_stt_latency_ms",
    "voice_llm_ttft_ms",
    "voice_tts_ttfb_ms",
    "voice_nlu_latency_ms",
    "voice_calls_total",
    "voice_calls_active",
    "voice_barge_in_total",
    "voice_tool_calls_total",
    "voice_cost_per_call_usd",
)
"""What anybody who runs such a system asks first."""

_HEAD = """# Metrics

Every process shows these at `/metrics` of its `PARLEY_METRICS_PORT`, in Prometheus' text format, with Python's own
`process_*` and `python_*` beside them. This page is made from the code by `make docs`. Each series also has the labels
of its scrape: `service` (gateway, stt, ...), `instance`, `job`. A histogram `x` is asked for as `x_bucket`, `x_sum` and
`x_count`. What is made of them: [monitoring.md](monitoring.md).
"""
_COLUMNS = "\n| Metric | Kind | Labels | Meaning |\n|---|---|---|---|\n"


def document() -> str:
    """The whole page."""
    metrics = declared()
    ten = sorted((metric for metric in metrics if metric.name in TEN), key=lambda metric: TEN.index(metric.name))
    parts = [_HEAD, "\n## The ten to begin with\n", _table(ten), "\n## All services\n"]
    parts.append(_table(metric for metric in metrics if not metric.service and metric.name not in TEN))
    for service in sorted({metric.service for metric in metrics} - {""}):
        parts += [f"\n## {service}\n", _table(metric for metric in metrics if metric.service == service)]
    return "".join(parts)


def _table(metrics: Iterable[Metric]) -> str:
    return _COLUMNS + "".join(map(_row, metrics))


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind.lower()} | {labels} | {metric.meaning} |\n"


def main(arguments: list[str]) -> int:
    check = arguments[:1] == ["--check"]
    path = Path(arguments[-1])
    if not check:
        path.write_text(document(), "utf-8")
        return 0
    if path.exists() and path.read_text("utf-8") == document():
        return 0
    print(f"{path} is not what the code declares: make docs, and commit it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
