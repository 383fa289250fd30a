"""The services' log files, as somebody at a terminal wants them: warnings and errors as they come."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

# How often the files are looked at, and how many lines of one are shown each time; the rest is only counted.
_LOOK_S = 0.25
_MOST_LINES = 20
# The last two: gRPC's own information lines, and what nats-server says of passwords that live for one run.
_BENIGN = re.compile(r"\[(?:debug|info)\s*\]|\[(?:DBG|TRC|INF)\]|^I\d{4} |Plaintext passwords", re.IGNORECASE)
_HIDDEN = ("event", "level", "timestamp", "service")


def readable(line: str) -> str | None:
    """A log line for people, or None when it is nothing to worry about.

    What is not a log line (a traceback, a last word on stderr) is shown as it is.
    """
    try:
        record = json.loads(line)
    except ValueError:
        if not line.strip() or _BENIGN.search(line):
            return None
        return line.rstrip()
    if not isinstance(record, dict):
        return None
    level = str(record.get("level", ""))
    if level not in ("warning", "error", "critical"):
        return None
    details = " ".join(f"{key}={value}" for key, value in record.items() if key not in _HIDDEN)
    return f"{level}: {record.get('event', '')} {details}".rstrip()


def last_error(path: Path) -> str:
    """The last line of a log that tells of trouble: what its process died of, most likely. Empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((text for line in reversed(lines) if (text := readable(line))), "")


async def follow(folder: Path, show: Callable[[str, str], None]) -> None:
    """Call `show(process, text)` for each new line that matters, until cancelled."""
    seen: dict[Path, int] = {}
    while True:
        _look(folder, seen, show)
        await asyncio.sleep(_LOOK_S)


def _look(folder: Path, seen: dict[Path, int], show: Callable[[str, str], None]) -> None:
    for path in sorted(folder.glob("*.log")):
        size = path.stat().st_size
        start = seen.get(path, 0)
        if size < start:  # rotated
            start = 0
        if size > start:
            seen[path] = start + _show_new(path, start, size, show)


def _show_new(path: Path, start: int, size: int, show: Callable[[str, str], None]) -> int:
    """Shows what was added; returns the bytes taken: whole lines only."""
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(min(size - start, 1 << 20))
    end = data.rfind(b"\n") + 1
    if end == 0:
        return len(data) if len(data) == 1 << 20 else 0
    texts = [text for line in data[:end].decode(errors="replace").splitlines() if (text := readable(line))]
    for text in texts[:_MOST_LINES]:
        show(path.stem, text)
    if len(texts) > _MOST_LINES:
        show(path.stem, f"... and {len(texts) - _MOST_LINES} lines more, in {path}")
    return end
