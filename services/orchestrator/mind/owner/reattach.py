"""A caller whose leg was lost, and who is back on another: what he missed is made up for."""

from __future__ import annotations

from dataclasses import replace

from parley.text.scripts import joined, sentence_ends
from services.orchestrator.mind import events, history, outgoing
from services.orchestrator.mind.bot import answering, voice
from services.orchestrator.mind.caller import hearing
from services.orchestrator.mind.effects import Effect, Store
from services.orchestrator.mind.rules import stop_timers
from services.orchestrator.mind.state import Answering, BotLine, Call, CallerLine, Hearing, Listening
from services.orchestrator.mind.timers import T


def leg_lost(call: Call, event: events.LegLost, out: list[Effect]) -> Call:
    """Nobody listens: do not ask whether somebody is there, nor wait for words to be heard. How far the voice came is
    guessed, as nobody will tell."""
    if call.sounding and not call.paused:
        call = voice.breaks_off(call, event.at_ms)
        guess = voice.position(call, event.at_ms)
        call = history.edit(call, call.sounding, lambda x: replace(x, heard=voice.surely_heard(x, guess)))
    out.append(Store())
    return stop_timers(replace(call, leg_lost=True), out, T.AWAY, T.UNHEARD)


def missed(call: Call) -> tuple[BotLine, ...]:
    """The bot's words since the caller's that were not heard to their end; of who spoke first, also what must be said
    before the answer, which stands before the caller's."""
    lines = []
    before = False
    for line in reversed(call.history):
        if isinstance(line, CallerLine):
            before = True
            continue
        if before and line.turn < call.turn:
            break
        unheard = line.status == "pending" or (line.status == "cut" and line.heard < len(line.text.rstrip()))
        if line.utterance and line.kind != "filler" and unheard:
            lines.append(line)
    return tuple(reversed(lines))


def make_up(call: Call, lines: tuple[BotLine, ...], before: Call, at_ms: int, out: list[Effect]) -> Call:
    """After the state was taken over: an apology if an answer was broken off, then the rest of it. What the caller was
    saying is asked for again. `before`: the call as the last leg left it."""
    heard = before.hearing
    if isinstance(call.floor, Listening) and (heard.interim or heard.since_ms):
        earlier = joined(heard.earlier, heard.finals)
        call = answering.sentence(call, out, "not_heard", at_ms)
        return replace(call, hearing=Hearing(earlier=earlier))
    began = any(line.heard or line.utterance == before.sounding for line in lines)
    if lines and not isinstance(call.floor, Answering):
        call = stop_timers(replace(call, turn=call.turn + 1, floor=Answering()), out, T.AWAY)
    if began and call.policy.cut_off:
        call = answering.sentence(call, out, "cut_off", at_ms)
    for line in lines:
        if line.complete and not line.tools:
            call = _rest(call, line, at_ms, out)
    return call


def answer_finals(call: Call, before: Call, at_ms: int, out: list[Effect]) -> Call:
    """The caller had said something, and the leg was lost before it was known to be a turn."""
    heard = before.hearing
    if not isinstance(call.floor, Listening) or not heard.finals:
        return call
    return hearing.take_turn(replace(call, hearing=Hearing(earlier=heard.earlier)), heard.finals, at_ms, out)


def ask_again(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """A question for a yes that was heard on the leg before: who is back may not remember it."""
    if call.pending is None or call.pending.changing or not isinstance(call.floor, Listening):
        return call
    return answering.ask(call, at_ms, out)


def _rest(call: Call, line: BotLine, at_ms: int, out: list[Effect]) -> Call:
    """Say it from the sentence on in which it broke off. What of that was heard stays heard, and is heard twice."""
    ends = [end for end in sentence_ends(line.text) if end <= line.heard]
    start = ends[-1] if ends else 0
    call = history.edit(call, line.utterance, lambda x: replace(x, text=x.text[: x.heard], status="cut", complete=True))
    text, utterance = line.text[start:], call.utterance + 1
    again = replace(line, turn=call.turn, utterance=utterance, text=text, heard=0, status="pending", at_ms=at_ms)
    call = replace(history.add(call, again), utterance=utterance)
    return outgoing.say(call, out, replace(again, protect_ms=0), text, at_ms)
