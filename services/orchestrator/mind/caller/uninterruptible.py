"""What the caller's voice may not interrupt. Nothing said meanwhile is lost: it is the next turn."""

from __future__ import annotations

from services.orchestrator.mind import history
from services.orchestrator.mind.state import Answering, BotLine, Call


def must_be_heard(call: Call) -> bool:
    """Words that are not to be interrupted by anything are being said, or wait to be: also the last ones of a call that
    must end."""
    if call.then is not None and call.then.forced:
        return True
    return any(not line.interruptible for line in _being_said(call))


def shielded(call: Call, at_ms: int) -> bool:
    """Whether a voice now changes nothing: such words, the first moments of a greeting, or a tool that must end."""
    return must_be_heard(call) or _first_moments(call, at_ms) or _effect_running(call)


def _being_said(call: Call) -> list[BotLine]:
    return [line for line in history.unheard(call) if line.turn == call.turn]


def _first_moments(call: Call, at_ms: int) -> bool:
    if at_ms < call.protected_until_ms:
        return True
    return any(line.protect_ms and not line.heard and call.sounding < line.utterance for line in _being_said(call))


def _effect_running(call: Call) -> bool:
    if not call.policy.mute_during_effects or not isinstance(call.floor, Answering):
        return False
    return any(tool.name in call.effect_tools for tool in history.waiting_tools(call, call.turn))
