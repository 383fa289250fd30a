"""Who the caller has proven to be, and what that opens: it comes from tools alone, and runs out. Pure."""

from __future__ import annotations

import json
from dataclasses import replace

from services.orchestrator.mind.actions import Outcome, ToolUse
from services.orchestrator.mind.state import Call

GIVEN = "[given]"
"""Stands for what a caller proved it with, once it is checked."""


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
