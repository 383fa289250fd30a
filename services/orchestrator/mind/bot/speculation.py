"""Thinking ahead: a round of the model on the words so far, begun before the caller's turn is over.

What it gives is held in `call.ahead`, never said and never done. A turn that ends with the same words takes it over as
its first round (`settle`); anything else throws it away. `step` asks `follow` after every event, so that the rules of
hearing and answering need not know of it.

Speech that begins again does not end a speculation, other words do: a breath after the question costs no head start,
and nothing is said before the turn is confirmed in any case.
"""

from __future__ import annotations

from dataclasses import replace

from parley.text.scripts import joined
from parley.text.words import clipped, count, has_words
from services.orchestrator.mind import events, history, outgoing
from services.orchestrator.mind.bot import llm_retry
from services.orchestrator.mind.bot.knowledge import look
from services.orchestrator.mind.effects import Effect, SpeculationOver, Think
from services.orchestrator.mind.events import Event
from services.orchestrator.mind.rules import has_timer, same_words, spent, start, stop_timers
from services.orchestrator.mind.state import Ahead, Call, CallerLine, Listening
from services.orchestrator.mind.timers import T

MAX_HELD_BYTES = 4_000  # of words and of tool calls; more is not carried along in the state


def follow(before: Call, call: Call, event: Event, out: list[Effect]) -> Call:
    """After every event: hold what a speculation gave, throw it away when it is wrong, begin one when it is time."""
    if call.policy.ahead == "never":
        return call
    if call.ahead.text and not _holds(before, call, event):
        call = _discard(call, out, event.at_ms)
    match event:
        case events.PhraseReady() | events.RoundEnded():
            return _hold(call, event, out)
        case events.Retrieved():
            found = call.ahead.looking_for and same_words(call.passages_for, call.ahead.looking_for)
            return _think(call, out) if found else call
        case events.TimerFired(id="retrieve"):
            waited = call.ahead.looking_for and has_timer(before, T.RETRIEVE)
            return _think(replace(call, passages=(), passages_for="", retrieving=""), out) if waited else call
        case events.Interim() | events.Final() | events.TurnEnded(kind="eager"):
            call = _consider(before, call, event, out)
    if has_timer(call, T.STABLE) and not (isinstance(call.floor, Listening) and call.hearing.text):
        call = stop_timers(call, out, T.STABLE)
    return call


def words_are_stable(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The words have not changed for `ahead_ms`."""
    return _begin(call, call.hearing.text, at_ms, out, sure=False)


def settle(call: Call, text: str, at_ms: int, out: list[Effect]) -> tuple[Call, Ahead | None]:
    """The caller's turn is over and says `text`. Gives the speculation that was made on these words, if one runs."""
    ahead = call.ahead
    if not ahead.text:
        return call, None
    if ahead.looking_for or not same_words(ahead.text, text):
        return _discard(call, out, at_ms), None
    out.append(SpeculationOver(ahead.turn, ahead.tries - 1, "confirmed", at_ms - ahead.begun_ms))
    return replace(call, ahead=_idle(ahead)), ahead


def imagined(call: Call, think: Think) -> Call:
    """The call as a speculation is to see it: the caller's turn is taken to be over."""
    ahead = call.ahead
    if not think.speculative or not ahead.text or (ahead.turn, ahead.tries) != (think.turn, think.tries + 1):
        return call  # its turn was confirmed before its request was made
    return history.add(call, CallerLine(ahead.text))


def _holds(before: Call, call: Call, event: Event) -> bool:
    """Whether what a speculation was made on is still so."""
    if not isinstance(call.floor, Listening) or call.ahead.turn != call.turn + 1:
        return False
    if isinstance(event, events.TurnEnded) and event.kind == "resumed":
        return False
    if call.history is not before.history and call.history != before.history:
        return False
    return call.hearing.text == before.hearing.text or same_words(call.hearing.text, call.ahead.text)


def _consider(
    before: Call, call: Call, event: events.Interim | events.Final | events.TurnEnded, out: list[Effect]
) -> Call:
    """The words so far, or the ears' opinion of them, are news: is it time to think?"""
    text = call.hearing.text
    if isinstance(event, events.TurnEnded):
        heard = call.hearing
        if event.text and not (heard.echoed or heard.judged):  # else the ears know less than we do
            text = joined(heard.earlier, event.text)
        if call.ahead.text and not same_words(call.ahead.text, text):
            call = _discard(call, out, event.at_ms)
        return _begin(call, text, event.at_ms, out, sure=True)
    if call.policy.ahead != "stable" or not isinstance(call.floor, Listening):
        return call
    if isinstance(event, events.Final):
        if not call.hearing.since_ms:
            return _begin(call, text, event.at_ms, out, sure=True)
    elif event.stability >= call.policy.ahead_stability:
        return _begin(call, text, event.at_ms, out, sure=False)
    if not same_words(text, before.hearing.text) and _tries_left(call, sure=False):
        return start(call, out, T.STABLE, event.at_ms + call.policy.ahead_ms)
    return call


def _tries_left(call: Call, sure: bool) -> int:
    """The last try of a turn is kept for a sure sign of its end."""
    used = call.ahead.tries if call.ahead.turn == call.turn + 1 else 0
    return (call.policy.ahead_tries if sure else max(1, call.policy.ahead_tries - 1)) - used


def _begin(call: Call, text: str, at_ms: int, out: list[Effect], sure: bool) -> Call:
    """Only while the caller has the floor, and when it is known what was heard of all that was said before. An answer
    to a question for a yes is not the model's to think of."""
    text = clipped(text, history.MAX_CALLER_CHARS)
    if call.pending is not None:
        return call
    if call.ahead.text or not isinstance(call.floor, Listening) or history.unheard(call) or call.digits:
        return call
    if has_timer(call, T.ENDING) or count(text) < call.policy.ahead_words or _tries_left(call, sure) <= 0:
        return call
    turn = call.turn + 1
    tries = call.ahead.tries if call.ahead.turn == turn else 0
    call, awaited = look(call, text, at_ms, out)
    call = stop_timers(call, out, T.STABLE)
    call = replace(call, ahead=Ahead(turn, tries, text, looking_for=awaited, begun_ms=at_ms))
    return call if awaited else _think(call, out)


def _think(call: Call, out: list[Effect]) -> Call:
    ahead = call.ahead
    call = stop_timers(call, out, T.RETRIEVE)
    outgoing.think(call, out, Think(ahead.turn, ahead.tries, 0, tools_off=call.policy.rounds <= 0, speculative=True))
    tally = replace(call.tally, rounds=call.tally.rounds + 1, speculations=call.tally.speculations + 1)
    call = llm_retry.count(call, ahead.turn, 1)
    return replace(call, ahead=replace(ahead, tries=ahead.tries + 1, looking_for=""), tally=tally)


def _hold(call: Call, event: events.PhraseReady | events.RoundEnded, out: list[Effect]) -> Call:
    """Keep what the model gives, unsaid. A round that failed, or gave nothing, is left to the real one."""
    ahead = call.ahead
    running = ahead.text and not ahead.looking_for and not ahead.complete
    if not running or (event.turn, event.tries, event.round) != (ahead.turn, ahead.tries - 1, 0):
        return call
    ahead = replace(ahead, held=ahead.held + event.text)
    if isinstance(event, events.RoundEnded):
        call = spent(call, event.input_tokens, event.output_tokens)
        call = llm_retry.count(call, ahead.turn, event.requests - 1)
        ahead = replace(ahead, tools=event.tools, complete=True, carry=event.carry)
        if event.error or not (has_words(ahead.held) or ahead.tools):
            return _discard(call, out, event.at_ms, "failed")
    size = history.bytes_of(ahead.held) + sum(history.bytes_of(tool.arguments) for tool in ahead.tools)
    if size > MAX_HELD_BYTES:
        return _discard(call, out, event.at_ms, "too_long")
    return replace(call, ahead=ahead)


def given_up(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Nothing of it is carried along any more."""
    return _discard(call, out, at_ms, "too_long") if call.ahead.text else call


def _discard(call: Call, out: list[Effect], at_ms: int, outcome: str = "discarded") -> Call:
    ahead = call.ahead
    if ahead.looking_for:
        if isinstance(call.floor, Listening):
            call = stop_timers(call, out, T.RETRIEVE)
    else:
        out.append(SpeculationOver(ahead.turn, ahead.tries - 1, outcome, at_ms - ahead.begun_ms))
    return replace(call, ahead=_idle(ahead))


def _idle(ahead: Ahead) -> Ahead:
    """Nothing runs; how often it was tried for the turn is remembered."""
    return Ahead(ahead.turn, ahead.tries)
