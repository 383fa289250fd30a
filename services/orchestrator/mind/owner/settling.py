"""What older owners have begun and the state may not know of: until the ledger has told, no action is taken.

Rounds of the model run without tools meanwhile, and what the state says is outstanding is not executed: so nothing can
be done twice, and the caller is answered all the same.
"""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator.mind import events, history, outgoing
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.bot import answering, confirming
from services.orchestrator.mind.effects import Effect, Store
from services.orchestrator.mind.state import Answering, BotLine, Call


def in_doubt(call: Call | None, last_seq: int) -> bool:
    """Whether an older owner may be in the middle of an action. `last_seq`: of what the gateway will tell again."""
    if call is None or last_seq > call.seen_seq or call.unsettled or call.ahead.text:
        return last_seq > 0 or call is not None
    floor = call.floor
    thinking = isinstance(floor, Answering) and bool(floor.thought is not None or floor.looking_for)
    return thinking or bool(history.open_tools(call))


def settled(call: Call, event: events.Settled, out: list[Effect]) -> Call:
    """The ledger has told: what was done is told to the caller, what runs is waited for, the rest is done now."""
    if not call.unsettled:
        return call
    known = call.intent
    call = replace(call, unsettled=False, intent=max([known, *(tool.intent for tool in event.settled)]))
    for tool in event.settled:
        if tool.intent > known:
            call = begun(call, tool, event.at_ms)
    for tool in event.settled:
        if tool.outcome is not None:
            ended = events.ToolEnded(at_ms=event.at_ms, intent=tool.intent, outcome=tool.outcome)
            call = answering.tool_ended(call, ended, out)
    outgoing.execute(call, out, *history.open_tools(call))
    out.append(Store())
    return call


def begun(call: Call, tool: ToolUse, at_ms: int) -> Call:
    """A tool that only the ledger knows was called by the bot all the same."""
    named = replace(tool, id=history.call_id(tool), outcome=None)
    call = confirming.done_already(call, tool)
    return history.add(call, BotLine(call.turn, status="heard", complete=True, at_ms=at_ms, tools=(named,)))
