"""What the caller does, and what follows: speech, words, the end of a turn, keys, breaking in, silence."""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator import answering, events, history
from services.orchestrator.effects import CloseThink, Effect, Resume, Retrieve, Stop
from services.orchestrator.history import MAX_CALLER_BYTES, MAX_QUERY_BYTES, clipped
from services.orchestrator.rules import has_timer, real_words, same_words, silence_timer, start, stop_timers
from services.orchestrator.state import Answering, BotLine, Call, Hearing, Listening

RESUME_WAIT_MS = 300  # words may still come after the sound stopped
KEYS_WAIT_MS = 2000  # after the last key, unless # ends them
MAX_MISHEARD = 2  # in a row, before the bot stops asking
PREFETCH_WORDS = 2  # look for knowledge while the caller still speaks, from this many words on


def speech_started(call: Call, event: events.SpeechStarted, out: list[Effect]) -> Call:
    call = stop_timers(call, out, "away", "resume")
    call = replace(call, hearing=replace(call.hearing, since_ms=event.at_ms))
    if not has_timer(call, "monologue"):
        call = start(call, out, "monologue", event.at_ms + call.policy.turn_ms)
    if _may_interrupt(call) and call.policy.interrupt_ms:
        call = start(call, out, "barge_in", event.at_ms + call.policy.interrupt_ms)
    return call


def interim(call: Call, event: events.Interim, out: list[Effect]) -> Call:
    if not event.text:
        return call
    call = stop_timers(call, out, "away")
    since = call.hearing.since_ms or event.at_ms
    call = replace(call, hearing=replace(call.hearing, interim=clipped(event.text, MAX_QUERY_BYTES), since_ms=since))
    return _prefetch(_consider(call, out), out)


def final(call: Call, event: events.Final, out: list[Effect]) -> Call:
    if not event.text:
        return _not_understood(call, event.at_ms, out)
    call = stop_timers(call, out, "away")
    finals = clipped(f"{call.hearing.finals} {event.text}".strip(), MAX_CALLER_BYTES)
    call = replace(call, hearing=replace(call.hearing, finals=finals, interim=""))
    return _prefetch(_consider(call, out), out)


def _not_understood(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Something was said that gave no words: ask for it again, but not for ever."""
    if not isinstance(call.floor, Listening) or call.hearing.text or call.misheard >= MAX_MISHEARD:
        return call
    call = replace(call, misheard=call.misheard + 1)
    return answering.notice(call, out, call.policy.not_heard, at_ms) if call.policy.not_heard else call


def speech_stopped(call: Call, event: events.SpeechStopped, out: list[Effect]) -> Call:
    call = stop_timers(call, out, "barge_in")
    call = replace(call, hearing=replace(call.hearing, since_ms=0))
    if isinstance(call.floor, Answering):
        return start(call, out, "resume", event.at_ms + RESUME_WAIT_MS) if call.paused else call
    if not call.hearing.text:
        call = stop_timers(call, out, "monologue")
        return silence_timer(call, out, event.at_ms)
    return call


def turn_ended(call: Call, event: events.TurnEnded, out: list[Effect]) -> Call:
    """The caller is done. Words over the bot's own are a turn too, unless they only say "I am listening"."""
    if event.kind != "confirmed":
        return call
    text = event.text or call.hearing.finals
    call = replace(call, hearing=Hearing(since_ms=call.hearing.since_ms))
    call = stop_timers(call, out, "monologue", "barge_in", "resume")
    if not text:
        return silence_timer(call, out, event.at_ms)
    return _turn(call, text, event.at_ms, out)


def _turn(call: Call, text: str, at_ms: int, out: list[Effect]) -> Call:
    if isinstance(call.floor, Answering):
        if _protected(call):
            waiting = clipped(f"{call.floor.waiting_turn} {text}".strip(), MAX_CALLER_BYTES)
            return replace(call, floor=replace(call.floor, waiting_turn=waiting))
        if not real_words(call, text) and (call.sounding or call.floor.thought) and not _asks(call):
            return _resume(call, out)
        call = _interrupt(call, out)
    return answering.begin(call, text, at_ms, out)


def _asks(call: Call) -> bool:
    """What is being said ends in a question: a "yes" over it is its answer."""
    return any(line.complete and line.text.rstrip().endswith("?") for line in history.unheard(call))


def typed(call: Call, event: events.Typed, out: list[Effect]) -> Call:
    text = event.text.strip()
    if not text:
        return call
    call = stop_timers(call, out, "away", "barge_in", "resume", "monologue")
    return _turn(replace(call, hearing=Hearing()), text, event.at_ms, out)


def dtmf(call: Call, event: events.Dtmf, out: list[Effect]) -> Call:
    """A key interrupts at once; the digits are a turn after `#`, or when no more come."""
    call = stop_timers(call, out, "away")
    if _may_interrupt(call):
        call = _interrupt(call, out)
    if event.digit == "#":
        return keys_done(stop_timers(call, out, "dtmf"), event.at_ms, out)
    call = replace(call, digits=(call.digits + event.digit)[-32:])
    return start(call, out, "dtmf", event.at_ms + KEYS_WAIT_MS)


def keys_done(call: Call, at_ms: int, out: list[Effect]) -> Call:
    digits = call.digits
    call = replace(call, digits="")
    return _turn(call, digits, at_ms, out) if digits else silence_timer(call, out, at_ms)


def button(call: Call, event: events.Button, out: list[Effect]) -> Call:
    """Push-to-talk: pressing interrupts; letting go is the ears' `turn_ended`."""
    if not event.pressed:
        return silence_timer(call, out, event.at_ms) if not call.hearing.text else call
    if _may_interrupt(call):
        call = _interrupt(call, out)
    return stop_timers(call, out, "away")


def spoke_long_enough(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Speech over the bot's voice went on for `interrupt_ms`. Only backchannel words so far: not an interruption."""
    text = call.hearing.text
    if not call.hearing.since_ms or not _may_interrupt(call) or (text and not real_words(call, text)):
        return call
    return _interrupt(call, out)


def nothing_came(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The sound that made the mouth pause is over and brought no words that count."""
    return call if call.hearing.since_ms else _resume(call, out)


def nobody_speaks(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """A silent caller is asked a few times, then the call ends politely."""
    if not isinstance(call.floor, Listening):
        return call
    prompts = call.policy.away_prompts
    if call.silences < len(prompts):
        call = answering.notice(call, out, prompts[call.silences], at_ms)
        return replace(call, silences=call.silences + 1)
    call = answering.notice(call, out, call.policy.goodbye, at_ms, interruptible=True)
    return answering.hang_up_after(call, "the caller was silent")


def never_stops(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """A caller who talks without an end is stopped, and answered on what was understood."""
    text = call.hearing.text
    if not isinstance(call.floor, Listening) or not (text or call.hearing.since_ms):
        return call
    call = replace(call, hearing=Hearing())
    call = answering.notice(call, out, call.policy.too_long, at_ms, interruptible=False)
    if text and isinstance(call.floor, Answering):
        call = replace(call, floor=replace(call.floor, waiting_turn=text))
    return call


def silence_bot(call: Call, out: list[Effect]) -> Call:
    """Take the floor from the bot, whatever it is doing."""
    return _interrupt(call, out) if isinstance(call.floor, Answering) else call


def _consider(call: Call, out: list[Effect]) -> Call:
    """Do the words so far interrupt the bot?"""
    needed = call.policy.interrupt_words
    if needed and _may_interrupt(call) and real_words(call, call.hearing.text) >= needed:
        return _interrupt(call, out)
    return call


def _may_interrupt(call: Call) -> bool:
    return isinstance(call.floor, Answering) and not _protected(call)


def _protected(call: Call) -> bool:
    """Words that must be heard are being said, or wait to be."""
    return any(not line.interruptible for line in history.unheard(call))


def _interrupt(call: Call, out: list[Effect]) -> Call:
    """The caller takes the floor: silence, and no more words of this turn. Tools go on; their outcomes are kept."""
    floor = call.floor
    assert isinstance(floor, Answering)
    out.append(Stop(call.turn))
    if floor.thought is not None:
        out.append(CloseThink(call.turn))
    spoke = bool(history.unheard(call))
    for line in history.unheard(call):
        call = history.edit(call, line.utterance, _no_more_text)
    then = call.then if call.then is not None and call.then.kind == "transfer" else None
    call = stop_timers(call, out, "barge_in", "resume", "retrieve")
    tally = replace(call.tally, barge_ins=call.tally.barge_ins + spoke)
    return replace(call, floor=Listening(), paused=False, then=then, tally=tally)


def _no_more_text(line: BotLine) -> BotLine:
    return replace(line, complete=True)


def _resume(call: Call, out: list[Effect]) -> Call:
    if call.paused and isinstance(call.floor, Answering):
        out.append(Resume(call.turn))
        call = replace(call, hearing=Hearing(since_ms=call.hearing.since_ms))
    return call


def _prefetch(call: Call, out: list[Effect]) -> Call:
    """Look for knowledge before the turn ends, one search at a time."""
    text = clipped(call.hearing.text, MAX_QUERY_BYTES)
    if (
        call.policy.retrieve
        and isinstance(call.floor, Listening)
        and not call.retrieving
        and len(text.split()) >= PREFETCH_WORDS
        and not same_words(text, call.passages_for)
    ):
        out.append(Retrieve(text))
        call = replace(call, retrieving=text)
    return call
