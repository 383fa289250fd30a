"""What came of a call, as far as its events tell by themselves. Pure.

transferred  somebody else has the caller, or was about to
failed       the bot could not go on: no ears, no model, or its process was lost
abandoned    the caller said nothing, or left before an answer
resolved     a tool did what it was asked for, and the caller was answered to the end
answered     the caller was answered to the end; whether it helped nobody knows
"""

from __future__ import annotations

from services.backoffice.records.call import Call
from services.backoffice.watchers.outcomes.outcome import Outcome

_COULD_NOT = ("no answer could be made", "no ears")
_LEFT = ("the caller was silent",)


def outcome(call: Call) -> Outcome:
    return Outcome(_outcome(call), _summary(call))


def _outcome(call: Call) -> str:
    if call.ended_by == "transfer":
        return "transferred"
    if call.ended_by == "lost" or call.reason in _COULD_NOT:
        return "failed"
    turns = [turn for turn in call.real_turns() if turn.by != "keys"]
    if not turns or call.reason in _LEFT:
        return "abandoned"
    last = max(line.nr for line in call.lines if line.who == "caller") if call.lines else 0
    answered = any(line.who == "bot" and line.kind != "filler" and line.nr > last and line.heard for line in call.lines)
    if not answered:
        return "abandoned"
    return "resolved" if any(tool.status == "ok" for tool in call.tools) else "answered"


def _summary(call: Call) -> str:
    """Without anything that was said."""
    turns = sum(1 for _ in call.real_turns())
    parts = [f"The caller spoke {turns} time{'' if turns == 1 else 's'}."]
    if call.tools:
        parts.append(f"Tools: {', '.join(f'{tool.name} {tool.status}' for tool in call.tools[:10])}.")
    parts.append(f"Ended by {call.ended_by or 'nobody'}{f': {call.reason}' if call.reason else ''}.")
    return " ".join(parts)
