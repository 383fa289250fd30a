"""The rules of deploy/monitoring for an operator's Prometheus: `python -m cli.cluster.rules [--check] FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

RULES = Path(__file__).parents[2] / "deploy" / "monitoring"
_HEAD = """\
# Made from deploy/monitoring/*.rules.yml by `python -m cli.cluster.rules FILE`; do not edit.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: parley
  labels:
    app.kubernetes.io/part-of: parley
spec:
  groups:
"""


def text(folder: Path = RULES) -> str:
    """The object: the groups of all files, as they stand there."""
    parts = []
    for path in sorted(folder.glob("*.rules.yml")):
        _, _, groups = path.read_text("utf-8").partition("\ngroups:\n")
        parts += [f"  {line}".rstrip() for line in groups.splitlines()]
    return _HEAD + "\n".join(parts) + "\n"


def main(arguments: list[str]) -> int:
    *options, file = arguments
    if options == ["--check"]:
        same = Path(file).exists() and Path(file).read_text("utf-8") == text()
        if not same:
            print(f"{file} is older than {RULES.name}: python -m cli.cluster.rules {file}", file=sys.stderr)
        return 0 if same else 1
    Path(file).write_text(text(), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
