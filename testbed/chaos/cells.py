"""What is tried: kinds of faults x what is hit x what the call is doing at that moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from parley.errors import BadInput

LISTENING, MID_WORD, THINKING, TOOL = "listening", "mid-word", "thinking", "tool started"
SPEAKING, PAUSED, INTERRUPTED = "speaking", "paused", "being interrupted"
LOOKUP = "looking up"
"""The beginning of thinking, in which knowledge is asked for: a few milliseconds, so it has moments of its own."""
MOMENTS = (LISTENING, MID_WORD, THINKING, TOOL, SPEAKING, PAUSED, INTERRUPTED)
ANSWERING = (THINKING, SPEAKING, PAUSED, INTERRUPTED)
WANTED = 20
"""Calls a cell needs."""
NO_FAULT, KILL, FREEZE, RESTART, CUT = "none", "kill", "freeze", "restart", "cut"
ALL_NATS = "all nats"

Reasons = Mapping[str, str]
"""Moment -> why there can be no call in it that is served by what is hit."""
_MUTE: Reasons = dict.fromkeys((LISTENING, MID_WORD, TOOL), "nothing is being spoken")
_IDLE: Reasons = dict.fromkeys((LISTENING, MID_WORD, TOOL), "no model is being asked")
_NO_TOOL: Reasons = dict.fromkeys((m for m in MOMENTS if m != TOOL), "no tool is at work")
_NO_LOOKUP: Reasons = dict.fromkeys(MOMENTS, "knowledge is asked for only as a question ends: looking up")
_PASSED_BY: Reasons = dict.fromkeys(
    MOMENTS, "the nodes tell their clients their own addresses, past any proxy; a node that is silent: freeze nats"
)


@dataclass(frozen=True)
class Row:
    """One fault and what it hits. `moments`: those in which what is hit serves the call; `never`: why no others."""

    kind: str
    target: str
    moments: tuple[str, ...] = MOMENTS
    bound_s: float | None = None
    """Longest extra silence, 95th percentile."""
    never: Reasons = field(default_factory=dict)
    note: str = ""
    """What is to be expected, where the figures do not say it by themselves."""

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.target}"

    def beyond(self, moment: str) -> bool:
        """Whether the bound is on the silence beyond the vendor's own time, which begins again with its request."""
        return self.target in ("llm", "tools") or (self.target == "orchestrator" and moment == THINKING)

    def excused(self, moment: str, lost: int, unheard: int) -> int:
        """How many of the caller's lost words are by design: not final when a gateway ended, or said into no ear."""
        if self.target != "gateway" or self.kind not in (KILL, RESTART):
            return 0
        return lost if moment in (MID_WORD, INTERRUPTED) else min(lost, unheard)


_SERVES: Mapping[str, tuple[tuple[str, ...], Reasons]] = {
    "orchestrator": (MOMENTS, {}),
    "stt": (MOMENTS, {}),
    "tts": (ANSWERING, _MUTE),
    "llm": (ANSWERING, _IDLE),
    "tools": ((TOOL,), _NO_TOOL),
    "rag": ((LOOKUP,), _NO_LOOKUP),
}
_KILL_BOUNDS_S = {"orchestrator": 1.0, "stt": 1.0, "tts": 0.5, "llm": 1.0, "tools": 1.0, "rag": 2.0}
_STILL_BOUND_S = 2.0
_STANDS_STILL = (
    "a carrier does nothing about a gateway that is silent: the stream stands still for 5 s and goes on, which is the "
    "extra silence"
)


def _row(kind: str, service: str, bound_s: float) -> Row:
    moments, never = _SERVES[service]
    return Row(kind, service, moments, bound_s, never)


BASELINE = Row(NO_FAULT, "all", (*MOMENTS, LOOKUP))
VENDORS: Mapping[str, tuple[tuple[str, ...], Reasons]] = {
    "deepgram": (MOMENTS, {}),
    "openai": (ANSWERING, _IDLE),
    "elevenlabs": (ANSWERING, _MUTE),
}
VENDOR_KINDS = ("hangs up", "errs", "talks garbage", "stalls", "is slow", "is out")
ROWS = (
    BASELINE,
    *(_row(KILL, service, bound) for service, bound in _KILL_BOUNDS_S.items()),
    Row(KILL, "gateway", MOMENTS, 2.0),
    Row(KILL, "nats", MOMENTS, 0.0),
    Row(KILL, ALL_NATS, MOMENTS, 0.0),
    *(_row(FREEZE, service, _STILL_BOUND_S) for service in _SERVES),
    Row(FREEZE, "gateway", MOMENTS, _STILL_BOUND_S, note=_STANDS_STILL),
    Row(FREEZE, "nats", MOMENTS, 0.0),
    *(_row(RESTART, service, 2.0 if service == "rag" else 0.0) for service in _SERVES),
    Row(RESTART, "gateway", MOMENTS, 2.0),
    Row(RESTART, "nats", MOMENTS, 0.0),
    *(_row(CUT, service, _STILL_BOUND_S) for service in _SERVES),
    Row(CUT, "gateway", MOMENTS, _STILL_BOUND_S, note=_STANDS_STILL),
    Row(CUT, "nats", (), never=_PASSED_BY),
    *(Row(kind, name, moments, never=never) for kind in VENDOR_KINDS for name, (moments, never) in VENDORS.items()),
)


def cells(wanted: str) -> Iterator[tuple[Row, tuple[str, ...]]]:
    """The rows that `wanted` names (kind, kind/target or kind/target/moment; empty: all), with the moments to try.

    Raises BadInput.
    """
    kind, target, moment = (f"{wanted.strip()}//".replace("_", " ").split("/"))[:3]
    found = False
    for row in ROWS:
        moments = tuple(each for each in row.moments if moment in ("", each))
        if kind in ("", row.kind) and target in ("", row.target) and moments:
            found = True
            yield row, moments
    if not found:
        known = ", ".join(row.name for row in ROWS)
        raise BadInput(f"CELL={wanted}: no such cell; rows are {known}; moments are {', '.join(BASELINE.moments)}")
