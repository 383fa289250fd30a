"""What is tried: kinds of faults x what is hit x what the call is doing at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from parley.errors import BadInput

LISTENING, MID_WORD, THINKING, TOOL = "listening", "mid-word", "thinking", "tool started"
SPEAKING, PAUSED, INTERRUPTED = "speaking", "paused", "being interrupted"
MOMENTS = (LISTENING, MID_WORD, THINKING, TOOL, SPEAKING, PAUSED, INTERRUPTED)
SOUNDING = (SPEAKING, PAUSED, INTERRUPTED)
WANTED = 20
"""Calls a cell needs."""
NO_FAULT = "none"


@dataclass(frozen=True)
class Row:
    """One fault and what it hits. `moments`: those in which what is hit serves the call at all."""

    kind: str
    target: str
    moments: tuple[str, ...] = MOMENTS
    bound_s: float | None = None
    """Longest extra silence, 95th percentile."""

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.target}"


_MOMENTS = {
    "orchestrator": MOMENTS,
    "stt": MOMENTS,
    "tts": (THINKING, *SOUNDING),
    "llm": (THINKING, *SOUNDING),
    "tools": (TOOL,),
}
_KILL_BOUNDS_S = {"orchestrator": 1.0, "stt": 1.0, "tts": 0.5, "llm": 1.0, "tools": 1.0}
_STILL_BOUND_S = 2.0

BASELINE = Row(NO_FAULT, "all")
CUT = "cut"
VENDORS = {"deepgram": MOMENTS, "openai": (THINKING, *SOUNDING), "elevenlabs": (THINKING, *SOUNDING)}
VENDOR_KINDS = ("hangs up", "errs", "talks garbage", "stalls", "is out")
ROWS = (
    BASELINE,
    *(Row("kill", target, _MOMENTS[target], bound) for target, bound in _KILL_BOUNDS_S.items()),
    Row("kill", "gateway", MOMENTS, 2.0),
    Row("kill", "nats", MOMENTS, 0.0),
    *(Row("freeze", target, moments, _STILL_BOUND_S) for target, moments in _MOMENTS.items()),
    Row("freeze", "nats", MOMENTS, 0.0),
    *(Row("restart", target, moments, 0.0) for target, moments in _MOMENTS.items()),
    Row("restart", "gateway", MOMENTS, 2.0),
    *(Row(CUT, target, moments, _STILL_BOUND_S) for target, moments in _MOMENTS.items()),
    *(Row(kind, vendor, moments) for kind in VENDOR_KINDS for vendor, moments in VENDORS.items()),
)


def cells(wanted: str) -> Iterator[tuple[Row, tuple[str, ...]]]:
    """The rows that `wanted` names (kind, kind/target or kind/target/moment; empty: all), with the moments to try.

    Raises BadInput.
    """
    kind, _, rest = wanted.strip().partition("/")
    target, _, moment = rest.partition("/")
    kind, moment = kind.replace("_", " "), moment.replace("_", " ")
    found = False
    for row in ROWS:
        moments = tuple(each for each in row.moments if moment in ("", each))
        if kind in ("", row.kind) and target in ("", row.target) and moments:
            found = True
            yield row, moments
    if not found:
        known = ", ".join(row.name for row in ROWS)
        raise BadInput(f"CELL={wanted}: no such cell; rows are {known}; moments are {', '.join(MOMENTS)}")
