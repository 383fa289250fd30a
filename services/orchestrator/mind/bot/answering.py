"""What the bot does: rounds of the model, phrases, tools, what was heard of them, and how a turn is over."""

from __future__ import annotations

from dataclasses import replace

from parley.text.words import clipped, has_words
from services.orchestrator.mind import events, history, identity, known, outgoing
from services.orchestrator.mind.actions import Outcome, Then, ToolUse
from services.orchestrator.mind.bot import (
    confirming,
    fillers,
    llm_retry,
    must_say,
    showing,
    specialists,
    speculation,
    unanswered,
    wanted_tools,
)
from services.orchestrator.mind.bot.knowledge import look
from services.orchestrator.mind.effects import CloseThink, Effect, HangUp, Store, Transfer
from services.orchestrator.mind.outside import escalation
from services.orchestrator.mind.rules import (
    await_hearing,
    comes_to,
    has_timer,
    same_words,
    silence_timer,
    spent,
    start,
    stop_timers,
)
from services.orchestrator.mind.state import Ahead, Answering, BotLine, Call, CallerLine, Hearing, Listening, Thought
from services.orchestrator.mind.timers import T

MAX_FAILURES = 3  # failed turns in a row, before the call ends
END_GRACE_MS = 10_000  # for the leg to end after a hang-up
WHERE_STOPPED = "where the bot was stopped"
WHERE_STOPPED_MS = 250  # for the gateway to tell, when the stop and the caller's question come at once


def begin(call: Call, text: str, at_ms: int, out: list[Effect], early: bool = False) -> Call:
    """The caller's turn is over: answer `text`. `early`: it is no answer to what the bot has just asked."""
    text = clipped(text, history.MAX_CALLER_CHARS)
    call, ahead = speculation.settle(call, text, at_ms, out)
    answer = confirming.answered(call, text, out, early)
    call = must_say.to_first_words(answer.call, at_ms, out)
    call = history.add(call, CallerLine(text, at_ms))
    call = replace(call, turn=call.turn + 1, hearing=Hearing(), silences=0, misheard=0, paused=False)
    call = stop_timers(call, out, T.AWAY)
    if answer.people:
        call = notice(replace(call, floor=Answering(asked=True)), out, call.policy.escalation_say, at_ms)
        call = _do(call, (escalation.connecting(call),), at_ms, out)
    elif answer.tool is not None:
        if answer.behind:
            call, _ = look(call, answer.behind, at_ms, out)  # while it is done
        out.append(Store(first=True))  # who takes over must know of it before it is done
        call = _do(replace(call, floor=Answering(asked=True)), (answer.tool,), at_ms, out)
    elif answer.again:
        call = ask(replace(call, floor=Answering(asked=True)), at_ms, out, unclear=True)
    elif ahead is not None:
        call = _adopt(call, ahead, at_ms, out)
    else:
        call, awaited = look(call, text, at_ms, out)
        call = replace(call, floor=Answering(looking_for=awaited, asked=True))
        call = call if awaited else _first_round(call, at_ms, out)
    call = fillers.expect(call, at_ms, out)
    out.append(Store())
    return call


def ask(call: Call, at_ms: int, out: list[Effect], unclear: bool = False) -> Call:
    """Say the question that an action waits for. None is said to somebody who is about to be handed on or hung up.
    Stored before it is said: the yes of a quick caller may come to a new owner."""
    if call.then is not None:
        return over(confirming.dropped(call, confirming.NOT_ASKED, "left", out), at_ms, out)
    call, text = confirming.question(call, unclear)
    out.append(Store(first=True))
    return notice(call, out, text, at_ms)


def escalate(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Offer the caller a person, or say that they are connected to one."""
    call = escalation.taken(call)
    return ask(call, at_ms, out) if confirming.due(call) else notice(call, out, call.policy.escalation_say, at_ms)


def _adopt(call: Call, ahead: Ahead, at_ms: int, out: list[Effect]) -> Call:
    """The speculation was right: it is the first round, and what it has given so far is said and done now."""
    tries = ahead.tries - 1
    thought = Thought(0, tries, first=tries)
    call = specialists.adopted(replace(call, floor=Answering(thought=thought, asked=True)), ahead, out)
    if ahead.complete:
        ended = events.RoundEnded(at_ms=at_ms, turn=call.turn, tries=tries, round=0, text=ahead.held, tools=ahead.tools)
        ended = replace(ended, carry=ahead.carry)
        return _round_over(call, thought, ended, out)
    return _speak(call, thought, ahead.held, at_ms, out, complete=False) if has_words(ahead.held) else call


def retrieved(call: Call, event: events.Retrieved, out: list[Effect]) -> Call:
    if not same_words(call.retrieving, event.query):
        return call
    call = replace(call, passages=event.passages, passages_for=event.query, retrieving="")
    if isinstance(call.floor, Answering) and call.floor.looking_for:
        call = stop_timers(call, out, T.RETRIEVE)
        return _first_round(call, event.at_ms, out)
    return call


def waited(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Knowledge, or where the bot was stopped, was not told in time: answer without it."""
    if isinstance(call.floor, Answering) and call.floor.looking_for:
        if call.retrieving:
            call = replace(call, passages=(), passages_for="", retrieving="")
        return _first_round(call, at_ms, out)
    return call


def where_stopped(call: Call, out: list[Effect]) -> Call:
    """It was told how much of what was stopped had been heard; the model may have waited for that."""
    waits = isinstance(call.floor, Answering) and call.floor.looking_for == WHERE_STOPPED
    if not waits or history.stopped(call):
        return call
    call = stop_timers(call, out, T.RETRIEVE)
    return think(call, out, rounds_done(call), continuing=noticed(call))


def _first_round(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Knowledge is there or was given up: ask the model, as soon as it is known where the bot was stopped."""
    floor = call.floor
    assert isinstance(floor, Answering)
    if history.stopped(call) and not call.leg_lost and floor.looking_for != WHERE_STOPPED:
        call = replace(call, floor=replace(floor, looking_for=WHERE_STOPPED))
        return start(call, out, T.RETRIEVE, at_ms + WHERE_STOPPED_MS)
    return think(call, out, rounds_done(call), continuing=noticed(call))


def think(call: Call, out: list[Effect], number: int, tries: int = 0, continuing: bool = False) -> Call:
    """Ask for a round. `tries`: how often it was begun before, beside the speculations of this turn."""
    assert isinstance(call.floor, Answering)
    first = call.ahead.tries if number == 0 and call.ahead.turn == call.turn else 0
    tries += first
    call = replace(call, floor=replace(call.floor, looking_for=""))
    return llm_retry.think(call, Thought(number, tries, first=first), out, continuing)


def _thought_of(call: Call, event: events.PhraseReady | events.RoundEnded) -> Thought | None:
    """The running round that this event belongs to; None when it is late."""
    floor = call.floor
    if not isinstance(floor, Answering) or floor.thought is None or event.turn != call.turn:
        return None
    thought = floor.thought
    return thought if (thought.round, thought.tries) == (event.round, event.tries) else None


def phrase_ready(call: Call, event: events.PhraseReady, out: list[Effect]) -> Call:
    thought = _thought_of(call, event)
    if thought is None or not (thought.utterance or has_words(event.text)):
        return call  # an answer does not begin with what makes no sound
    if (text := history.sayable(call, thought.utterance, event.text)) != event.text:  # it knows no end
        out.append(CloseThink(call.turn))
        ended = events.RoundEnded(at_ms=event.at_ms, turn=event.turn, tries=event.tries, round=event.round, text=text)
        return _round_over(call, thought, ended, out)
    return _speak(call, thought, event.text, event.at_ms, out, complete=False)


def _speak(call: Call, thought: Thought, text: str, at_ms: int, out: list[Effect], complete: bool) -> Call:
    """Add words to the utterance of this round; its first words make a new one."""
    utterance = thought.utterance
    if not utterance:
        utterance = call.utterance + 1
        call = history.add(call, BotLine(call.turn, utterance, at_ms=at_ms))
        assert isinstance(call.floor, Answering)
        floor = replace(call.floor, thought=replace(thought, utterance=utterance))
        call = replace(call, utterance=utterance, floor=floor)
    text = history.sayable(call, utterance, text)
    call = history.edit(call, utterance, lambda x: replace(x, text=x.text + text, complete=complete))
    line = history.line_of(call, utterance) or BotLine(call.turn, utterance, text=text, complete=complete)
    call = outgoing.say(call, out, line, text, at_ms)
    tally = replace(call.tally, spoken_chars=call.tally.spoken_chars + len(text))
    call = replace(call, tally=tally)
    return await_hearing(call, out, at_ms) if complete else call


def round_ended(call: Call, event: events.RoundEnded, out: list[Effect]) -> Call:
    thought = _thought_of(call, event)
    if thought is None:
        return call
    call = spent(call, event.input_tokens, event.output_tokens)
    call = llm_retry.count(call, call.turn, event.requests - 1)
    if event.error:
        return _round_failed(call, thought, event, out)
    return _round_over(call, thought, event, out)


def _round_over(call: Call, thought: Thought, event: events.RoundEnded, out: list[Effect]) -> Call:
    first = len(out)
    if thought.utterance or has_words(event.text):
        call = _speak(call, thought, event.text, event.at_ms, out, complete=True)
    assert isinstance(call.floor, Answering)
    call = replace(call, floor=replace(call.floor, thought=None, carry=event.carry or call.floor.carry))
    if event.tools:
        out.insert(first, Store(first=True))
        return _use_tools(call, event, out)
    if confirming.due(call) or unanswered.said(call, but_notices=True):
        return over(call, event.at_ms, out)
    return _nothing_said(call, thought, event.at_ms, out)


def _nothing_said(call: Call, thought: Thought, at_ms: int, out: list[Effect]) -> Call:
    """The round gave no words and no tools: it is asked for once more in this turn. No words are needed for an end that
    words have led to."""
    assert isinstance(call.floor, Answering)
    if call.then is not None and unanswered.spoke(call):
        return over(call, at_ms, out)
    if call.floor.empties >= unanswered.MAX_EMPTY or llm_retry.spent(call):
        return _without_model(call, at_ms, out)
    call = replace(call, floor=replace(call.floor, empties=call.floor.empties + 1))
    again = replace(thought, tries=thought.tries + 1, utterance=0, empty=True)
    return llm_retry.think(call, again, out, thought.continuing or noticed(call))


def _without_model(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Nothing, or nothing more, is to be had from the model in this turn."""
    if not unanswered.said(call, but_notices=True):
        if text := unanswered.summary(call):
            return notice(call, out, text, at_ms)
        if call.then is not None:
            said = unanswered.spoke(call) or call.then.kind != "hang_up"
            return over(call, at_ms, out) if said else sentence(call, out, "goodbye", at_ms)
        if unanswered.said(call):
            return over(call, at_ms, out)
    return _fail(call, at_ms, out)


def _use_tools(call: Call, event: events.RoundEnded, out: list[Effect]) -> Call:
    """What the model wants done. One that it got wrong is not: the model is told, in the next round."""
    return _do(call, wanted_tools.of_round(call, event.tools), event.at_ms, out)


def _do(call: Call, given: tuple[ToolUse, ...], at_ms: int, out: list[Effect]) -> Call:
    """Give every tool call its number in the ledger, write it down, then do it."""
    tools = wanted_tools.numbered(call, given, at_ms)
    call = replace(call, intent=call.intent + len(tools))
    lines = (line for line in reversed(call.history) if not (isinstance(line, BotLine) and line.kind == "filler"))
    last = next(lines, None)
    if isinstance(last, BotLine) and last.turn == call.turn and last.utterance and not last.tools:
        call = history.edit(call, last.utterance, lambda x: replace(x, tools=tools))
    else:
        call = history.add(call, BotLine(call.turn, status="heard", complete=True, tools=tools, at_ms=at_ms))
    outgoing.execute(call, out, *(tool for tool in tools if tool.outcome is None))
    call = specialists.taken(call, tools, out)
    if (then := specialists.leads_to(tools)) is not None:
        return over(comes_to(call, then), at_ms, out, owed=False)
    if not history.waiting_tools(call, call.turn):
        return after_tools(call, at_ms, out)
    return fillers.tools_begun(call, at_ms, out)


def after_tools(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The tools of this turn have ended: the model is told, or the caller is asked."""
    if confirming.alone(call):
        return ask(call, at_ms, out)
    if unanswered.backend_is_down(call):
        told = any(line.text == call.policy.backend_down for line in history.bot_lines(call, call.turn))
        return over(call, at_ms, out) if told else sentence(call, out, "backend_down", at_ms)
    if llm_retry.spent(call):
        return _fail(call, at_ms, out)
    if call.retrieving and has_timer(call, T.RETRIEVE) and isinstance(call.floor, Answering):
        return replace(call, floor=replace(call.floor, looking_for=call.retrieving))
    return think(call, out, rounds_done(call), continuing=noticed(call))


def tool_ended(call: Call, event: events.ToolEnded, out: list[Effect]) -> Call:
    """An outcome is kept whatever happened meanwhile; an effect that nobody heard of is told."""
    tool = history.tool_of(call, event.intent)
    if tool is None or tool.outcome is not None:
        return call
    asked = isinstance(call.floor, Answering) and any(
        event.intent == t.intent for line in history.bot_lines(call, call.turn) for t in line.tools
    )
    outcome = event.outcome
    if outcome.ask is not None:
        call, outcome = confirming.came_back(call, tool, outcome, asked)
    call = history.settle_tool(call, event.intent, replace(outcome, say=None, shows=()))
    call = showing.show(call, event.outcome.shows, out)
    call = identity.proven(call, event.outcome, event.at_ms)
    then = event.outcome.then
    if then is not None and (asked or then.kind == "transfer"):  # who broke into the goodbye has not hung up
        call = comes_to(call, then)
    if isinstance(call.floor, Answering):
        thinking = call.floor.thought is not None
        if asked:
            call = _say_notice(call, event.outcome, event.at_ms, out)
        if asked and not thinking and not history.waiting_tools(call, call.turn):
            call = after_tools(call, event.at_ms, out)
    elif event.outcome.ask is None and tool.name in call.effect_tools and _quiet(call):
        floor = Answering(asked=True, about=event.intent)
        call = stop_timers(replace(call, turn=call.turn + 1, floor=floor), out, T.AWAY)
        call = _say_notice(call, event.outcome, event.at_ms, out)
        call = think(call, out, 0, continuing=noticed(call))
    out.append(Store())
    return call


def _quiet(call: Call) -> bool:
    return not call.hearing.since_ms and not call.hearing.text


def _say_notice(call: Call, outcome: Outcome, at_ms: int, out: list[Effect]) -> Call:
    """The words that the tool does not leave to the model; the model goes on behind them."""
    say = outcome.say
    return notice(call, out, say.text, at_ms, say.interruptible) if say is not None and has_words(say.text) else call


def noticed(call: Call) -> bool:
    last = call.history[-1] if call.history else None
    return isinstance(last, BotLine) and last.kind == "notice" and last.turn == call.turn


def rounds_done(call: Call) -> int:
    return sum(1 for line in history.bot_lines(call, call.turn) if line.tools)


def _round_failed(call: Call, thought: Thought, event: events.RoundEnded, out: list[Effect]) -> Call:
    """The round starts again; words already said are continued, not repeated. At last the bot says that it failed."""
    if thought.utterance:
        call = _speak(call, thought, "", event.at_ms, out, complete=True)
    elif noticed(call):
        thought = replace(thought, continuing=True)
    if (again := llm_retry.after(call, thought, event)) is not None:
        return llm_retry.later(call, *again, event.at_ms, out)
    assert isinstance(call.floor, Answering)
    call = replace(call, floor=replace(call.floor, thought=None))
    return _without_model(call, event.at_ms, out)


def _fail(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Nothing came of this turn: say so; after a few in a row end the call."""
    call = replace(call, failures=call.failures + 1)
    if call.failures < MAX_FAILURES:
        return sentence(call, out, "trouble", at_ms)
    call = sentence(call, out, "unavailable", at_ms)
    return hang_up_after(call, "no answer could be made", at_ms, out)


def sentence(call: Call, out: list[Effect], name: str, at_ms: int, protect_ms: int = 0) -> Call:
    """Say one of the agent's own sentences, by its name in the policy."""
    text: str = getattr(call.policy, name)
    text = known.spoken(call, text) if name == "greeting" else text
    return notice(call, out, text, at_ms, name not in call.policy.must_hear, protect_ms)


def greet(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The bot's first words, with those that it must say around them."""
    call = replace(call, turn=call.turn + 1, floor=Answering())
    if has_words(call.policy.before_greeting):
        call = sentence(call, out, "before_greeting", at_ms)
    call = sentence(call, out, "greeting", at_ms, call.policy.protect_greeting_ms)
    return sentence(call, out, "after_greeting", at_ms) if has_words(call.policy.after_greeting) else call


def notice(
    call: Call, out: list[Effect], text: str, at_ms: int, interruptible: bool = True, protect_ms: int = 0
) -> Call:
    """Say a fixed sentence. It takes the floor, in a turn of its own if the caller had it."""
    if not isinstance(call.floor, Answering):
        call = must_say.to_first_words(call, at_ms, out)
        call = replace(call, turn=call.turn + 1, floor=Answering())
    if not has_words(text):
        return over(call, at_ms, out, owed=False)
    utterance = call.utterance + 1
    line = BotLine(call.turn, utterance, "notice", text, complete=True, interruptible=interruptible, at_ms=at_ms)
    line = replace(line, protect_ms=protect_ms)
    call = outgoing.say(replace(history.add(call, line), utterance=utterance), out, line, text, at_ms)
    return await_hearing(stop_timers(call, out, T.AWAY), out, at_ms)


def hang_up_after(call: Call, reason: str, at_ms: int, out: list[Effect], forced: bool = False) -> Call:
    """End the call once everything said so far was heard. `forced`: the caller cannot keep it from that."""
    then = Then("hang_up", reason=reason, forced=forced)
    return comes_to(call, then) if isinstance(call.floor, Answering) else _end(call, then, at_ms, out)


def over(call: Call, at_ms: int, out: list[Effect], owed: bool = True) -> Call:
    """Give the floor back when nothing of the answer is outstanding: a question that is due is asked behind its words,
    however it ended. `owed`: not before the caller has heard words."""
    floor = call.floor
    if not isinstance(floor, Answering) or floor.thought is not None or floor.looking_for:
        return call
    if history.waiting_tools(call, call.turn):
        return call
    if confirming.due(call) and not floor.waiting_turn:
        return ask(call, at_ms, out)
    if escalation.due(call) and not floor.waiting_turn:
        return escalate(call, at_ms, out)
    if history.unheard(call):
        return call
    if owed and call.then is None and not floor.waiting_turn and unanswered.left_in_silence(call):
        return _fail(call, at_ms, out)
    call = replace(call, floor=Listening(), sounding=0, paused=False)
    if call.then is not None:
        return _end(call, call.then, at_ms, out)
    if floor.waiting_turn:
        return begin(call, floor.waiting_turn, at_ms, out, early=True)
    return silence_timer(call, out, at_ms)


def _end(call: Call, then: Then, at_ms: int, out: list[Effect]) -> Call:
    """The last words were heard: hang up or hand over. Who is not taken over there comes back."""
    if name := must_say.before(call, then):
        return sentence(replace(call, then=replace(then, told=True)), out, name, at_ms)
    call = replace(call, then=None)
    if then.kind == "transfer":
        out.append(Transfer(then.to, then.reason))
        return silence_timer(call, out, at_ms)
    out.append(HangUp(then.reason))
    return start(call, out, T.ENDING, at_ms + END_GRACE_MS)
