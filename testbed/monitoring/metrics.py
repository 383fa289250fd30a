"""Every metric that the code declares, read from its sources: no service is imported for that."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

ROOT = Path(__file__).parents[2]
TARGET_LABELS = frozenset({"service", "instance", "job"})
"""What Prometheus adds to every series it scrapes."""

Kind = Literal["Counter", "Gauge", "Histogram"]


@dataclass(frozen=True)
class Metric:
    """`name` as it is asked for: a counter's ends with `_total`, a histogram's is without its endings."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...]
    file: str  # from the root of the project
    buckets: tuple[str, ...] = ()  # values of `le`, as they are asked for

    @property
    def service(self) -> str:
        """Whose it is; empty: of what all services share."""
        folder, _, rest = self.file.partition("/")
        return rest.partition("/")[0] if folder == "services" else ""

    def series(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Each name that can be asked for, with its labels."""
        labels = frozenset(self.labels)
        if self.kind == "Histogram":
            yield f"{self.name}_bucket", labels | {"le"}
            yield f"{self.name}_sum", labels
            yield f"{self.name}_count", labels
        else:
            yield self.name, labels


def declared(root: Path = ROOT) -> list[Metric]:
    """By name. Raises ValueError for a metric whose name, meaning or labels cannot be read off its declaration."""
    found: list[Metric] = []
    for folder in ("parley", "services"):
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text("utf-8")
            if "prometheus_client" in text:
                found += _of(ast.parse(text), str(path.relative_to(root)))
    return sorted(found, key=lambda metric: metric.name)


def _of(tree: ast.Module, file: str) -> Iterator[Metric]:
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    kinds = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client"
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
            if node.func.id not in ("Counter", "Gauge", "Histogram"):
                continue
            yield _metric(node, cast("Kind", node.func.id), file, constants)


def _metric(call: ast.Call, kind: Kind, file: str, constants: dict[str, ast.expr]) -> Metric:
    """`constants`: the values of the module's names, of which buckets may be one."""
    given = {each.arg: each.value for each in call.keywords}
    buckets = given.get("buckets")
    if isinstance(buckets, ast.Name):
        buckets = constants[buckets.id]
    try:
        name, meaning, *labels = (ast.literal_eval(arg) for arg in call.args)
        limits = ast.literal_eval(buckets) if buckets is not None else ()
    except ValueError as e:
        raise ValueError(f"{file}:{call.lineno}: name, meaning, labels and buckets of a metric are written out") from e
    if kind == "Counter" and not name.endswith("_total"):
        name += "_total"
    told = (*(str(float(limit)) for limit in limits), "+Inf") if limits else ()
    return Metric(name, kind, meaning, tuple(labels[0]) if labels else (), file, told)


def known_series(metrics: list[Metric]) -> dict[str, frozenset[str]]:
    """Name of a series -> its labels, those of its target included."""
    return {name: labels | TARGET_LABELS for metric in metrics for name, labels in metric.series()}
