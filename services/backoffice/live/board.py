"""How the calls stand that are up, folded from what their orchestrators tell; and who follows them.

One topic has all calls, and one each call that somebody has opened. News that nobody follows are not taken in.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from parley.v1 import events_pb2
from services.backoffice.live.shapes import Told, call_stored, call_told, line_told, moment_told, tools_told
from services.backoffice.live.topic import Topic

MAX_CALLS = 2_000
SHOWN = 500
MAX_OPEN = 50
MAX_LINES = 500
"""Of one call; older ones stand in its record."""
MAX_TOOLS = 200
SAME_MS = 50
"""Apart from each other two clocks tell of the same moment."""
IDLE_S = 30.0
"""So long a topic that nobody follows is kept for who comes back."""


@dataclass
class Opened:
    """One call that is followed itself: its lines by their number, its tools by their intent."""

    topic: Topic = field(default_factory=Topic)
    lines: dict[int, Told] = field(default_factory=dict)
    tools: dict[int, Told] = field(default_factory=dict)
    hearing: str = ""
    known: bool = False  # its orchestrator has told all of it


class Board:
    """`all` is the topic of all calls."""

    def __init__(self) -> None:
        self.all = Topic()
        self.opened: dict[str, Opened] = {}
        self._calls: dict[str, Told] = {}
        self._heard: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._calls

    @property
    def clients(self) -> int:
        return len(self.all) + sum(len(each.topic) for each in self.opened.values())

    def take(self, told: events_pb2.CallLive) -> None:
        """News from the owner of a call."""
        if told.state == "ended":
            self.gone(told.call_id, told.end_reason, call_told(told))
            return
        self._put(call_told(told))
        if told.HasField("detail") and (opened := self.opened.get(told.call_id)) is not None:
            self._detail(opened, told.call_id, told.detail)

    def stored(self, stored: events_pb2.StoredCall, now_ms: int) -> None:
        """A call of which only its state is known. What its owner told is newer."""
        call_id = stored.state.call_id
        if call_id and call_id not in self._calls and stored.state.floor.WhichOneof("floor") != "ended":
            self._put(call_stored(stored, now_ms), heard=False)

    def felt(self, call_id: str, emotion: str, at_ms: int) -> None:
        """The caller's turn that ended then sounded so. May be said again."""
        call = self._calls.get(call_id)
        if call is not None and call["emotion"] != emotion:
            self._put({**call, "emotion": emotion}, heard=False)
        if (opened := self.opened.get(call_id)) is None:
            return
        for n in sorted(opened.lines, reverse=True):
            line = opened.lines[n]
            if line["who"] == "caller" and line["at_ms"] <= at_ms + SAME_MS:
                if line["emotion"] != emotion:
                    opened.lines[n] = {**line, "emotion": emotion}
                    opened.topic.tell("line", opened.lines[n])
                return

    def _put(self, call: Told, heard: bool = True) -> None:
        call_id = call["call_id"]
        before = self._calls.get(call_id)
        if before is None and len(self._calls) >= MAX_CALLS:
            return
        if before is not None and call["emotion"] is None:
            call["emotion"] = before["emotion"]
        self._calls[call_id] = call
        if heard:
            self._heard[call_id] = time.monotonic()
        self.all.tell("call", call)
        if (opened := self.opened.get(call_id)) is not None:
            opened.topic.tell("call", call)

    def gone(self, call_id: str, reason: str = "", last: Told | None = None) -> None:
        """The call is over."""
        if self._calls.pop(call_id, None) is not None:
            self._heard.pop(call_id, None)
            self.all.tell("gone", {"call_id": call_id})
        if (opened := self.opened.pop(call_id, None)) is not None:
            if last is not None:
                opened.topic.tell("call", last)
            opened.topic.tell("ended", {"call_id": call_id, "reason": reason})
            opened.topic.close("")

    def ids(self) -> list[str]:
        return list(self._calls)

    def calls(self) -> list[Told]:
        """The newest first."""
        return sorted(self._calls.values(), key=lambda call: call["started_at"], reverse=True)

    def all_told(self) -> Told:
        """The snapshot of all."""
        calls = self.calls()
        return {"calls": calls[:SHOWN], "more": max(0, len(calls) - SHOWN)}

    def one_told(self, call_id: str) -> Told:
        """The snapshot of an opened call."""
        opened = self.opened[call_id]
        return {
            "call": self._calls.get(call_id),
            "lines": [opened.lines[n] for n in sorted(opened.lines)],
            "tools": [opened.tools[n] for n in sorted(opened.tools)],
            "hearing": opened.hearing,
        }

    def open(self, call_id: str) -> Opened:
        """Raises nothing: a call that is not up is found out by who asks."""
        return self.opened.setdefault(call_id, Opened())

    def fill(self, call_id: str, stored: events_pb2.StoredCall) -> None:
        """The lines of an opened call as its state has them, until its owner tells them."""
        opened = self.opened.get(call_id)
        if opened is not None and not opened.known and not opened.lines:
            for n, line in enumerate(stored.state.history, stored.state.dropped_lines + 1):
                _line(opened, n, line)

    def let_go(self, now: float) -> None:
        """Forget calls that nobody has followed for a while."""
        for call_id, opened in list(self.opened.items()):
            if not len(opened.topic) and now - opened.topic.empty_since > IDLE_S:
                del self.opened[call_id]

    def clear(self) -> None:
        """Nobody follows anything: what is known is soon no longer true."""
        self._calls.clear()
        self._heard.clear()

    def silent(self, now: float, for_s: float) -> list[str]:
        """Calls of which nothing was told for so long."""
        return [call_id for call_id in self._calls if now - self._heard.get(call_id, 0.0) > for_s]

    def _detail(self, opened: Opened, call_id: str, detail: events_pb2.LiveDetail) -> None:
        tell, hearing = opened.topic.tell, detail.hearing_pii
        if detail.whole:
            opened.lines.clear()
            opened.tools.clear()
            opened.known = True
        changed = [news for each in detail.lines for news in _line(opened, each.n, each.line)]
        if detail.whole:
            opened.hearing = hearing
            tell("snapshot", self.one_told(call_id))
        else:
            for event, data in changed:
                tell(event, data)
            if hearing != opened.hearing:
                opened.hearing = hearing
                tell("hearing", {"text": hearing})
        for moment in detail.moments:
            tell("moment", moment_told(moment))

    def close(self) -> None:
        for topic in (self.all, *(each.topic for each in self.opened.values())):
            topic.close("going away")


def _line(opened: Opened, n: int, line: events_pb2.StateLine) -> list[tuple[str, Any]]:
    """Keep it; gives the events that tell of it."""
    told = line_told(n, line)
    changed: list[tuple[str, Any]] = []
    if (before := opened.lines.get(n)) is not None and before["text"] == told["text"]:
        told["emotion"] = before["emotion"]
    if told["text"] and told != before:
        opened.lines[n] = told
        changed.append(("line", told))
    for tool in tools_told(line):
        if opened.tools.get(tool["intent"]) != tool:
            opened.tools[tool["intent"]] = tool
            changed.append(("tool", tool))
    while len(opened.lines) > MAX_LINES:
        del opened.lines[min(opened.lines)]
    while len(opened.tools) > MAX_TOOLS:
        del opened.tools[min(opened.tools)]
    return changed
