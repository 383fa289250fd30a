"""`kill -USR1 PID`: a process says in its log where each of its tasks stands."""

from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path
from types import AsyncGeneratorType
from typing import Any

import structlog

log = structlog.get_logger()

MOST = 500
"""Tasks told of at once."""


def tell_when_asked() -> None:
    """Call once, in the running loop."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)


def tell() -> None:
    """One log line per task: what it runs, from the outermost coroutine to what it waits for."""
    tasks = asyncio.all_tasks()
    for task in list(tasks)[:MOST]:
        log.info("task", at=" > ".join(_places(task.get_coro())))
    log.info("tasks told of", told=min(len(tasks), MOST), tasks=len(tasks))


def _places(awaited: Any) -> list[str]:
    places = []
    while awaited is not None:
        kind = next((k for k in ("cr", "ag", "gi") if hasattr(awaited, f"{k}_frame")), None)
        if kind is None:
            # What drives an async generator does not name it; the garbage collector knows.
            awaited = next((held for held in gc.get_referents(awaited) if isinstance(held, AsyncGeneratorType)), None)
            continue
        if (frame := getattr(awaited, f"{kind}_frame")) is not None:
            code = frame.f_code
            places.append(f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name}")
        awaited = getattr(awaited, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
    return places
