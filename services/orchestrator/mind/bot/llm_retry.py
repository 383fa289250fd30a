"""A round of the model that failed is begun again: at once, then after growing pauses while failures are quick.

What is away passes: a server that restarts, a vendor that refuses everybody for two seconds, one that takes no more
requests now. `policy.retry_ms` from the first failure on the round is tried again. What would fail in the same way, or
has cost the caller a time-out, is tried once more only; so is an answer that broke off behind words, when it does so
again. What was refused as it is (a 4xx) is not sent again. No try does anything but think: tools are used when a round
has ended well.

All requests of a turn are counted, whoever repeats them: here, in the llm service, in another owner. When there were
enough, nothing came of the turn.
"""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator.mind import events, outgoing
from services.orchestrator.mind.bot import fillers
from services.orchestrator.mind.effects import Effect, Think
from services.orchestrator.mind.rules import start
from services.orchestrator.mind.state import Answering, Call, Requests, Thought
from services.orchestrator.mind.timers import T

PASSES = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")
"""Errors that come quickly and may be gone soon."""
REFUSED = ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED", "NOT_FOUND", "UNIMPLEMENTED")
"""Errors of the request: the same one again has the same end."""
FULL = "RESOURCE_EXHAUSTED"
MIN_REQUESTS = 8
"""Of one turn at most; or twice the rounds that it may take, for agents that may take many."""
PAUSES_MS = (0, 250, 500, 750, 1000)
"""Before the first restart, the second, and so on; the last one repeats. Who is asked too much is given one more."""


def after(call: Call, thought: Thought, event: events.RoundEnded) -> tuple[Thought, int] | None:
    """The next try of a round that failed, and the pause before it, ms; None when it is to be tried no more."""
    said, failed, passes = bool(thought.utterance), bool(thought.failing_ms), event.error in PASSES
    since_ms = thought.failing_ms or event.at_ms
    tries = thought.tries - thought.first
    full = event.error == FULL
    pause_ms = PAUSES_MS[min(tries + full, len(PAUSES_MS) - 1)] if passes and (failed or full) else 0
    if thought.last or (said and thought.broke_off) or spent(call):
        return None
    if event.error in REFUSED and not said:
        return None
    if failed and event.at_ms + pause_ms - since_ms > call.policy.retry_ms:
        return None
    again = replace(
        thought,
        tries=thought.tries + 1,
        utterance=0,
        failing_ms=since_ms,
        last=not passes,
        broke_off=thought.broke_off or said,
        continuing=thought.continuing or said,
    )
    return again, pause_ms


def later(call: Call, thought: Thought, pause_ms: int, at_ms: int, out: list[Effect]) -> Call:
    """Begin this try after the pause. Meanwhile the round counts as running: the bot has the floor."""
    if not pause_ms:
        return think(call, thought, out, thought.continuing)
    assert isinstance(call.floor, Answering)
    call = replace(call, floor=replace(call.floor, thought=thought))
    return start(fillers.nothing_comes(call, at_ms, out), out, T.AGAIN, at_ms + pause_ms)


def now(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The pause is over."""
    thought = call.floor.thought if isinstance(call.floor, Answering) else None
    return call if thought is None else think(call, thought, out, thought.continuing)


def think(call: Call, thought: Thought, out: list[Effect], continuing: bool) -> Call:
    """Ask the model. `continuing`: words of this answer were said already."""
    assert isinstance(call.floor, Answering)
    tools_off = thought.round >= call.policy.rounds
    asked = Think(call.turn, thought.tries, thought.round, tools_off=tools_off, continuing=continuing)
    outgoing.think(call, out, replace(asked, empty=thought.empty))
    tally = replace(call.tally, rounds=call.tally.rounds + 1)
    call = replace(call, floor=replace(call.floor, thought=thought), tally=tally)
    return count(call, call.turn, 1)


def count(call: Call, turn: int, requests: int) -> Call:
    """So many requests more were sent for this turn."""
    before = call.requests.sent if call.requests.turn == turn else 0
    return replace(call, requests=Requests(turn, before + max(0, requests)))


def spent(call: Call) -> bool:
    """Whether this turn has had its requests."""
    return call.requests.turn == call.turn and call.requests.sent >= _most(call)


def requests_left(call: Call, think: Think) -> int:
    """How many requests this round may cost: it is counted as one already."""
    sent = call.requests.sent if call.requests.turn == think.turn else 1
    return max(1, _most(call) - sent + 1)


def _most(call: Call) -> int:
    return max(MIN_REQUESTS, 2 * (call.policy.rounds + 1))
