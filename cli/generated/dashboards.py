"""Grafana's dashboards, made from deploy/monitoring/dashboards/. `python -m cli.generated.dashboards [--check]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from testbed.monitoring.dashboards import FOLDER, Dashboard, Panel, dashboards

OUT = FOLDER / "grafana" / "dashboards"
_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_NUMBER_SIZE, _LINES_SIZE = (6, 4), (12, 8)
_WIDTH = 24


def model(board: Dashboard) -> dict[str, Any]:
    """What Grafana loads: numbers in rows of four, then lines in rows of two."""
    panels: list[dict[str, Any]] = []
    x = y = row = 0
    for number, panel in enumerate(board.panels, 1):
        width, height = _NUMBER_SIZE if panel.look == "number" else _LINES_SIZE
        if x + width > _WIDTH or (row and row != height):
            x, y = 0, y + row
        row = height
        panels.append({"id": number, "gridPos": {"x": x, "y": y, "w": width, "h": height}, **_panel(panel)})
        x += width
    return {
        "uid": f"parley-{board.name}",
        "title": board.title,
        "description": board.about,
        "tags": ["parley"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "links": [{"type": "dashboards", "tags": ["parley"], "title": "The other questions", "asDropdown": True}],
        "panels": panels,
    }


def _panel(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    custom = {
        "fillOpacity": 8,
        "lineWidth": 1,
        "thresholdsStyle": {"mode": "line" if panel.limit is not None else "off"},
    }
    queries = [
        {"refId": chr(ord("A") + n), "datasource": _SOURCE, "expr": each.expr, "legendFormat": each.legend or "__auto"}
        for n, each in enumerate(panel.ask)
    ]
    return {
        "type": "stat" if panel.look == "number" else "timeseries",
        "title": panel.title,
        "description": panel.note,
        "datasource": _SOURCE,
        "targets": queries,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                **({"custom": custom} if panel.look == "lines" else {}),
            },
            "overrides": [],
        },
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value"}
        if panel.look == "number"
        else {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    }


def files() -> dict[Path, str]:
    """Path -> what is to stand there."""
    return {
        OUT / f"{board.name}.json": json.dumps(model(board), indent=1, ensure_ascii=False) + "\n"
        for board in dashboards()
    }


def main(arguments: list[str]) -> int:
    wanted = files()
    strange = [path for path in OUT.glob("*.json") if path not in wanted]
    if arguments != ["--check"]:
        for path in strange:
            path.unlink()
        for path, text in wanted.items():
            path.write_text(text, "utf-8")
        return 0
    old = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in (*old, *strange):
        print(f"{path} is not made from deploy/monitoring/dashboards: make docs, and commit it", file=sys.stderr)
    return 1 if old or strange else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
