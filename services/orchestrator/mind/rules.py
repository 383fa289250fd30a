"""Small rules that hearing and answering share: timers, and which words are the same."""

from __future__ import annotations

from dataclasses import replace

from parley.text.scripts import weight
from parley.text.words import plain
from services.orchestrator.mind import history
from services.orchestrator.mind.actions import Then
from services.orchestrator.mind.bot import specialists
from services.orchestrator.mind.caller import opening
from services.orchestrator.mind.effects import CancelTimer, Effect, StartTimer
from services.orchestrator.mind.state import Call, Listening, Timer
from services.orchestrator.mind.timers import T

UNHEARD_MS = 30_000  # for the gateway to tell what was heard, after the time it takes to say it
LETTER_MS = 150  # of slow speech, per Latin letter


def start(call: Call, out: list[Effect], name: str, at_ms: int) -> Call:
    out.append(StartTimer(name, at_ms))
    others = tuple(timer for timer in call.timers if timer.id != name)
    return replace(call, timers=(*others, Timer(name, at_ms)))


def stop_timers(call: Call, out: list[Effect], *names: str) -> Call:
    running = {timer.id for timer in call.timers}.intersection(names)
    if not running:
        return call
    out.extend(CancelTimer(name) for name in names if name in running)
    return replace(call, timers=tuple(timer for timer in call.timers if timer.id not in running))


def has_timer(call: Call, name: str) -> bool:
    return any(timer.id == name for timer in call.timers)


def silence_timer(call: Call, out: list[Effect], at_ms: int) -> Call:
    """The caller has the floor and is quiet: ask after a while whether anybody is there."""
    if not isinstance(call.floor, Listening) or call.hearing.since_ms or call.channel == "chat":
        return call
    if opening.waits(call):
        return start(call, out, T.AWAY, opening.quiet_since(call, at_ms))
    return start(call, out, T.AWAY, at_ms + call.policy.away_ms)


def comes_to(call: Call, then: Then) -> Call:
    """What the call does when everything said so far was heard; not in place of an end that is forced."""
    return call if call.then is not None and call.then.forced else replace(call, then=then)


def await_hearing(call: Call, out: list[Effect], at_ms: int) -> Call:
    """What becomes of words is told by the gateway; a call must not hang on one that never does."""
    left = [weight(line.text[line.heard :]) for line in history.unheard(call)]
    if not left:
        return stop_timers(call, out, T.UNHEARD)
    return start(call, out, T.UNHEARD, at_ms + UNHEARD_MS + LETTER_MS * sum(left))


def spent(call: Call, input_tokens: int, output_tokens: int) -> Call:
    """Tokens of a round, for the cost of the call."""
    tally = call.tally
    read, written = tally.input_tokens + input_tokens, tally.output_tokens + output_tokens
    call = specialists.spent(call, input_tokens, output_tokens)
    return replace(call, tally=replace(tally, input_tokens=read, output_tokens=written))


def same_words(a: str, b: str) -> bool:
    """Equal but for case, punctuation and spelling."""
    return a == b or plain(a) == plain(b)
