"""What was measured of each service, and where. The one place for it: `parley size`, `bench.day` and the docs use it.

A call is the bench's: the caller speaks 3 s, hears an answer of 95 characters, and talks over every second one; a turn
every 9 s. Milliseconds are of one core for one second of a call. A test compares the figures with the tables they are
taken from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Profile = Literal["cloud", "local"]

CARRIED = 0.6
"""Of a core: so far the bench loaded one with every service on it, without a slow turn or a gap (65 and 63 %)."""
TURN_S = 9.0
SPEAKS = 0.45
"""Of a call's time the caller, and as much the bot."""
SPOKEN_CHARS = 95
CALL_MB = 0.44
"""All services together, for one call."""

LARGEST = "benchmarks.md, parley+vad at 90 calls"
IDLE = "the same, with an agent that has no tools and no knowledge: too little"
EARLIER = "an earlier run, 81 calls for a process; not repeated, no table"
WHISPER = "whisper.md, a worker with all it can do: 0.23 s for a second of speech"
VOICE = "voices.md, 85 calls that never stop speaking"


@dataclass(frozen=True, slots=True)
class Figure:
    """Of one service. `cpu_ms`: of a core, per call-second. `streams`: open at once for one call, on average.

    `streams` is assumed, but where it is 1. `calls`: what one replica carries; `cores`: what it needs for that, with
    `idle_mb` when nobody calls. `source`: of the CPU time.
    """

    cpu_ms: float
    streams: float
    idle_mb: int
    source: str
    cores: float = 1.0
    calls: int = 0

    @property
    def carries(self) -> int:
        """Calls of one replica."""
        return self.calls or round_down(CARRIED * 1000 * self.cores / self.cpu_ms)

    @property
    def capacity(self) -> int:
        """PARLEY_CAPACITY: streams at once. Where a call has its stream open only now and then, three standard
        deviations more than the mean."""
        mean = self.carries * self.streams
        return max(2, math.ceil(mean + 3 * math.sqrt(max(0.0, mean * (1 - self.streams)))))


def round_down(number: float) -> int:
    """To two digits: 254 is 250."""
    step = 10 ** max(0, int(math.log10(max(1.0, number))) - 1)
    return int(number // step * step)


_CLOUD: Mapping[str, Figure] = {
    "gateway": Figure(2.36, 1.0, 148, LARGEST),
    "orchestrator": Figure(1.07, 1.0, 94, LARGEST),
    "stt": Figure(1.90, 1.0, 152, LARGEST),
    "llm": Figure(0.75, 0.1, 97, LARGEST),
    "tts": Figure(0.78, 0.2, 85, LARGEST),
    "tools": Figure(0.02, 0.05, 106, IDLE),
    "rag": Figure(0.02, 0.05, 241, IDLE),
}
_LOCAL: Mapping[str, Figure] = {
    **_CLOUD,
    "stt": Figure(0.23 * SPEAKS * 1000, 1.0, 152 + 4 * 260, WHISPER, cores=5.0, calls=int(4 / (0.23 * SPEAKS))),
    "llm": Figure(CARRIED * 1000 / 81, 0.1, 97 + 90, EARLIER, calls=81),
    "tts": Figure(15 * SPEAKS, 0.2, 265, VOICE, cores=1.3, calls=int(85 / SPEAKS)),
}
PROFILES: Mapping[Profile, Mapping[str, Figure]] = {"cloud": _CLOUD, "local": _LOCAL}
NATS_MS = 0.07
"""Of a core per call-second, one node."""
BOUNDARIES = {"turn": 2, "tool": 2, "call": 2}
"""State writes to NATS, and event records, one each: a turn ended, an answer heard or cut; a tool asked for and done; a
call opened and ended."""
STATE_BYTES, RECORD_BYTES = 4000, 900
"""Assumed, and as docs/soak.md has them."""
EVENTS_HOURS = 2
"""The stream of events is to hold at least so much of the day's height."""
PEERS = 4
"""Replicas of one service that a process is connected with (`parley/rpc/subset.py`)."""
FRAME_BYTES = 430
"""20 ms of a caller's sound at the carrier: 160 bytes as base64 in JSON, with the headers of WebSocket, TLS and TCP."""
SOUND_BYTES = 9000
"""A second of sound between two services: 8,000, and what it travels in."""
