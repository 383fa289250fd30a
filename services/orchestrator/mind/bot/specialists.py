"""Who has the call: the agent itself, or one of its specialists. How it is given on, and what each may do.

A model gives the call on with the tool `hand_over`, which is nobody's tool: it is done here, and no model is told of
it afterwards. What the caller said may also be known to be for somebody before a model is asked (`routed`). Both
keep what was collected. Nothing is said. Whose a tool is, a model cannot change: another one's is refused.
"""

from __future__ import annotations

import json
from dataclasses import replace

from parley.text.words import clipped_bytes
from services.orchestrator.mind import events
from services.orchestrator.mind.actions import Outcome, Then, ToolUse
from services.orchestrator.mind.effects import Effect, HandOver, Store
from services.orchestrator.mind.policy import Variable
from services.orchestrator.mind.state import Ahead, Answering, Call, Handover, Spent

FRONT = "front"  # what models and figures call the agent itself
HAND_OVER = "hand_over"
ESCALATE = "escalate"
BUILT_IN = (HAND_OVER, ESCALATE)
MAX_SUMMARY_BYTES = 600
MAX_DETAILS = 16
MAX_DETAIL_BYTES = 120
MAX_DETAILS_BYTES = 1_000  # of all, with their names


def current(call: Call) -> str:
    """Who has the call; empty: the agent itself, also where its file has that specialist no more."""
    return call.specialist if call.specialist in _names(call) else ""


def may_use(call: Call, tool: str) -> bool:
    """A tool that specialists name is theirs; one that none names is everybody's."""
    owners = [each.name for each in call.policy.specialists if tool in each.tools]
    return not owners or current(call) in owners


def outcome_of(call: Call, tool: ToolUse) -> Outcome | None:
    """What comes at once of a tool that a model calls; None: it is to be carried out."""
    if not call.policy.specialists:
        return None
    if tool.name == HAND_OVER:
        return _hand_over(call, tool)
    if may_use(call, tool.name):
        return None
    owners = ", ".join(each.name for each in call.policy.specialists if tool.name in each.tools)
    return Outcome("refused", message=f"{tool.name} is a tool of {owners}: hand the call over to use it")


def taken(call: Call, tools: tuple[ToolUse, ...], out: list[Effect]) -> Call:
    """After a round: who has the call now, and with what in hand."""
    given = next((tool for tool in tools if tool.name == HAND_OVER and _done(tool)), None)
    if given is None:
        return call
    asked = _arguments(given)
    to = "" if asked.get("to") == FRONT else str(asked["to"])
    summary = asked.get("summary")
    text = clipped_bytes(" ".join(summary.split()), MAX_SUMMARY_BYTES) if isinstance(summary, str) else ""
    details = _details(call.handover.details, asked.get("details"))
    return _given(call, to, Handover(current(call), text, details), out)


def leads_to(tools: tuple[ToolUse, ...]) -> Then | None:
    """What the call does next by a decision of ours, not of a model: only ours come with it."""
    outcomes = (tool.outcome for tool in tools if tool.name == ESCALATE and tool.outcome is not None)
    return next((outcome.then for outcome in outcomes if outcome.then is not None), None)


def hidden(tool: ToolUse) -> bool:
    """Whether the next model is not told of it: it has no such tool, or did not do it."""
    return tool.name == ESCALATE or (tool.name == HAND_OVER and _done(tool))


def routed(call: Call, event: events.Routed, out: list[Effect]) -> Call:
    """Before the words of a round. Of a speculation it counts when that is confirmed."""
    ahead, floor, of_try = call.ahead, call.floor, (event.turn, event.tries, event.round)
    if ahead.text and not ahead.complete and of_try == (ahead.turn, ahead.tries - 1, 0):
        return replace(call, ahead=replace(ahead, specialist=event.to))
    thought = floor.thought if isinstance(floor, Answering) else None
    if thought is None or of_try != (call.turn, thought.tries, thought.round):
        return call  # it is late
    return _routed_to(call, event.to, out)


def adopted(call: Call, ahead: Ahead, out: list[Effect]) -> Call:
    """A speculation has become the round of this turn."""
    return _routed_to(call, ahead.specialist, out) if ahead.specialist else call


def spent(call: Call, input_tokens: int, output_tokens: int) -> Call:
    """Tokens of a round are on the account of who has the call."""
    if not call.policy.specialists or not (input_tokens or output_tokens):
        return call
    name = current(call)
    mine = next((each for each in call.spent_by if each.specialist == name), Spent(name))
    read, written = mine.input_tokens + input_tokens, mine.output_tokens + output_tokens
    mine = replace(mine, rounds=mine.rounds + 1, input_tokens=read, output_tokens=written)
    others = tuple(each for each in call.spent_by if each.specialist != name)
    return replace(call, spent_by=(*others, mine))


def _names(call: Call) -> list[str]:
    return [each.name for each in call.policy.specialists]


def _routed_to(call: Call, to: str, out: list[Effect]) -> Call:
    if to == current(call) or to not in _names(call):
        return call
    return _given(call, to, Handover(current(call), details=call.handover.details), out)


def _given(call: Call, to: str, handover: Handover, out: list[Effect]) -> Call:
    out.append(HandOver(current(call) or FRONT, to or FRONT))
    out.append(Store())
    return replace(call, specialist=to, handover=handover)


def _hand_over(call: Call, tool: ToolUse) -> Outcome:
    to = _arguments(tool).get("to")
    others = [name for name in (FRONT, *_names(call)) if name != (current(call) or FRONT)]
    if to == (current(call) or FRONT):
        return Outcome("refused", message="the call is with you already: go on yourself")
    if not isinstance(to, str) or to not in others:
        return Outcome("refused", message=f"to: there is no such colleague; there are {', '.join(others)}")
    return Outcome("ok")


def _done(tool: ToolUse) -> bool:
    return tool.outcome is not None and tool.outcome.status == "ok"


def _arguments(tool: ToolUse) -> dict[str, object]:
    try:
        read = json.loads(tool.arguments or "{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _details(before: tuple[Variable, ...], told: object) -> tuple[Variable, ...]:
    """What was collected, by name: what is told now counts, as much of it as has room; nothing that is no value."""
    values = {each.name: each.value_pii for each in before}
    for name, value in told.items() if isinstance(told, dict) else ():
        if isinstance(value, str | int | float) and str(value).strip():
            text = clipped_bytes(" ".join(str(value).split()), MAX_DETAIL_BYTES)
            values[clipped_bytes(" ".join(str(name).split()), 40)] = text
    kept, room = [], MAX_DETAILS_BYTES
    for name, text in list(values.items())[-MAX_DETAILS:]:
        room -= len(name.encode(errors="replace")) + len(text.encode(errors="replace"))
        if room >= 0:
            kept.append(Variable(name, text))
    return tuple(kept)
