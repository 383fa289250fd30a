"""A caller who needs a person, as somebody who follows the call has told: what the agent's policy makes of it.

(empty)     it stands in the state and in the record, for people to see
offer       the bot asks, behind what it is saying; on a yes the caller is connected, else nothing follows
transfer    the bot says so, behind what it is saying, and the caller is connected
nothing     it is for the record only
"""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator.mind.actions import Ask, Outcome, Pending, Then, ToolUse
from services.orchestrator.mind.bot import confirming, specialists
from services.orchestrator.mind.rules import has_timer
from services.orchestrator.mind.state import Call, Listening
from services.orchestrator.mind.timers import T

MAX_PEOPLE = 2  # times in a call that a caller is offered people, or given to them


def told(call: Call, why: str, at_ms: int) -> tuple[Call, str]:
    """The call after an `escalate`, and what became of it."""
    policy, before = call.policy, call.escalated
    if policy.escalation == "nothing":
        return call, "recorded"
    after = replace(before, why=why, at_ms=at_ms, times=before.times + 1)
    if policy.escalation not in ("offer", "transfer") or not _may(call):
        return replace(call, escalated=after), "shown"
    return replace(call, escalated=replace(after, due=policy.escalation)), "done"


def _may(call: Call) -> bool:
    if call.escalated.due or call.escalated.people >= MAX_PEOPLE or confirming.offers_people(call.pending):
        return False
    return call.then is None and not has_timer(call, T.ENDING)


def due(call: Call) -> bool:
    """Whether it is to be said as soon as the bot's words are complete. Not before another question is answered."""
    return bool(call.escalated.due) and call.pending is None and call.then is None


def now(call: Call) -> bool:
    """Whether nobody speaks and nothing is under way: then nothing need be waited for."""
    quiet = isinstance(call.floor, Listening) and not call.hearing.since_ms and not call.hearing.text
    return due(call) and quiet and not call.leg_lost and not has_timer(call, T.ENDING)


def settled(call: Call) -> Call:
    """Nothing waits any more."""
    return replace(call, escalated=replace(call.escalated, due="")) if call.escalated.due else call


def taken(call: Call) -> Call:
    """Its moment has come: with a question that is due, or with a transfer before it."""
    at = call.escalated
    call = replace(call, escalated=replace(at, due="", people=at.people + 1))
    if at.due == "offer":
        ask = Ask(call.policy.escalation_ask)
        return replace(call, pending=Pending(specialists.ESCALATE, "{}", ask, due=True))
    return replace(call, then=_then(call))


def connecting(call: Call) -> ToolUse:
    """What a yes to the offer does: our own tool, which has ended already."""
    return ToolUse("", specialists.ESCALATE, "{}", outcome=Outcome("ok", "{}", then=_then(call)))


def _then(call: Call) -> Then:
    why = call.escalated.why
    return Then("transfer", call.policy.escalation_to, f"escalated: {why}" if why else "escalated")
