"""`make chaos ARGS="--succession 120 --seed 1 2 3"`: faults in quick succession, told, and written to docs/chaos.md."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from bench.chaos.report import DOCUMENT
from bench.chaos.store import FOLDER, TOO_LATE_MS
from bench.latency import percentile
from testbed.chaos import town
from testbed.chaos.succession import account as a
from testbed.chaos.succession.chatter import WORD
from testbed.chaos.succession.succession import Succession, succession

CALLS = 6
LOGS = FOLDER / "succession"
"""What the processes told, where something was missed."""
BEGIN, END = "<!-- succession: begin -->", "<!-- succession: end -->"
_HEAD = (
    "| seed | fell (at ears) | calls lost | exchanges: not answered"
    " | interruptions (one word): forgotten / not silenced | caller's words lost (excused)"
    " | bot's words lost / twice (again)"
    " | actions twice (not known)"
    " | silent after p50 / most s |"
)


async def played(seconds: float, seeds: Sequence[int], write: bool) -> None:
    """One run for each seed, on the same processes."""
    town.rehearse()
    runs = []
    listens = ProcessPoolExecutor(1, get_context("spawn"), os.nice, (10,))  # the callers must not wait for it
    with tempfile.TemporaryDirectory() as folder, listens as pool:
        async with town.rig(Path(folder), CALLS, wired=False) as rig:
            for seed in seeds:
                run = await succession(rig, seconds, seed, pool)
                runs.append(run)
                print("\n".join([*run.misses(), _HEAD, line(run)]), flush=True)
                if run.misses():
                    shutil.copytree(rig.stack.logs, LOGS / f"seed-{seed}", dirs_exist_ok=True)
    shown = "\n".join(page(runs))
    print(shown)
    if write:
        text = DOCUMENT.read_text("utf-8")
        DOCUMENT.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{shown}\n{END}", text, flags=re.S), "utf-8")


def page(runs: Sequence[Succession]) -> Iterator[str]:
    """All that stands between the marks of the document."""
    yield _HEAD
    yield f"|---|{'--:|' * (_HEAD.count('|') - 2)}"
    yield from map(line, runs)
    yield ""
    yield (
        f"{len(runs)} runs of {runs[0].seconds:g} s with {runs[0].calls} callers, {time.strftime('%Y-%m-%d')}. The "
        f"rig's own clock was up to {max(run.late_ms for run in runs):.0f} ms late."
    )
    if misses := [miss for run in runs for miss in run.misses()]:
        yield ""
        yield "What was missed:"
        yield from (f"- {miss}" for miss in misses)


def line(run: Succession) -> str:
    accounts = run.accounts
    over = [each for each in accounts if each.silent_s is not None]
    silent = [each.silent_s for each in over if each.silent_s is not None] or [0.0]
    struck = [fell for fell in run.fell if not fell.what.startswith("nothing")]
    values = (
        f"{run.seed}{' (rig late)' if run.late_ms > TOO_LATE_MS else ''}",
        f"{len(struck)} ({sum(bool(fell.why) for fell in struck)})",
        len(run.lost) + _count(accounts, a.LOST),
        f"{len(accounts)}: {_count(accounts, a.UNANSWERED)}",
        f"{len(over)} ({sum(each.kind == WORD for each in over)}): "
        f"{_count(over, a.FORGOTTEN)} / {_count(over, a.UNSILENCED)}",
        f"{_count(accounts, a.WORDS_LOST)} ({sum(each.excused for each in accounts)})",
        f"{_count(accounts, a.BOT_LOST)} / {_count(accounts, a.TWICE)} ({sum(each.again for each in accounts)})",
        f"{_count(accounts, a.DOUBLED)} ({sum(each.unknown for each in accounts)})",
        f"{percentile(silent, 0.5):.2f} / {max(silent):.2f}",
    )
    return f"| {' | '.join(map(str, values))} |"


def _count(accounts: Sequence[a.Account], what: str) -> int:
    return sum(each.has(what) for each in accounts)
