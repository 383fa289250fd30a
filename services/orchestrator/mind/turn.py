"""The orchestrator as a pure function: `step(call, event) -> (call, effects)`. No await, no clock, no library.

The rules stand in files of one noun each: `caller/` has those for what the caller does, `bot/` those for what the bot
does, `outside/` those for what people who follow it want, `owner/` those for a new owner or a new leg; `outgoing.py`
decides what may leave at all, `fitting.py` what is given up when a state grows too large. `_STEPS` and `_TIMERS` below
say which rule takes which event.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from services.orchestrator.mind import events, fitting, history, outgoing
from services.orchestrator.mind.bot import answering, fillers, llm_retry, playout, showing, specialists, speculation
from services.orchestrator.mind.caller import hearing, interruption, keys, opening, push_to_talk
from services.orchestrator.mind.effects import CloseThink, Confirmation, Effect, HangUp, Show, Store
from services.orchestrator.mind.events import Event
from services.orchestrator.mind.outside.signals import signal
from services.orchestrator.mind.owner.reattach import leg_lost
from services.orchestrator.mind.owner.settling import settled
from services.orchestrator.mind.owner.takeover import taken_over
from services.orchestrator.mind.rules import spent, start, stop_timers
from services.orchestrator.mind.state import Answering, Call, Ended
from services.orchestrator.mind.timers import T

END_GRACE_MS = 10_000


def step(call: Call | None, event: Event) -> tuple[Call, list[Effect]]:
    """The next state and what to do. The first event of a call is `Opened`.

    An event whose `seq` was seen before changes nothing, nor does anything after the end of the call.
    """
    effects: list[Effect] = []
    if isinstance(event, events.Opened):
        return _opened(event, effects), effects
    if call is None:
        raise ValueError("the first event of a call is Opened")
    if event.seq and not isinstance(event, events.TakenOver):
        if event.seq <= call.seen_seq:
            return call, effects
        call = replace(call, seen_seq=event.seq)
    if isinstance(event, events.Dropped):
        return call, [Store()]  # no owner is to be sent it again
    if isinstance(call.floor, Ended):
        if isinstance(event, events.TakenOver):  # a leg that should have ended
            effects.append(HangUp(call.floor.reason))
            call = replace(call, epoch=event.epoch)
        elif isinstance(event, events.RoundClosed):  # the end of the call closed it
            call = _round_closed(call, event, effects)
        return call, effects
    after = _STEPS[type(event)](call, event, effects)
    after = speculation.follow(call, after, event, effects)
    after = fillers.follow(call, after, event.at_ms, effects)
    after = fitting.follow(call, after, event.at_ms, effects)
    return outgoing.let_go(after, event.at_ms, effects), effects


def _opened(event: events.Opened, out: list[Effect]) -> Call:
    call = Call(
        call_id=event.call_id,
        agent=event.agent,
        agent_version=event.agent_version,
        channel=event.channel,
        caller_pii=event.caller_pii,
        called=event.called,
        direction=event.direction,
        purpose=event.purpose,
        variables=event.variables,
        language=event.language,
        policy=event.policy,
        effect_tools=event.effect_tools,
        slow_tools=event.slow_tools,
        levels=event.levels,
        epoch=event.epoch,
        unsettled=event.unsettled,
        started_ms=event.at_ms,
        button="up" if event.policy.push_to_talk else "",
        specialist=event.specialist,
    )
    call = start(call, out, T.CALL, event.at_ms + call.policy.call_ms)
    if opening.waits(call):
        call = start(call, out, T.AWAY, opening.until(call))
    else:
        call = answering.greet(call, event.at_ms, out)
    out.append(Store())
    return call


def _timer_fired(call: Call, event: events.TimerFired, out: list[Effect]) -> Call:
    if event.id not in {timer.id for timer in call.timers}:
        return call
    call = replace(call, timers=tuple(timer for timer in call.timers if timer.id != event.id))
    return _TIMERS[event.id](call, event.at_ms, out)


def _call_time_is_up(call: Call, at_ms: int, out: list[Effect]) -> Call:
    call = hearing.silence_bot(call, at_ms, out)
    call = answering.sentence(call, out, "time_is_up", at_ms)
    return answering.hang_up_after(call, "time is up", at_ms, out, forced=True)


def _end_grace_over(call: Call, at_ms: int, out: list[Effect]) -> Call:
    return _ended(call, "hung up", out)


def _leg_ended(call: Call, event: events.LegEnded, out: list[Effect]) -> Call:
    return _ended(call, event.reason or "caller hung up", out)


def _ended(call: Call, reason: str, out: list[Effect]) -> Call:
    if isinstance(call.floor, Answering) and call.floor.thought is not None:
        out.append(CloseThink(call.turn))
    if call.pending is not None:
        out.append(Confirmation("left"))
    for line in history.unheard(call):
        call = history.edit(call, line.utterance, lambda x: replace(x, status="cut", complete=True))
    call = stop_timers(call, out, *(timer.id for timer in call.timers))
    out.append(Store(ended=True))
    return replace(call, floor=Ended(reason), sounding=0)


def _organ_failed(call: Call, event: events.OrganFailed, out: list[Effect]) -> Call:
    """Without ears there is no call: end it, and say so. A voice may be back for the next utterance."""
    if event.organ == "mouth":
        return playout.no_voice(call, event.utterance)
    if event.organ == "carrier":  # it did not take the caller anywhere
        return answering.sentence(call, out, "not_transferred", event.at_ms)
    call = hearing.silence_bot(call, event.at_ms, out)
    call = answering.sentence(call, out, "unavailable", event.at_ms)
    return answering.hang_up_after(call, "no ears", event.at_ms, out, forced=True)


def _round_closed(call: Call, event: events.RoundClosed, out: list[Effect]) -> Call:
    return spent(call, event.input_tokens, event.output_tokens)


def _guarded(call: Call, event: events.Guarded, out: list[Effect]) -> Call:
    if event.show:
        told = {"rule": event.rule, "about": event.name, "action": event.action}
        out.append(Show("guardrail", json.dumps({key: text for key, text in told.items() if text})))
    return call


def _tools_known(call: Call, event: events.ToolsKnown, out: list[Effect]) -> Call:
    call = replace(call, agent_version=event.agent_version or call.agent_version)
    return replace(call, effect_tools=event.effect_tools, slow_tools=event.slow_tools, levels=event.levels)


_TIMERS: dict[str, Callable[[Call, int, list[Effect]], Call]] = {
    T.RETRIEVE: answering.waited,
    T.AGAIN: llm_retry.now,
    T.STABLE: speculation.words_are_stable,
    T.LATE: fillers.answer_is_late,
    T.LONG: fillers.tool_is_long,
    T.UNHEARD: playout.never_heard,
    T.BARGE_IN: interruption.consider,
    T.WORDLESS: interruption.no_words,
    T.HOLD: outgoing.time_is_up,
    T.RESUME: interruption.quiet,
    T.PROTECTED: hearing.protection_over,
    T.RELEASED: push_to_talk.nothing_came,
    T.AWAY: hearing.nobody_speaks,
    T.MONOLOGUE: hearing.never_stops,
    T.DTMF: keys.keys_done,
    T.CALL: _call_time_is_up,
    T.ENDING: _end_grace_over,
}

_STEPS: dict[type[Event], Callable[[Call, Any, list[Effect]], Call]] = {
    events.TakenOver: taken_over,
    events.Settled: settled,
    events.ToolsKnown: _tools_known,
    events.SpeechStarted: hearing.speech_started,
    events.Interim: hearing.interim,
    events.Final: hearing.final,
    events.SpeechStopped: hearing.speech_stopped,
    events.TurnEnded: hearing.turn_ended,
    events.Typed: hearing.typed,
    events.Dtmf: keys.dtmf,
    events.Button: push_to_talk.button,
    events.PushToTalk: push_to_talk.switched,
    events.UtteranceStarted: playout.utterance_started,
    events.Heard: playout.heard,
    events.Progress: playout.progress,
    events.Paused: playout.paused,
    events.Resumed: playout.resumed,
    events.Routed: specialists.routed,
    events.Guarded: _guarded,
    events.PhraseReady: answering.phrase_ready,
    events.RoundEnded: answering.round_ended,
    events.RoundClosed: _round_closed,
    events.ToolProgress: fillers.tool_told,
    events.ToolShow: showing.tool_shows,
    events.ToolEnded: answering.tool_ended,
    events.Retrieved: answering.retrieved,
    events.TimerFired: _timer_fired,
    events.LegLost: leg_lost,
    events.LegEnded: _leg_ended,
    events.OrganFailed: _organ_failed,
    events.Signal: signal,
}

__all__ = ["step"]
