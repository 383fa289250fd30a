"""What a stand-in sends word for word, for one connection: its steps, in order.

    Script([{"type": "Results"}, {"text": "no JSON"}, {"await": "Finalize"}, {"close": 1011, "reason": "net0000"}])

A mapping with one of these keys is a step; everything else, of any kind, is sent as JSON (NaN is written NaN):

- json      its value, as JSON: for a mapping that looks like a step
- text      a text frame with just this in it
- binary    a binary frame; text is read as base64
- pause_ms  nothing for so long
- audio_ms  waits until so much audio has come, from the beginning of the connection
- await     waits for the next control message of this type
- close     closes with this code (0: without a goodbye), and with `reason`
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

_STEPS = ("json", "text", "binary", "pause_ms", "audio_ms", "await", "close")


class Wire(Protocol):
    """A connection as a script uses it."""

    async def send(self, data: str | bytes) -> None: ...
    async def until(self, holds: Callable[[], bool]) -> None: ...
    async def close(self, code: int, reason: str) -> None: ...
    @property
    def audio_ms(self) -> float: ...
    def controls(self, kind: str) -> int:
        """How many of this type have come."""
        ...


@dataclass(slots=True)
class Script:
    """`times`: how many connections follow it; None: all. `alone`: the stand-in says nothing of its own beside it."""

    steps: Sequence[Any]
    times: int | None = 1
    alone: bool = True

    async def play(self, wire: Wire) -> None:
        """All steps. What a connection that is gone makes of them is nobody's affair."""
        seen: dict[str, int] = {}
        for step in self.steps:
            name = next((key for key in _STEPS if isinstance(step, Mapping) and key in step), "")
            value = step[name] if name else step
            if name == "await":
                seen[value] = seen.get(value, 0) + 1
            await _do(wire, name, value, step, seen.get(value, 0) if name == "await" else 0)


async def _do(wire: Wire, name: str, value: Any, step: Any, count: int) -> None:
    match name:
        case "text":
            await wire.send(str(value))
        case "binary":
            await wire.send(value if isinstance(value, bytes) else base64.b64decode(value))
        case "pause_ms":
            await asyncio.sleep(value / 1000)
        case "audio_ms":
            await wire.until(lambda: wire.audio_ms >= value)
        case "await":
            await wire.until(lambda: wire.controls(value) >= count)
        case "close":
            await wire.close(value, str(step.get("reason", "")))
        case _:
            await wire.send(json.dumps(value))


class Scripts:
    """The scripts that a stand-in will follow, in order."""

    def __init__(self) -> None:
        self._waiting: list[Script] = []

    def add(self, *steps: Any, times: int | None = 1, alone: bool = True) -> None:
        self._waiting.append(Script(steps, times, alone))

    def clear(self) -> None:
        self._waiting.clear()

    def take(self) -> Script | None:
        """The script for a new connection, counted as used."""
        for script in self._waiting:
            if script.times != 0:
                if script.times is not None:
                    script.times -= 1
                return script
        return None
