"""What a call was doing when the fault struck, and who served it: told by its own timeline and by the stand-ins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psutil

from testbed.chaos import cells
from testbed.chaos.bookings import Booking
from testbed.chaos.scene import Played
from testbed.chaos.talk import said_in

Entries = Sequence[dict[str, Any]]
_LOOKS_S = 1.5
"""A turn that ends so soon after the fault is one whose knowledge is looked for under it."""


def moment_of(entries: Entries, at: float, played: Played, bookings: Iterable[Booking]) -> str:
    """The call's moment at `at` (time.monotonic()); empty when its account does not say. Times of `entries` are ms."""
    before = [entry for entry in entries if entry["at_ms"] / 1000 <= at]
    if played.scene.aimed == cells.LOOKUP:
        ends = [e["at_ms"] / 1000 - at for e in entries if e["what"] == "turn_ended"]
        return cells.LOOKUP if any(0 < soon < _LOOKS_S for soon in ends) else ""
    talking = [line for line, said in played.said if said.sent and said.start <= at <= said.end]
    if sounding(before):
        if any(line.words for line in talking):
            return cells.INTERRUPTED
        return cells.PAUSED if _paused(before) else cells.SPEAKING
    if any(line.words for line in talking):
        return cells.MID_WORD
    if any(booking.at <= at and not 0 < booking.answered_at <= at for booking in bookings):
        return cells.TOOL
    if _last(before, "turn_ended") > max(_last(before, "utterance_started"), 0):
        return cells.THINKING
    if not any(said.sent and said.start <= at for line, said in played.said if line.words):
        return cells.LISTENING
    return ""


def sounding(before: Entries) -> bool:
    """An utterance has begun and is not over."""
    begun = [entry for entry in before if entry["what"] == "utterance_started"]
    if not begun:
        return False
    last = begun[-1]
    over = (e for e in before if e["what"] == "heard" and e["utterance"] == last["utterance"])
    return not any(entry["at_ms"] >= last["at_ms"] for entry in over)


def _paused(before: Entries) -> bool:
    return _last(before, "paused") > max(_last(before, "resumed"), _last(before, "utterance_started"))


def _last(before: Entries, what: str) -> float:
    return max((entry["at_ms"] for entry in before if entry["what"] == what), default=0.0)


def told(entries: Entries, played: Played) -> Iterator[str]:
    """A scene's account in lines, for people: seconds from its beginning, and what was."""
    for line, said in played.said:
        yield f"caller {said.start - played.began:.3f}-{said.end - played.began:.3f} {line.text}"
    for entry in entries:
        at = entry["at_ms"] / 1000 - played.began
        if at > -_LOOKS_S:
            rest = " ".join(f"{key}={value}" for key, value in entry.items() if key not in ("at_ms", "what"))
            yield f"{at:.3f} {entry['what']} {rest}"


def mind_of(entries: Entries, at: float) -> str:
    """Address of the orchestrator that owned the call."""
    minds = [entry["address"] for entry in entries if entry["what"] == "mind" and entry["at_ms"] / 1000 <= at]
    return minds[-1] if minds else ""


def gateway_of(entries: Entries, at: float) -> str:
    """The gateway that had the call, by its newest entry."""
    told = [entry["gateway"] for entry in entries if entry["at_ms"] / 1000 <= at]
    return str(told[-1]) if told else ""


def ports_of(pid: int) -> set[int]:
    """The local ports of a process' connections: how a stand-in's client is recognised."""
    return {connection.laddr.port for connection in psutil.Process(pid).net_connections("tcp")}


def open_then(records: Iterable[Any], ports: set[int] | None, at: float) -> list[Any]:
    """What a stand-in was serving at that time, to the process with these ports, or to all (None)."""
    return [r for r in records if (ports is None or r.port in ports) and r.at <= at and not 0 < r.over_at <= at]


def begun_again_s(requests: Iterable[Any], at: float) -> float:
    """How long the model's broken-off answer had been on its way, where it was asked for anew: that is lost time."""
    mine = list(requests)
    later = {_question(r) for r in mine if r.at > at}
    return max((at - r.at for r in open_then(mine, None, at) if _question(r) in later), default=0.0)


def done_again_s(bookings: Iterable[Booking], at: float) -> float:
    """The same of a tool's effect."""
    mine = list(bookings)
    later = {booking.mark for booking in mine if booking.at > at}
    before = (b for b in mine if b.at <= at and not 0 < b.answered_at <= at)
    return max((at - booking.at for booking in before if booking.mark in later), default=0.0)


def waited_out(records: Iterable[Any], at: float, lasts_s: float) -> bool:
    """Whether what was open then was still wanted so much later."""
    return any(r.over_at == 0 or r.over_at >= at + lasts_s for r in open_then(records, None, at))


def _question(request: Any) -> str:
    said = [said_in(message) for message in request.body["messages"] if message["role"] == "user"]
    return next((line for line in reversed(said) if line), "")


def said_to(requests: Iterable[Any], model: str, since: float, until: float) -> list[dict[str, Any]]:
    """What a caller's model was asked in this time."""
    return [r.body for r in requests if r.body.get("model") == model and since <= r.at <= until]
