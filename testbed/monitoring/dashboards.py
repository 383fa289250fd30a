"""The dashboards as they are written down in deploy/monitoring/dashboards/, one file for one question."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parents[2] / "deploy" / "monitoring"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Query(_Strict):
    """`quiet`: why it may have no answer in a house in which all is well; empty: it has one."""

    expr: str
    legend: str = ""
    quiet: str = ""


class Panel(_Strict):
    """`number`: the newest value; `lines`: over time. `unit`: of Grafana, or a word. `limit`: not to be passed."""

    title: str
    look: Literal["number", "lines"] = Field(alias="as")
    unit: str
    ask: list[Query] = Field(min_length=1)
    note: str = ""
    limit: float | None = None


class Dashboard(_Strict):
    """`name`: of its file."""

    name: str
    title: str
    about: str
    panels: list[Panel] = Field(min_length=1)


def dashboards(folder: Path = FOLDER / "dashboards") -> list[Dashboard]:
    """All of them, by name. Raises ValidationError."""
    return [
        Dashboard(name=path.stem, **yaml.safe_load(path.read_text("utf-8"))) for path in sorted(folder.glob("*.yaml"))
    ]
