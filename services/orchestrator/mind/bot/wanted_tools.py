"""The tool calls of a round of the model: which of them are to be done, and under which number of the ledger. Pure."""

from __future__ import annotations

import json
from dataclasses import replace

from services.orchestrator.mind import history, identity
from services.orchestrator.mind.actions import Outcome, ToolUse
from services.orchestrator.mind.bot import specialists
from services.orchestrator.mind.state import Call

MAX_TOOLS = 8  # of one round; of more the model is told, once
TOO_MANY = f"more than {MAX_TOOLS} tools at once: this one and those after it were left out"
NOT_PROVEN = (
    "this wants identity level {wanted}, and the caller has proven level {level}: "
    "check who they are with the tool that does, then call this again"
)
SAME = "the same as a call before it in this turn: its result stands there, or is about to"


def of_round(call: Call, given: tuple[ToolUse, ...]) -> tuple[ToolUse, ...]:
    """A round's tool calls, small enough to be carried along. The same call twice in a turn is one: the second is not
    done, and the model is told where the result stands."""
    lines = history.bot_lines(call, call.turn)
    failed = ("failed", "refused")  # those may be tried again
    done = {_wanted(t) for line in lines for t in line.tools if t.outcome is None or t.outcome.status not in failed}
    tools = []
    for tool in history.fitting_tools(call, given[: MAX_TOOLS + 1]):
        tool = replace(tool, confirmed="")  # that is the caller's to say
        if _wanted(tool) in done and tool.outcome is None:
            tool = replace(tool, outcome=Outcome("refused", message=SAME))
        done.add(_wanted(tool))
        tools.append(tool)
    return tuple(tools)


def _wanted(tool: ToolUse) -> tuple[str, str]:
    """What makes two calls the same: the spelling of the arguments does not."""
    try:
        return tool.name, json.dumps(json.loads(tool.arguments or "{}"), sort_keys=True)
    except ValueError:
        return tool.name, tool.arguments


def numbered(call: Call, given: tuple[ToolUse, ...], at_ms: int) -> tuple[ToolUse, ...]:
    """With the next numbers of the call; what is refused here has its outcome."""
    return tuple(_nth(call, tool, n, at_ms) for n, tool in enumerate(given, 1))


def _nth(call: Call, tool: ToolUse, n: int, at_ms: int) -> ToolUse:
    """The `n`-th of its round. Refused here: one too many, one for which the caller has not proven enough, and a check
    of what the caller has not said.
    """
    tool = replace(tool, intent=call.intent + n)
    wanted, level = identity.wanted_level(call, tool.name), identity.level_at(call, at_ms)
    if tool.outcome is None and n > MAX_TOOLS:
        tool = replace(tool, outcome=Outcome("refused", message=TOO_MANY))
    elif wanted > level:
        tool = replace(tool, outcome=Outcome("refused", message=NOT_PROVEN.format(wanted=wanted, level=level)))
    elif tool.outcome is None and (why := identity.not_said(call, tool)):
        tool = replace(tool, outcome=Outcome("refused", message=why))
    elif tool.outcome is None:
        tool = replace(tool, outcome=specialists.outcome_of(call, tool))
    if tool.outcome is not None:
        tool = identity.forgotten(call, tool)
    return replace(tool, id=tool.id or history.call_id(tool))
