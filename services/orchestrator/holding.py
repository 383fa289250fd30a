"""The bot does not begin to speak into the caller's voice.

Who makes a sound after the end of their turn may have more to say. The bot's first words wait until they are quiet, or
no longer than a voice without words is waited for anywhere; words that count interrupt as always. What waits stands in
the history as pending, and was never told to the gateway: `call.said` is the highest utterance that was.
"""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator import history
from services.orchestrator.effects import Effect, Say
from services.orchestrator.rules import has_timer, start, stop_timers
from services.orchestrator.state import Answering, BotLine, Call, CallerLine

HOLD = "hold"


def follow(before: Call, call: Call, at_ms: int, out: list[Effect]) -> tuple[Call, list[Effect]]:
    """After every event: keep back the first words of utterances, or let them go."""
    held = any(line.utterance > call.said for line in history.unheard(before))
    if not held and not any(isinstance(effect, Say) and effect.utterance > call.said for effect in out):
        return call, out
    for line in _unsaid(call):
        if line.turn < call.turn or not isinstance(call.floor, Answering):
            call = history.edit(call, line.utterance, lambda x: replace(x, status="cut", complete=True))
    waiting = _unsaid(call)
    if waiting and _speaking(call, at_ms):
        if not has_timer(call, HOLD):
            call = start(call, out, HOLD, call.hearing.since_ms + call.policy.wordless_ms)
        return call, [effect for effect in out if not _new(effect, call.said)]
    said = max([call.said, call.utterance])
    if held:
        call = stop_timers(call, out, HOLD)
        out = [effect for effect in out if not _new(effect, call.said)]
        out += [_whole(line) for line in waiting]
    return replace(call, said=said), out


def time_is_up(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The voice goes on without a word that counts: what waits is said (`follow` does it)."""
    return call


def _unsaid(call: Call) -> list[BotLine]:
    return [line for line in history.unheard(call) if line.utterance > call.said]


def _speaking(call: Call, at_ms: int) -> bool:
    """A voice that began after the caller's turn was over, and has not gone on for too long."""
    since = call.hearing.since_ms
    if not since or at_ms - since >= call.policy.wordless_ms:
        return False
    turn = next((line for line in reversed(call.history) if isinstance(line, CallerLine)), None)
    return turn is not None and since > turn.at_ms


def _new(effect: Effect, said: int) -> bool:
    return isinstance(effect, Say) and effect.utterance > said


def _whole(line: BotLine) -> Say:
    return Say(
        line.turn,
        line.utterance,
        line.text,
        line.kind,
        complete=line.complete,
        interruptible=line.interruptible,
        protect_ms=line.protect_ms,
    )
