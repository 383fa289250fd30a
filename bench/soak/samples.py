"""What each process holds, read again and again: memory, asyncio tasks, open files; and how fast it grows."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx
import numpy as np
import psutil

from runner.stack import Stack
from testbed.house import samples

KINDS = ("MB", "tasks", "files")


@dataclass(frozen=True)
class Sample:
    """Seconds since the start of the run, and what a process held then. `tasks` is nan for what is not Python."""

    at: float
    held: tuple[float, float, float]


@dataclass
class Watch:
    """`take` reads every process of a stack once."""

    stack: Stack
    began: float = field(default_factory=time.monotonic)
    taken: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))

    async def take(self, http: httpx.AsyncClient) -> None:
        urls = self.stack.metrics_urls()
        for name, pid in self.stack.all_pids().items():
            process = psutil.Process(pid)
            tasks = float("nan")
            if name in urls:
                tasks = samples((await http.get(urls[name])).text).get("voice_tasks{}", tasks)
            held = process.memory_info().rss / 1e6, tasks, float(process.num_fds())
            self.taken[name].append(Sample(time.monotonic() - self.began, held))


@dataclass(frozen=True)
class Growth:
    """Of one process and one kind: what it held at first and at last (medians of a tenth of the samples), the slope an
    hour, and the slope's standard error.
    """

    first: float
    last: float
    per_hour: float
    error: float


def growth(taken: Sequence[Sample], kind: int, since_s: float) -> Growth | None:
    """By least squares over the samples after `since_s`; None when there are fewer than five."""
    points = [(each.at / 3600, each.held[kind]) for each in taken if each.at >= since_s]
    points = [point for point in points if not np.isnan(point[1])]
    if len(points) < 5:
        return None
    at, held = (np.array(column) for column in zip(*points, strict=True))
    slope, start = np.polyfit(at, held, 1)
    rest = held - (slope * at + start)
    spread = float(((at - at.mean()) ** 2).sum())
    error = float(np.sqrt((rest**2).sum() / max(1, len(at) - 2) / spread)) if spread else 0.0
    tenth = max(1, len(held) // 10)
    return Growth(float(np.median(held[:tenth])), float(np.median(held[-tenth:])), float(slope), error)


def table(taken: Mapping[str, Sequence[Sample]], since_s: float) -> str:
    """Markdown: per process and kind, first -> last -> after the calls (the last sample), and growth an hour."""
    lines = [
        "| process | " + " | ".join(f"{kind} first → last → after | {kind} per hour" for kind in KINDS) + " |",
        "|---|" + "--:|" * (2 * len(KINDS)),
    ]
    for name in sorted(taken):
        cells = []
        for kind in range(len(KINDS)):
            found = growth(taken[name][:-1], kind, since_s)
            cells += (
                ["–", "–"]
                if found is None
                else [
                    f"{found.first:.0f} → {found.last:.0f} → {taken[name][-1].held[kind]:.0f}",
                    f"{found.per_hour:+.1f} ± {found.error:.1f}",
                ]
            )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
