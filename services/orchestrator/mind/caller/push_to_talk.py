"""Speaking by button: the voice alone means nothing, the button takes the floor, letting go gives it back.

`call.button` is empty while the caller speaks freely. `up`: what is heard is not meant for the bot. `down`: it is.
`released`: the words of what was said may still come, until the ears tell the end of the turn or time is up.
"""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator.mind import events
from services.orchestrator.mind.caller import interruption, uninterruptible
from services.orchestrator.mind.effects import Effect
from services.orchestrator.mind.rules import silence_timer, start, stop_timers
from services.orchestrator.mind.state import Answering, Call, Hearing
from services.orchestrator.mind.timers import T

WORDS_WAIT_MS = 4_000  # after the button was let go


def listens(call: Call) -> bool:
    """Whether a voice counts now."""
    return call.button != "up"


def pressed(call: Call) -> bool:
    return call.button == "down"


def button(call: Call, event: events.Button, out: list[Effect]) -> Call:
    """Pressing interrupts at once; letting go is followed by the ears' `turn_ended`. The first press sets the mode."""
    call = stop_timers(call, out, T.AWAY, T.RELEASED)
    if not event.pressed:
        if call.button == "down":
            call = start(replace(call, button="released"), out, T.RELEASED, event.at_ms + WORDS_WAIT_MS)
        return call if call.hearing.text else silence_timer(call, out, event.at_ms)
    if call.button == "up":  # what was heard before was not said into the button
        call = replace(call, hearing=Hearing(earlier=call.hearing.earlier))
    call = replace(call, button="down")
    if isinstance(call.floor, Answering) and not uninterruptible.must_be_heard(call):
        call = interruption.interrupt(call, event.at_ms, out)
    return start(call, out, T.MONOLOGUE, event.at_ms + call.policy.turn_ms)


def switched(call: Call, event: events.PushToTalk, out: list[Effect]) -> Call:
    """The caller's own choice of how to speak. An agent that only knows the button keeps to it."""
    if event.on and not call.button and (call.hearing.text or call.hearing.since_ms):  # said freely: it is a turn yet
        return start(replace(call, button="released"), out, T.RELEASED, event.at_ms + WORDS_WAIT_MS)
    if event.on:
        return replace(call, button=call.button or "up")
    call = stop_timers(call, out, T.RELEASED)
    return silence_timer(replace(call, button=_at_rest(call)), out, event.at_ms)


def turn_over(call: Call, out: list[Effect]) -> Call:
    """The ears have told the end of what was said into the button."""
    return replace(stop_timers(call, out, T.RELEASED), button="up") if call.button == "released" else call


def nothing_came(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The button was let go, and nothing was heard of what was said."""
    call = replace(call, button="up", hearing=Hearing(earlier=call.hearing.earlier))
    return silence_timer(stop_timers(call, out, T.MONOLOGUE), out, at_ms)


def _at_rest(call: Call) -> str:
    return "up" if call.policy.push_to_talk else ""
