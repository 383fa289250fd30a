"""Who the caller has proven to be, and what that opens: it comes from tools alone, and runs out. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from parley.text.factors.copied import copied
from services.orchestrator.mind.actions import Outcome, ToolUse
from services.orchestrator.mind.state import BotLine, Call, CallerLine

HAND_OVER = "hand_over"
GIVEN = "[given]"
"""Stands for what a caller proved it with, once it is checked."""
NOT_SAID = (
    "{names}: the caller has not said that in this call; it stands in what you were given to read. Nothing was "
    "checked. Ask the caller, and pass their own words"
)


def level_at(call: Call, at_ms: int) -> int:
    """The identity level at this time."""
    return 0 if call.level_until_ms and at_ms >= call.level_until_ms else call.level


def customer_at(call: Call, at_ms: int) -> str:
    """Key of the record that the caller has proven to be theirs; "" for none."""
    return call.customer_pii if level_at(call, at_ms) else ""


def wanted_level(call: Call, tool: str) -> int:
    """Of whoever is to use this tool."""
    return next((each.level for each in call.levels if each.name == tool), 0)


def proven(call: Call, outcome: Outcome, at_ms: int) -> Call:
    """What a tool's outcome says of the caller. A lower level takes nothing back, nor does it prolong a higher one;
    another customer than before has just what is proven now.
    """
    if not outcome.level:
        return call
    level, customer = level_at(call, at_ms), customer_at(call, at_ms)
    if outcome.customer_pii and customer and outcome.customer_pii != customer:
        level = 0
    customer = outcome.customer_pii or customer
    if outcome.level < level:
        return replace(call, customer_pii=customer)
    until = at_ms + call.policy.level_ms if call.policy.level_ms else 0
    return replace(call, level=outcome.level, level_until_ms=until, customer_pii=customer)


def not_said(call: Call, tool: ToolUse) -> str:
    """Why a tool that checks what a caller knows is not to be done: what it is given is in a tool's result, a passage
    or what is known of the call, and not in the caller's words. "" if nothing is.
    """
    if tool.name not in call.policy.secret_tools:
        return ""
    try:
        given = json.loads(tool.arguments or "{}")
    except ValueError:
        return ""
    answers = {name: str(value) for name, value in given.items() if value} if isinstance(given, dict) else {}
    said = [line.text for line in call.history if isinstance(line, CallerLine)]
    names = [name for name, answer in answers.items() if copied(answer, said, _read(call, answer))]
    return NOT_SAID.format(names=", ".join(names)[:200]) if names else ""


def _read(call: Call, answer: str) -> Iterator[str]:
    """What a model was given to read of others' texts, and what it told tools then: passages are gone with their turn.
    But where callers' number words are not understood, what a tool was told and gives back may be what they said.
    """
    understood = call.language.partition("-")[0].lower() in ("", "en")
    tools = (tool for line in call.history if isinstance(line, BotLine) for tool in line.tools)
    for tool in tools:
        if tool.outcome is not None and (understood or answer not in tool.arguments):
            yield from (tool.outcome.result, tool.outcome.message)
        if understood and tool.name != HAND_OVER:  # a colleague's note is of what the caller has told
            yield tool.arguments
    yield from (f"{passage.source} {passage.text}" for passage in call.passages)
    yield from (variable.value_pii for variable in call.variables)
    yield call.purpose


def forgotten(call: Call, tool: ToolUse) -> ToolUse:
    """A tool as it is kept once it has ended: of one that checks secrets without the secrets. The ledger knows the
    tool by its number, and what it was asked by its hash.
    """
    if tool.name not in call.policy.secret_tools:
        return tool
    try:
        given = json.loads(tool.arguments or "{}")
    except ValueError:
        given = None
    return replace(tool, arguments=json.dumps(dict.fromkeys(given, GIVEN) if isinstance(given, dict) else {}))
