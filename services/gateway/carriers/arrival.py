"""A call is at a carrier's door: what is to become of it. The same for every carrier; each says it in its own words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from parley.agents.files import load_agent
from parley.errors import Misconfigured, NotFound, Unavailable
from parley.published.hours import Outside
from services.gateway.carriers.reentry import Entry
from services.gateway.gateway import Gateway
from services.gateway.metrics import REFUSED
from services.gateway.tokens import Claim

log = structlog.get_logger()

MAX_TRIES = 3
BUSY = "All our lines are busy at the moment. Please call again in a few minutes. Goodbye."
BROKEN = "We are sorry, the connection could not be kept. Please call again. Goodbye."
NOBODY = "We are sorry, nobody can take your call at the moment. Goodbye."
NOT_SET_UP = "We are sorry, this number is not in service. Goodbye."


@dataclass(frozen=True, slots=True)
class HangUp:
    words: str = ""


@dataclass(frozen=True, slots=True)
class HandOn:
    """To a number (E.164), after these words."""

    to: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """In a second, perhaps another gateway. `way`: path."""

    way: str


@dataclass(frozen=True, slots=True)
class Let:
    """In: `token` opens the stream. `back`: path by which the carrier brings the call back when the stream is lost."""

    token: str
    back: str


def reached(gateway: Gateway, entry: Entry, number: str, *, inbound: bool = True) -> Entry:
    """With the agent that answers: the one that the number's URL names, the one in the table of numbers, or
    PARLEY_AGENT; and what becomes of the call where that is outside the number's hours. A call that is under way goes
    on. `number`: that of ours that was called, or the SIP address."""
    outside = closed_now(gateway, number) if inbound and entry.leg == 1 else None
    if outside is not None and outside.agent in gateway.editions.names():
        return replace(entry, agent=outside.agent)
    if entry.agent:
        return replace(entry, outside=outside)
    return replace(entry, agent=answering(gateway, number), outside=outside)


def answering(gateway: Gateway, number: str) -> str:
    """The agent of the table of numbers, or PARLEY_AGENT. `number`: as `Numbers.row_of` takes it."""
    name = gateway.editions.numbers.agent_of(number)
    if name and name not in gateway.editions.names():
        log.error("the agent of a number is gone, the default one answers", agent=name, number=number)
        name = ""
    return name or gateway.settings.agent


def closed_now(gateway: Gateway, number: str) -> Outside | None:
    """What becomes of a call that begins now; None: it is answered. One whose hours cannot be told is."""
    try:
        outside = gateway.editions.numbers.outside(number, datetime.now(UTC))
    except Misconfigured as error:
        log.error("the hours of a number cannot be told, it is answered", number=number, error=str(error))
        return None
    if outside is not None and outside.agent and outside.agent not in gateway.editions.names():
        log.error("the agent of the hours outside is gone, the number's own answers", agent=outside.agent)
        return None
    return outside


async def arrived(
    gateway: Gateway, call_id: str, entry: Entry, now: float, *, returned: bool
) -> HangUp | HandOn | AskAgain | Let:
    """`now`: Unix time. `returned`: the carrier had handed the caller on, and nobody took the call."""
    settings, leg = gateway.settings, entry.leg
    if leg > 1 and not returned and await gateway.is_over(call_id):
        return HangUp()
    if (outside := entry.outside) is not None and not returned:
        REFUSED.labels("closed").inc()
        return HandOn(outside.transfer, outside.say) if outside.transfer else HangUp(outside.say)
    refusals = gateway.refusals(call_id)
    if entry.loops(settings.max_reentries):
        log.error("a call comes back again and again", call_id=call_id, leg=leg, short=entry.short)
        REFUSED.labels("re-entries").inc()
        return HangUp(BROKEN)
    try:
        load_agent(gateway.editions.chosen(entry.agent, call_id).root, entry.agent)
    except Unavailable as error:
        log.warning("the call's agent is not here; others may have it", error=str(error))
    except (NotFound, Misconfigured) as error:
        REFUSED.labels("agent").inc()
        log.error("the call names an agent that cannot serve", error=str(error))
        return HangUp(NOT_SET_UP)
    fresh = leg == 1 or refusals > 0
    if not gateway.room(fresh=fresh):
        if max(entry.tries, refusals) >= MAX_TRIES:
            REFUSED.labels("full").inc()
            return HangUp(BUSY)
        return AskAgain(entry.once_more())
    if refusals >= MAX_TRIES:
        REFUSED.labels("full").inc()
        return HangUp(BUSY)
    token = gateway.tokens.issue(Claim(call_id, leg, "phone", entry.agent, fresh))
    return Let(token, entry.next_leg(now))
