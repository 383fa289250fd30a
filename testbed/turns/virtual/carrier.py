"""The carrier between caller and leg: plays what comes, returns marks, takes its time."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

from testbed.telephone.heard import Heard
from testbed.turns.script import Script
from testbed.turns.virtual.time import Do, VirtualTime


class Road:
    """One way: in order, each as late as the script says."""

    def __init__(self, time: VirtualTime, script: Script, seed: int) -> None:
        self._time = time
        self._late_ms, self._jitter_ms = script.latency_ms, script.jitter_ms
        self._random = random.Random(seed)
        self._last = 0.0

    def carry(self, do: Do) -> None:
        if not (self._late_ms or self._jitter_ms):
            do()
            return
        late = (self._late_ms + self._random.random() * self._jitter_ms) / 1000
        self._last = max(self._last, self._time.now + late)
        self._time.at(self._last, do)


class Carrier:
    """The leg's `Wire`. `returned` is told of marks; what sounds is in `heard`."""

    def __init__(self, time: VirtualTime, script: Script) -> None:
        self.heard = Heard(time.now)
        self.returned: Callable[[str], object] = lambda name: None
        self.closed = False
        self._time = time
        self._script = script
        self.up, self._down = Road(time, script, 1), Road(time, script, 2)
        self._pending: deque[str] = deque()

    def send_audio(self, data: bytes) -> None:
        self._down.carry(lambda: self._play(data))

    def clear(self) -> None:
        self._down.carry(self._clear)

    def mark(self, name: str) -> None:
        self._down.carry(lambda: self._mark(name))

    def tell(self, message: dict[str, Any]) -> None:
        """Nothing: a telephone has no screen."""

    def tell_here(self, message: dict[str, Any]) -> None:
        """Nor this."""

    def close(self, code: int, reason: str) -> None:
        self.closed = True

    def _play(self, data: bytes) -> None:
        self.heard.take(data, self._time.now)

    def _clear(self) -> None:
        self.heard.clear(self._time.now)
        while self._pending:
            self._return(self._pending.popleft())

    def _mark(self, name: str) -> None:
        self._pending.append(name)
        self._time.at(max(self._time.now, self.heard.ends), lambda: self._played(name))

    def _played(self, name: str) -> None:
        if name in self._pending:
            self._pending.remove(name)
            self._return(name)

    def _return(self, name: str) -> None:
        if self._script.marks:
            self._time.after(self._script.marks_late_ms, lambda: self.up.carry(lambda: self._told(name)))

    def _told(self, name: str) -> None:
        self.returned(name)
