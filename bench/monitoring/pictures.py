"""The dashboards, drawn once from what a real Prometheus has seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bench.monitoring.prometheus import Labels, Prometheus, plain
from bench.monitoring.svg import Chart, Point, sheet
from testbed.monitoring.dashboards import Dashboard, Panel

_HOLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


async def draw(prometheus: Prometheus, boards: list[Dashboard], since: float, until: float) -> dict[str, str]:
    """One SVG for each dashboard, by its name. Times in unix seconds."""
    drawn = {}
    for board in boards:
        charts = [await chart(prometheus, panel, since, until) for panel in board.panels]
        drawn[board.name] = sheet(board.title, board.about, charts, until - since)
    return drawn


def keep(drawn: Mapping[str, str], folder: Path | None) -> None:
    """Write them there, if a folder was named."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, svg in drawn.items():
            (folder / f"{name}.svg").write_text(svg, "utf-8")


async def chart(prometheus: Prometheus, panel: Panel, since: float, until: float) -> Chart:
    lines: dict[str, list[Point]] = {}
    silent = ""
    for query in panel.ask:
        found = await prometheus.over(plain(query.expr), since, until)
        silent = silent or ("" if found else query.quiet)
        for labels, values in found:
            lines[legend(query.legend, labels)] = [(at - since, value) for at, value in values]
    return Chart(panel.title, panel.unit, lines, panel.limit, panel.look == "number", silent)


def legend(template: str, labels: Labels) -> str:
    """As Grafana fills it in."""
    return _HOLE.sub(lambda hole: labels.get(hole[1], ""), template) if template else " ".join(labels.values())
