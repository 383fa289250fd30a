"""What became of the bot's words at the caller's ear."""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator import events, fillers, history
from services.orchestrator.answering import over
from services.orchestrator.effects import Effect, Store
from services.orchestrator.rules import await_hearing
from services.orchestrator.state import BotLine, Call


def utterance_started(call: Call, event: events.UtteranceStarted, out: list[Effect]) -> Call:
    return replace(call, sounding=event.utterance)


def heard(call: Call, event: events.Heard, out: list[Effect]) -> Call:
    """How much of an utterance reached the caller's ear. Only that is what the bot said."""
    line = history.line_of(call, event.utterance)
    if line is None and event.text and not fillers.known(call, event.text):
        line = BotLine(call.turn, event.utterance, text=event.text, complete=True, at_ms=event.at_ms)
        call = history.add(call, line)
    if line is None or line.status != "pending":
        return call
    status = "heard" if event.complete else "cut" if event.cut else "pending"
    text = event.text if len(event.text) > len(line.text) else line.text  # an older owner said more than we know
    chars = len(text) if event.complete else min(event.chars, len(text))
    call = history.edit(call, event.utterance, lambda x: replace(x, text=text, heard=chars, status=status))
    if status == "pending":
        return call
    if call.sounding == event.utterance:
        call = replace(call, sounding=0, paused=False)
    call = over(await_hearing(call, out, event.at_ms), event.at_ms, out)
    out.append(Store())
    return call


def paused(call: Call, event: events.Paused, out: list[Effect]) -> Call:
    line = history.line_of(call, event.utterance)
    if line is not None and line.status == "pending":
        call = history.edit(call, event.utterance, lambda x: replace(x, heard=min(event.chars, len(x.text))))
    return replace(call, paused=True)


def resumed(call: Call, event: events.Resumed, out: list[Effect]) -> Call:
    return replace(call, paused=False)


def never_heard(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Nobody told what became of the words: what is known is all that was heard."""
    for line in history.unheard(call):
        if line.complete:
            call = history.edit(call, line.utterance, lambda x: replace(x, status="cut"))
    out.append(Store())
    return over(replace(call, sounding=0, paused=False), at_ms, out)
