"""Keys of the telephone: digits are a turn after `#`, or when no more come."""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator.mind import events
from services.orchestrator.mind.caller import hearing, interruption, uninterruptible
from services.orchestrator.mind.effects import Effect
from services.orchestrator.mind.rules import silence_timer, start, stop_timers
from services.orchestrator.mind.state import Answering, Call
from services.orchestrator.mind.timers import T

KEYS_WAIT_MS = 2000  # after the last key, unless # ends them
MAX_DIGITS = 32


def dtmf(call: Call, event: events.Dtmf, out: list[Effect]) -> Call:
    """A key interrupts at once, where keys may; elsewhere the digits wait for their turn."""
    call = stop_timers(call, out, T.AWAY)
    interrupts = call.policy.keys_interrupt and not uninterruptible.shielded(call, event.at_ms)
    if interrupts and isinstance(call.floor, Answering):
        call = interruption.interrupt(call, event.at_ms, out)
    if event.digit == "#":
        return keys_done(stop_timers(call, out, T.DTMF), event.at_ms, out)
    call = replace(call, digits=(call.digits + event.digit)[-MAX_DIGITS:])
    return start(call, out, T.DTMF, event.at_ms + KEYS_WAIT_MS)


def keys_done(call: Call, at_ms: int, out: list[Effect]) -> Call:
    digits = call.digits
    call = replace(call, digits="")
    if not digits:
        return silence_timer(call, out, at_ms)
    return hearing.take_turn(call, digits, at_ms, out, interrupts=call.policy.keys_interrupt)
