"""What an older owner had begun and not finished: done again by the new one, once."""

from __future__ import annotations

from dataclasses import replace

from services.orchestrator.mind import history, outgoing
from services.orchestrator.mind.bot import answering, confirming
from services.orchestrator.mind.effects import Effect
from services.orchestrator.mind.rules import stop_timers
from services.orchestrator.mind.state import Answering, Call
from services.orchestrator.mind.timers import T


def go_on(call: Call, out: list[Effect], at_ms: int, answered: bool) -> Call:
    """After a takeover: do again what was outstanding, once. `answered`: the mouth had all words of this turn."""
    floor = call.floor
    if not isinstance(floor, Answering):
        return call
    call = stop_timers(call, out, T.AGAIN)
    waiting = history.waiting_tools(call, call.turn)
    if waiting:
        outgoing.execute(call, out, *waiting)
        return replace(call, floor=replace(floor, thought=None, looking_for=""))
    if answered:
        call = replace(call, floor=replace(floor, thought=None, looking_for=""))
        return answering.over(call, at_ms, out) if history.unheard(call) else call
    thought = floor.thought
    unfinished = [line for line in history.unheard(call) if not line.complete]
    if floor.looking_for and not unfinished:  # with words in the mouth the state is older than what was found
        return answering.think(call, out, answering.rounds_done(call))
    if thought is not None or unfinished:
        for line in unfinished:
            call = history.edit(call, line.utterance, lambda x: replace(x, complete=True))
            call = outgoing.say(call, out, replace(line, complete=True), "", at_ms)
        tries = thought.tries + 1 if thought else 1
        continuing = bool(unfinished) or _broken_off(call) or (thought is not None and thought.continuing)
        return answering.think(call, out, answering.rounds_done(call), tries, continuing)
    if confirming.alone(call):
        return answering.ask(call, at_ms, out)
    if _owes_round(call):
        return answering.after_tools(call, at_ms, out)
    return answering.over(call, at_ms, out)


def _broken_off(call: Call) -> bool:
    """The words of the last round were heard in part, on a leg that is lost."""
    lines = (line for line in history.bot_lines(call, call.turn) if line.kind == "answer" and not line.tools)
    return any(line.status == "cut" and line.heard for line in lines)


def _owes_round(call: Call) -> bool:
    """The last that was done in this turn are tools, and the model has not said what came of them."""
    lines = [line for line in history.bot_lines(call, call.turn) if line.kind not in ("filler", "notice")]
    return bool(lines) and bool(lines[-1].tools) and all(tool.outcome is not None for tool in lines[-1].tools)
