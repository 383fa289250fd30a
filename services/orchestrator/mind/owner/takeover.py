"""A new owner of a call: what the gateway's mouth and the tools' ledger know is put together with the state."""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator.mind import events, history, identity, outgoing
from services.orchestrator.mind import known as known_of
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.bot import answering, fillers, showing, voice
from services.orchestrator.mind.effects import Effect, Execute, HangUp, StartTimer, Stop, Store
from services.orchestrator.mind.owner import outstanding, reattach, settling
from services.orchestrator.mind.rules import await_hearing, comes_to, has_timer, silence_timer, start
from services.orchestrator.mind.state import Ahead, Answering, BotLine, Call, Ended, Hearing, Listening
from services.orchestrator.mind.timers import T


def at_rest(call: Call) -> bool:
    """Nothing is under way that a change of owner would delay or ask for again: a good moment for one."""
    heard, floor = call.hearing, call.floor
    if heard.since_ms or heard.text or call.paused or call.ahead.text or has_timer(call, T.ENDING):
        return False
    if isinstance(floor, Answering) and (floor.thought is not None or floor.looking_for):
        return False
    return not isinstance(floor, Ended) and not history.open_tools(call)


def taken_over(call: Call, event: events.TakenOver, out: list[Effect]) -> Call:
    """Go on where the last owner stopped: what was heard counts, the rest is thought again, no action is repeated."""
    answered = _answered(call, event)
    before, known = call, call.intent
    transferred = event.new_leg and (bool(event.transfer) or history.handed_over(call))
    broken_off = reattach.missed(call) if event.new_leg and not transferred else ()
    hearing = Hearing() if event.new_leg else replace(call.hearing, since_ms=0)  # its end may have been lost
    call = replace(call, said=max(event.utterance, event.mouth_utterance), hearing=hearing)
    call = _what_the_mouth_has(call, event, out)
    call = replace(
        call,
        epoch=event.epoch,
        unsettled=event.unsettled,
        leg_lost=False,
        agent_version=event.agent_version or call.agent_version,
        policy=event.policy or call.policy,
        effect_tools=event.effect_tools or call.effect_tools,
        slow_tools=event.slow_tools or call.slow_tools,
        levels=event.levels or call.levels,
        turn=max(call.turn, event.turn),
        utterance=max(call.utterance, event.utterance),
        intent=max([known, *(tool.intent for tool in event.settled)]),
        paused=event.mouth_paused,
        sounding=event.mouth_utterance,
        retrieving="",
        ahead=Ahead(),  # the last owner's stream is gone
        voice=(),
        leg_began_ms=0,  # by another clock
    )
    if event.new_leg:
        call = known_of.transferred(call, event.transfer)
        call = replace(call, seen_seq=0, over_turn=0, button="up" if call.policy.push_to_talk else "")
    if event.mouth_utterance and not event.mouth_paused:
        call = voice.begins(call, event.mouth_utterance, event.mouth_heard, event.at_ms)
    call = showing.again(call, out)
    for tool in event.settled:
        call = _settle(call, tool, known, event.at_ms, out)
    if has_timer(call, T.ENDING):  # the hang-up was lost with its owner
        out.append(HangUp("hung up"))
        call = start(call, out, T.ENDING, event.at_ms + answering.END_GRACE_MS)
    out.extend(StartTimer(timer.id, timer.at_ms) for timer in call.timers)
    if event.new_leg:
        call = reattach.make_up(call, broken_off, before, event.at_ms, out)
    call = _go_on(call, event, out, answered)
    if event.new_leg:
        call = reattach.answer_finals(call, before, event.at_ms, out)
        call = reattach.ask_again(call, event.at_ms, out)
    call = await_hearing(call, out, event.at_ms)
    if event.new_leg and (event.transfer or history.handed_over(call)):
        call = answering.sentence(call, out, "not_transferred", event.at_ms)
    elif not has_timer(call, T.ENDING) and (event.new_leg or not has_timer(call, T.AWAY)):
        call = silence_timer(call, out, event.at_ms)
    out.append(Store())
    return call


def _go_on(call: Call, event: events.TakenOver, out: list[Effect], answered: bool) -> Call:
    """What was outstanding, also of turns that are over: an action goes on though its turn was interrupted."""
    call = outstanding.go_on(call, out, event.at_ms, answered)
    asked = {effect.intent for effect in out if isinstance(effect, Execute)}
    older = [tool for tool in history.open_tools(call) if tool.intent not in asked]
    outgoing.execute(call, out, *older)
    return call


def _answered(call: Call, event: events.TakenOver) -> bool:
    """Whether the gateway has all words of the round that was running: it must not be asked for again.

    Words of an earlier round ("let me look") say nothing of it.
    """
    thought = call.floor.thought if isinstance(call.floor, Answering) else None
    running = thought.utterance if thought is not None and thought.utterance else call.utterance + 1
    if event.mouth_utterance == 0:
        return event.utterance >= running
    return event.mouth_complete and event.mouth_utterance >= running


def _settle(call: Call, tool: ToolUse, known: int, at_ms: int, out: list[Effect]) -> Call:
    """What the ledger says of one tool. One unknown to the state was begun all the same: told, not done again."""
    before = history.tool_of(call, tool.intent)
    if before is None and tool.intent > known:
        call = settling.begun(call, tool, at_ms)
    elif before is None or before.outcome is not None or tool.outcome is None:
        return call
    if tool.outcome is None:
        return call
    call = history.settle_tool(call, tool.intent, replace(tool.outcome, shows=()))
    call = showing.show(call, tool.outcome.shows, out)
    call = call if tool.outcome.then is None else comes_to(call, tool.outcome.then)
    return identity.proven(call, tool.outcome, at_ms)


def _what_the_mouth_has(call: Call, event: events.TakenOver, out: list[Effect]) -> Call:
    """Settle the lines that are pending. The gateway's `heard` tells of all it got, and is sent again when nobody
    stored it; what never reached it is said now. On a new leg nobody will tell: those lines are cut."""
    reached = max(event.utterance, event.mouth_utterance)
    speaking = isinstance(call.floor, Answering)
    for line in history.unheard(call):
        if line.utterance == event.mouth_utterance:
            rest = line.text[len(event.mouth_text) :]
            if not speaking:
                out.append(Stop(line.turn))  # the last owner's may not have arrived
            elif rest or (line.complete and not event.mouth_complete):
                call = outgoing.say(call, out, line, rest, event.at_ms)
            text = event.mouth_text if len(event.mouth_text) > len(line.text) else line.text
            complete = line.complete or event.mouth_complete
            line = replace(line, text=text, heard=event.mouth_heard, complete=complete)
        elif event.new_leg or (line.utterance > reached and not speaking):
            line = replace(line, status="cut", complete=True)
        elif line.utterance > reached:
            call = outgoing.say(call, out, line, line.text, event.at_ms)
        else:
            line = replace(line, complete=True)
        call = history.edit(call, line.utterance, lambda _, now=line: now)  # type: ignore[misc]
    if event.mouth_utterance and history.line_of(call, event.mouth_utterance) is None:
        line = BotLine(
            turn=event.turn,
            utterance=event.mouth_utterance,
            kind="filler" if fillers.known(call, event.mouth_text) else "answer",
            text=event.mouth_text,
            heard=event.mouth_heard,
            complete=event.mouth_complete,
            at_ms=event.at_ms,
        )
        call = history.add(call, line)
        if isinstance(call.floor, Listening):
            call = replace(call, floor=Answering())
    return call
