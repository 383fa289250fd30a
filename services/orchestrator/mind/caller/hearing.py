"""What the caller does, and what follows: speech, words, the end of a turn, silence."""

from __future__ import annotations

from dataclasses import replace

from parley.text.scripts import joined
from parley.text.words import clipped, clipped_bytes, count
from services.orchestrator.mind import events
from services.orchestrator.mind.bot import answering, confirming
from services.orchestrator.mind.caller import echo, interruption, opening, push_to_talk, uninterruptible
from services.orchestrator.mind.effects import Effect, Retrieve
from services.orchestrator.mind.history import MAX_CALLER_CHARS, MAX_QUERY_BYTES
from services.orchestrator.mind.rules import has_timer, same_words, silence_timer, start, stop_timers
from services.orchestrator.mind.state import Answering, Call, Hearing, Listening
from services.orchestrator.mind.timers import T

MAX_MISHEARD = 2  # in a row, before the bot stops asking
PREFETCH_WORDS = 2  # look for knowledge while the caller still speaks, from this many words on
INTERIMS_WORDS = 3  # words that come as finals at once: the recogniser gives no interims


def speech_started(call: Call, event: events.SpeechStarted, out: list[Effect]) -> Call:
    if not push_to_talk.listens(call):
        return call
    call = stop_timers(_not_away(call, out), out, T.RESUME)
    call = replace(call, hearing=replace(call.hearing, since_ms=event.at_ms))
    if not has_timer(call, T.MONOLOGUE):
        call = start(call, out, T.MONOLOGUE, event.at_ms + call.policy.turn_ms)
    return interruption.sound_began(call, event.at_ms, out) if isinstance(call.floor, Answering) else call


def _not_away(call: Call, out: list[Effect]) -> Call:
    """Something is heard of the caller. Who is to speak first has not done so with a sound."""
    return call if opening.waits(call) else stop_timers(call, out, T.AWAY)


def interim(call: Call, event: events.Interim, out: list[Effect]) -> Call:
    if not push_to_talk.listens(call) or _is_over(call, event):
        return call
    if not event.text:  # the recogniser takes back what it said
        return replace(call, hearing=replace(call.hearing, interim=""))
    call = _not_away(call, out)
    call, text = _own_words(call, event, out)
    if text and call.hearing.since_ms and not call.hearing.text:
        call = interruption.first_word(call, event.at_ms)
    since = call.hearing.since_ms or event.at_ms
    room = MAX_CALLER_CHARS - len(call.hearing.earlier) - len(call.hearing.finals)
    hearing = replace(call.hearing, interim=clipped(text, max(0, room)), since_ms=since)
    call = replace(call, no_interims=False, hearing=hearing)
    return _prefetch(interruption.consider(call, event.at_ms, out), out)


def final(call: Call, event: events.Final, out: list[Effect]) -> Call:
    if not push_to_talk.listens(call) or _is_over(call, event):
        return call
    if not event.text:
        call = _not_understood(replace(call, hearing=replace(call.hearing, interim="")), event.at_ms, out)
        return interruption.answered_for(call, event.at_ms, out)
    call = _not_away(call, out)
    call, text = _own_words(call, event, out)
    room = MAX_CALLER_CHARS - len(call.hearing.earlier)
    finals = clipped(joined(call.hearing.finals, text), max(0, room))
    end_ms = max(call.hearing.end_ms, event.end_ms)
    if not call.hearing.interim and count(event.text) >= INTERIMS_WORDS:
        call = replace(call, no_interims=True)
    call = replace(call, hearing=replace(call.hearing, finals=finals, interim="", end_ms=end_ms))
    call = _prefetch(interruption.consider(call, event.at_ms, out), out)
    return interruption.answered_for(call, event.at_ms, out)


def _own_words(call: Call, event: events.Interim | events.Final, out: list[Effect]) -> tuple[Call, str]:
    """The words that are the caller's, not an echo of the bot's."""
    call, heard = _when(call, event)
    text = echo.without_echo(call, event.text, heard, goes_on=_goes_on(call.hearing, event))
    if text != event.text:
        call = replace(call, hearing=replace(call.hearing, echoed=True))
        if not text and not call.hearing.finals and call.paused:
            call = interruption.judged(replace(call, hearing=replace(call.hearing, interim="")), out)
    elif not call.hearing.over and isinstance(call.floor, Answering) and call.sounding:  # no sound was told before
        call = interruption.over_the_voice(call, heard.from_ms)
    return call, text


def _when(call: Call, event: events.Interim | events.Final) -> tuple[Call, echo.Heard]:
    if not event.end_ms:
        return call, echo.Heard(echo.guessed_from(event.text, event.at_ms), event.at_ms)
    begun = event.at_ms - (event.leg_ms or event.end_ms)
    begun = min(begun, call.leg_began_ms or begun)  # some events are late, none is early
    louder = None
    if event.beside_echo:
        louder = (begun + event.own_from_ms, begun + event.own_to_ms) if event.own_to_ms else echo.NOWHERE
    at = [begun + ms for ms in event.words_ms] if isinstance(event, events.Final) else []
    times = tuple(zip(at[::2], at[1::2], strict=True))
    from_ms, to_ms = begun + event.start_ms, begun + max(event.start_ms, event.end_ms)
    return replace(call, leg_began_ms=begun), echo.Heard(from_ms, to_ms, louder, times)


def _goes_on(heard: Hearing, event: events.Interim | events.Final) -> bool:
    """All that was heard so far is an echo, and these words follow it without a break."""
    return heard.echoed and not heard.finals and 0 <= event.start_ms - heard.end_ms <= echo.BREAK_MS


def _is_over(call: Call, event: events.Interim | events.Final | events.TurnEnded) -> bool:
    """It is of a turn whose end was told."""
    return 0 < event.turn <= call.over_turn


def _not_understood(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Something was said that gave no words: ask for it again, but not for ever."""
    if not isinstance(call.floor, Listening) or call.hearing.text or call.misheard >= MAX_MISHEARD:
        return call
    if opening.waits(call):
        return call  # the bot's first words are others, and come soon
    call = replace(call, misheard=call.misheard + 1)
    return answering.sentence(call, out, "not_heard", at_ms) if call.policy.not_heard else call


def speech_stopped(call: Call, event: events.SpeechStopped, out: list[Effect]) -> Call:
    call = replace(call, hearing=replace(call.hearing, since_ms=0))
    if isinstance(call.floor, Answering):
        return interruption.sound_ended(call, event.at_ms, out)
    if not call.hearing.text:
        call = stop_timers(call, out, T.MONOLOGUE)
        return silence_timer(call, out, event.at_ms)
    return call


def turn_ended(call: Call, event: events.TurnEnded, out: list[Effect]) -> Call:
    """The caller is done. Words over the bot's own are a turn too, unless they only say "I am listening".

    The turn's words are those that came as finals; only one of which none was told is known by what its end says.
    """
    if event.kind != "confirmed" or _is_over(call, event):
        return call
    call = replace(call, over_turn=max(call.over_turn, event.turn))
    heard = call.hearing
    if not push_to_talk.listens(call):
        return call
    if push_to_talk.pressed(call):  # pressed again before the end of the last words was told: they go on
        return call
    text = heard.finals if heard.finals or heard.echoed else event.text
    call = stop_timers(call, out, T.BARGE_IN, T.RESUME, *(() if heard.since_ms else (T.MONOLOGUE, T.WORDLESS)))
    call = push_to_talk.turn_over(call, out)
    if not text and not heard.earlier:
        return silence_timer(_nothing(call, out), out, event.at_ms)
    if text and not call.button and interruption.is_nothing(call, text):
        call = replace(call, hearing=replace(heard, finals=heard.finals or text, interim=""))
        return silence_timer(_nothing(call, out), out, event.at_ms)
    return take_turn(call, text, event.at_ms, out)


def _nothing(call: Call, out: list[Effect]) -> Call:
    """What ended was no turn."""
    call = interruption.judged(call, out)
    goes_on = call.hearing if call.hearing.since_ms else Hearing()
    hearing = Hearing(since_ms=goes_on.since_ms, over=goes_on.over, over_of=goes_on.over_of)
    return replace(call, hearing=hearing)


def take_turn(call: Call, text: str, at_ms: int, out: list[Effect], interrupts: bool = True) -> Call:
    """The caller's turn is `text`: it is answered, after what may not be interrupted."""
    early = confirming.too_early(call)
    waits = uninterruptible.shielded(call, at_ms) or call.hearing.shielded or not interrupts
    since = call.hearing.since_ms
    if isinstance(call.floor, Answering):
        if waits:
            waiting = clipped(joined(call.floor.waiting_turn, text), MAX_CALLER_CHARS)
            call = replace(call, floor=replace(call.floor, waiting_turn=waiting), hearing=Hearing(since_ms=since))
            return interruption.go_on(call, out) if call.paused else call
        call = interruption.interrupt(call, at_ms, out)
    text = joined(call.hearing.earlier, text)
    return answering.begin(replace(call, hearing=Hearing(since_ms=since)), text, at_ms, out, early=early)


def typed(call: Call, event: events.Typed, out: list[Effect]) -> Call:
    text = event.text.strip()
    if not text:
        return call
    call = stop_timers(call, out, T.AWAY, T.MONOLOGUE, *interruption.TIMERS)
    heard = Hearing(earlier=call.hearing.earlier)
    return take_turn(replace(call, hearing=heard), text, event.at_ms, out)


def protection_over(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The first moments of a greeting are over: who speaks on interrupts it, who has spoken is answered after it."""
    call = replace(call, protected_until_ms=0)
    if not call.hearing.since_ms:
        return call
    call = replace(call, hearing=replace(call.hearing, shielded=False))
    return interruption.consider(call, at_ms, out)


def nobody_speaks(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """A silent caller is asked a few times, then the call ends politely."""
    if not isinstance(call.floor, Listening):
        return call
    if opening.waits(call):
        return _speak_after_all(call, at_ms, out)
    prompts = call.policy.away_prompts
    if call.silences < len(prompts):
        call, again = confirming.reminder(call)
        call = answering.notice(call, out, joined(prompts[call.silences], again), at_ms)
        return replace(call, silences=call.silences + 1)
    call = answering.sentence(call, out, "goodbye", at_ms)
    return answering.hang_up_after(call, "the caller was silent", at_ms, out)


def _speak_after_all(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The caller was to speak first, and has not."""
    if later := opening.put_off(call, at_ms):
        return start(call, out, T.AWAY, later)
    return answering.greet(call, at_ms, out)


def never_stops(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """A caller who talks without an end is stopped, and answered on what was understood."""
    text = call.hearing.text
    if not isinstance(call.floor, Listening) or not (text or call.hearing.since_ms):
        return call
    call = replace(call, hearing=Hearing())
    call = answering.sentence(call, out, "too_long", at_ms)
    if text and isinstance(call.floor, Answering):
        call = replace(call, floor=replace(call.floor, waiting_turn=text))
    return call


def silence_bot(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Take the floor from the bot, whatever it is doing."""
    return interruption.interrupt(call, at_ms, out, by_caller=False) if isinstance(call.floor, Answering) else call


def _prefetch(call: Call, out: list[Effect]) -> Call:
    """Look for knowledge before the turn ends, one search at a time."""
    text = clipped_bytes(call.hearing.text, MAX_QUERY_BYTES)
    if (
        call.policy.retrieve
        and isinstance(call.floor, Listening)
        and not call.retrieving
        and count(text) >= PREFETCH_WORDS
        and not same_words(text, call.passages_for)
    ):
        out.append(Retrieve(text))
        call = replace(call, retrieving=text)
    return call
