"""Somebody sounds while the bot has the floor: is it an interruption? The gateway may have paused the voice already.

    stop    enough words, or a voice that lasts long enough and has a word; keys and the button, at once
    wait    a voice without a word yet; words that only say "I am listening"
    resume  an echo, at once; words that only say "I am listening", as soon as they are known; quiet again without a
            word; a voice of which no word is understood in the time in which others gave one, at most `wordless_ms`;
            whatever is said over what may not be interrupted

A voice alone, without any word, never takes the bot's turn away: the bot is silent meanwhile, so that waiting for the
first word costs nothing. `hearing.text` is free of echo when it comes here.
"""

from __future__ import annotations

from dataclasses import replace

from parley.text.scripts import ASKS, CLOSERS, SENTENCE_ENDS, asks
from services.orchestrator.mind import history
from services.orchestrator.mind.asked_cards import asked_card
from services.orchestrator.mind.bot import voice
from services.orchestrator.mind.caller.backchannels import begun_backchannel, real_words, sure_words
from services.orchestrator.mind.caller.uninterruptible import shielded
from services.orchestrator.mind.effects import BargeIn, CloseThink, Effect, Resume, Stop
from services.orchestrator.mind.expecting import asked_by
from services.orchestrator.mind.rules import start, stop_timers
from services.orchestrator.mind.state import Answering, BotLine, Call, Hearing, Listening
from services.orchestrator.mind.timers import T

RESUME_WAIT_MS = 300  # words may still come after the sound stopped
LEAST_WORDLESS_MS, WORDLESS_SLACK_MS = 500, 150
TIMERS = (T.BARGE_IN, T.WORDLESS, T.RESUME)


def sound_began(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The ears hear a voice while the bot has the floor."""
    call = replace(call, hearing=replace(call.hearing, judged=False))
    if call.sounding and not call.hearing.over:
        call = over_the_voice(call, at_ms)
    if call.policy.interrupt_ms:
        call = start(call, out, T.BARGE_IN, at_ms + call.policy.interrupt_ms)
    return start(call, out, T.WORDLESS, at_ms + wordless_ms(call))


def wordless_ms(call: Call) -> int:
    """How long a voice is waited for its first word: this recogniser has needed so long for one in this call."""
    if not call.words_ms:
        return call.policy.wordless_ms
    return min(call.policy.wordless_ms, max(LEAST_WORDLESS_MS, call.words_ms + WORDLESS_SLACK_MS))


def first_word(call: Call, at_ms: int) -> Call:
    """A sound has its first word now. The slowest counts, and is forgotten slowly."""
    took = at_ms - call.hearing.since_ms
    return replace(call, words_ms=max(took, call.words_ms - (call.words_ms - took) // 8))


def over_the_voice(call: Call, at_ms: int) -> Call:
    """The caller's sound began at this time, while the bot's did."""
    return replace(call, hearing=replace(call.hearing, over=1 + voice.position(call, at_ms), over_of=call.sounding))


def consider(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """What follows from the sound and the words so far."""
    if not isinstance(call.floor, Answering):
        return call
    words = sure_words(call, call.hearing.text)
    if words and shielded(call, at_ms):
        call = replace(call, hearing=replace(call.hearing, shielded=True))
        return go_on(call, out) if call.paused else call
    policy, since = call.policy, call.hearing.since_ms
    enough = policy.interrupt_words and words >= policy.interrupt_words
    lasting = policy.interrupt_ms and words and since and at_ms - since >= policy.interrupt_ms
    if enough or lasting:
        return interrupt(call, at_ms, out)
    if call.paused and call.hearing.text and not real_words(call, call.hearing.text) and not _answers(call):
        return go_on(call, out)  # what is said behind it may still be real
    return call


def sound_ended(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Quiet again: words may still come, for a little while."""
    call = stop_timers(call, out, T.BARGE_IN, T.WORDLESS)
    if not call.paused and call.hearing.finals and not call.hearing.interim:
        return quiet(call, at_ms, out)  # the bot has gone on already, and no more words are to come
    waits = call.paused or bool(call.hearing.text)
    return start(call, out, T.RESUME, at_ms + RESUME_WAIT_MS) if waits else call


def no_words(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """A voice has gone on for `wordless_ms`, and no word of it counts: talk in the room, music, a long laugh.

    From a recogniser that gives no interims nothing else can be expected: then the end of the sound is waited for.
    """
    if not call.hearing.since_ms or call.no_interims or real_words(call, call.hearing.text):
        return call
    return judged(call, out)


def quiet(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The sound is over. Words that count but are too few leave the decision to the end of the turn."""
    text = call.hearing.text
    if call.hearing.since_ms or real_words(call, text) or (text and _answers(call)):
        return call
    return judged(call, out)


def answered_for(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The recogniser has said its last word on what sounded. When it is quiet too, nothing is left to wait for."""
    return quiet(call, at_ms, out) if call.paused and isinstance(call.floor, Answering) else call


def judged(call: Call, out: list[Effect]) -> Call:
    """It was nothing: the bot goes on where it paused."""
    if not isinstance(call.floor, Answering):
        return call
    heard = call.hearing
    if (call.paused or heard.text) and not heard.judged:
        out.append(BargeIn("backchannel" if heard.text else "echo" if heard.echoed else "noise"))
    nothing = replace(Hearing(), since_ms=heard.since_ms, over=heard.over, over_of=heard.over_of, end_ms=heard.end_ms)
    nothing = replace(nothing, echoed=heard.echoed, judged=True)
    begun = begun_backchannel(call, heard.finals)  # its other words are still to come as final ones
    return go_on(replace(call, hearing=replace(nothing, finals=begun)), out)


def go_on(call: Call, out: list[Effect]) -> Call:
    """Resume, when the mouth has paused."""
    call = stop_timers(call, out, T.RESUME, T.WORDLESS)
    if call.paused:
        out.append(Resume(call.turn))
    return replace(call, paused=False)


def is_nothing(call: Call, text: str) -> bool:
    """Whether a whole turn only says "I am listening": to the bot's voice, and not as the answer to its question."""
    if real_words(call, text) or _answers(call):
        return False
    return isinstance(call.floor, Answering) or bool(call.hearing.over)


def _answers(call: Call) -> bool:
    """The bot asks, and what the caller says falls on that question or behind it: a "yes" is the answer."""
    lines = (x for x in reversed(call.history) if isinstance(x, BotLine) and x.utterance and x.kind != "filler")
    line = next(lines, None)
    if line is None or not line.complete or not asks(line.text):
        return False
    text = line.text.rstrip(f"{CLOSERS}{ASKS} ")
    asks_from = max(text.rfind(mark) for mark in SENTENCE_ENDS)
    if not call.hearing.over:
        return True
    return max(call.hearing.over, line.heard) > asks_from


def interrupt(call: Call, at_ms: int, out: list[Effect], by_caller: bool = True) -> Call:
    """The caller takes the floor: silence, and no more words of this turn. Tools go on; their outcomes are kept."""
    floor = call.floor
    assert isinstance(floor, Answering)
    out.append(Stop(call.turn, _asked_so_far(call, at_ms)))
    if floor.thought is not None:
        out.append(CloseThink(call.turn))
    spoke = any(line.turn == call.turn for line in history.unheard(call))
    if spoke and by_caller:
        out.append(BargeIn("stopped"))
    if call.sounding and not call.paused:  # until the gateway tells how much was heard
        guess = voice.position(call, at_ms)
        call = history.edit(call, call.sounding, lambda x: replace(x, heard=voice.surely_heard(x, guess)))
    for line in history.unheard(call):
        call = history.edit(call, line.utterance, _no_more_text)
    then = call.then if call.then is not None and (call.then.kind == "transfer" or call.then.forced) else None
    call = stop_timers(call, out, *TIMERS, T.RETRIEVE, T.AGAIN)
    tally = replace(call.tally, barge_ins=call.tally.barge_ins + (spoke and by_caller))
    hearing = replace(call.hearing, over=0, shielded=False, earlier=floor.waiting_turn)
    call = replace(call, floor=Listening(), paused=False, protected_until_ms=0)
    return replace(call, then=then, tally=tally, hearing=hearing)


def _asked_so_far(call: Call, at_ms: int) -> str:
    """What the bot's words ask for, as far as they sounded."""
    line = history.line_of(call, call.sounding) if call.sounding else None
    if line is None:
        return ""
    if call.policy.payment and (asked := asked_card(line.text)):  # whatever was missed of it: no digit may be told
        return asked
    if call.policy.push_to_talk:
        return "button"
    return asked_by(line.text, max(line.heard, voice.position(call, at_ms)), call.language)


def _no_more_text(line: BotLine) -> BotLine:
    return replace(line, complete=True)
