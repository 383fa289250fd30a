"""What became of the bot's words at the caller's ear."""

from __future__ import annotations

from dataclasses import replace

from parley.text.words import has_words
from services.orchestrator.mind import events, history
from services.orchestrator.mind.bot import fillers, voice
from services.orchestrator.mind.bot.answering import END_GRACE_MS, over, where_stopped
from services.orchestrator.mind.bot.unanswered import MAX_VOICELESS
from services.orchestrator.mind.caller import interruption
from services.orchestrator.mind.effects import CloseThink, Effect, HangUp, Store
from services.orchestrator.mind.rules import await_hearing, has_timer, start
from services.orchestrator.mind.state import Answering, BotLine, Call, Place
from services.orchestrator.mind.timers import T


def utterance_started(call: Call, event: events.UtteranceStarted, out: list[Effect]) -> Call:
    line = history.line_of(call, event.utterance)
    if line is not None and line.protect_ms:
        call = start(call, out, T.PROTECTED, event.at_ms + line.protect_ms)
        call = replace(call, protected_until_ms=event.at_ms + line.protect_ms)
    return replace(voice.begins(call, event.utterance, 0, event.at_ms), sounding=event.utterance)


def heard(call: Call, event: events.Heard, out: list[Effect]) -> Call:
    """How much of an utterance reached the caller's ear. Only that is what the bot said."""
    line = history.line_of(call, event.utterance)
    if line is None and event.text and not fillers.known(call, event.text):
        line = BotLine(call.turn, event.utterance, text=event.text, complete=True, at_ms=event.at_ms)
        call = history.add(call, line)
    if line is None or line.status != "pending":
        return call
    text = event.text if len(event.text) > len(line.text) else line.text  # an older owner said more than we know
    whole = event.complete or (event.cut and line.complete and event.chars >= len(text.rstrip()) > 0)
    status = "heard" if whole else "cut" if event.cut else "pending"
    chars = len(text) if whole else min(event.chars, len(text))
    call = voice.ends(call, event.utterance, chars, event.at_ms)
    call = history.edit(call, event.utterance, lambda x: replace(x, text=text, heard=chars, status=status))
    if status == "pending":
        return call
    if call.sounding == event.utterance:
        call = replace(call, sounding=0, paused=False)
    call = await_hearing(call, out, event.at_ms)
    if status == "cut" and (event.failed or line.voiceless):
        call = _voiceless(no_voice(call, event.utterance), event, out)
    elif has_words(text[:chars]):
        answers = line.kind == "answer" and line.utterance
        call = replace(call, voiceless=0, failures=0 if answers else call.failures)
    call = over(call, event.at_ms, out, owed=call.voiceless < MAX_VOICELESS)
    call = where_stopped(call, out)
    out.append(Store())
    return call


def no_voice(call: Call, utterance: int) -> Call:
    """No voice can be had for the rest of this utterance: how much of it was heard is yet to be told."""
    return history.edit(call, utterance, lambda x: replace(x, voiceless=x.status != "heard", complete=True))


def _voiceless(call: Call, event: events.Heard, out: list[Effect]) -> Call:
    """The words behind it are nobody's. When this goes on without a word that can be spoken, the call ends."""
    call = replace(call, voiceless=call.voiceless + 1)
    floor = call.floor
    if isinstance(floor, Answering) and floor.thought is not None and floor.thought.utterance == event.utterance:
        out.append(CloseThink(call.turn))
        call = replace(call, floor=replace(floor, thought=None))
    if call.voiceless < MAX_VOICELESS:
        return call
    out.append(HangUp("no voice"))
    return start(call, out, T.ENDING, event.at_ms + END_GRACE_MS)


def progress(call: Call, event: events.Progress, out: list[Effect]) -> Call:
    """When words sound. History waits for `Heard`; this is for echoes, and for when that can no longer come."""
    told = zip(event.places, event.in_ms, strict=False)
    places = tuple(Place(char, event.at_ms + in_ms) for char, in_ms in told) or (Place(event.chars, event.at_ms),)
    return voice.reaches(call, event.utterance, places, event.at_ms)


def paused(call: Call, event: events.Paused, out: list[Effect]) -> Call:
    """The mouth fell silent by itself. One that was stopped meanwhile is not waited for."""
    call = voice.ends(call, event.utterance, event.chars, event.at_ms)
    line = history.line_of(call, event.utterance)
    if line is None or line.status != "pending" or not isinstance(call.floor, Answering):
        return call
    call = history.edit(call, event.utterance, lambda x: replace(x, heard=min(event.chars, len(x.text))))
    if call.hearing.since_ms:
        call = interruption.sound_began(call, event.at_ms, out) if not has_timer(call, T.WORDLESS) else call
    elif event.cause == "speech":  # its end was told before
        call = interruption.sound_ended(replace(call, paused=True), event.at_ms, out)
    return replace(call, paused=True)


def resumed(call: Call, event: events.Resumed, out: list[Effect]) -> Call:
    call = voice.begins(call, event.utterance, event.chars, event.at_ms)
    return replace(call, paused=False)


def never_heard(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Nobody told what became of the words: what is known is all that was heard."""
    for line in history.unheard(call):
        if line.complete:
            call = history.edit(call, line.utterance, lambda x: replace(x, status="cut"))
    out.append(Store())
    return over(replace(call, sounding=0, paused=False), at_ms, out, owed=False)
