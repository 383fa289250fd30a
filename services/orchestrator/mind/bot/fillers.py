"""A word while the caller waits: when an answer is late, or a tool that is declared slow takes long.

A filler is an utterance of its own, so the mouth says the answer right behind it. Its line stands in the history only
until it was heard, and the model never learns of it. Which one is said follows from how many were said before in this
call, so that a replay says the same; never the same one twice in a row. A tool may have words of its own.
"""

from __future__ import annotations

from dataclasses import replace

from parley.text.words import clipped, has_words
from services.orchestrator.mind import events, history, outgoing
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.effects import Effect, Store
from services.orchestrator.mind.rules import await_hearing, has_timer, start, stop_timers
from services.orchestrator.mind.state import Answering, BotLine, Call
from services.orchestrator.mind.timers import T

MAX_NEWS = 300  # characters


def expect(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The caller has finished and waits for an answer."""
    if not call.policy.filler_ms or call.channel == "chat" or history.spoke(call, call.turn):
        return call
    return start(call, out, T.LATE, at_ms + call.policy.filler_ms)


def nothing_comes(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """The model failed, also when it is in the middle of an answer: the caller waits, and may do so for a while."""
    if not call.policy.filler_ms or call.channel == "chat" or has_timer(call, T.LATE):
        return call
    return start(call, out, T.LATE, at_ms + call.policy.filler_ms)


def tools_begun(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Tools were just begun in this turn."""
    if not call.policy.tool_filler_ms or call.channel == "chat" or not _slow(call):
        return call
    return start(call, out, T.LONG, at_ms + call.policy.tool_filler_ms)


def answer_is_late(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """Nothing was said since the caller's turn was over, or since the model failed."""
    if not _waited_for(call):
        return call
    if _fails(call) and history.unheard(call):
        return start(call, out, T.LATE, at_ms + call.policy.filler_ms)
    return _say(call, _sentence(call, history.waiting_tools(call, call.turn)), at_ms, out)


def tool_is_long(call: Call, at_ms: int, out: list[Effect]) -> Call:
    """A slow tool still runs. While words are being said nobody waits: it is looked at again later."""
    if history.unheard(call):
        return start(call, out, T.LONG, at_ms + call.policy.tool_filler_ms)
    return _say(call, _sentence(call, _slow(call)), at_ms, out)


def tool_told(call: Call, event: events.ToolProgress, out: list[Effect]) -> Call:
    """A tool tells of its work: a filler with its own words. While words are being said the newest of them waits; late
    ones, of a tool that has ended or of a turn that is over, are nothing."""
    waiting = {tool.intent for tool in history.waiting_tools(call, call.turn)}
    if not isinstance(call.floor, Answering) or event.intent not in waiting or not has_words(event.text):
        return call
    text = clipped(event.text, MAX_NEWS)
    return replace(call, news=text if text != call.filler else "")


def follow(before: Call, call: Call, at_ms: int, out: list[Effect]) -> Call:
    """After every event: an answer has come, or the caller took the floor; news of a tool can be told; and a filler
    that was heard is forgotten."""
    if call.news and not (isinstance(call.floor, Answering) and history.waiting_tools(call, call.turn)):
        call = replace(call, news="")
    if call.news and not history.unheard(call):
        told = _say(call, call.news, at_ms, out)
        call = replace(told, news="") if told is not call else call
    answering = isinstance(call.floor, Answering)
    if has_timer(call, T.LATE) and not (answering and _waited_for(call)):
        call = stop_timers(call, out, T.LATE)
    if has_timer(call, T.LONG) and not (answering and _slow(call)):
        call = stop_timers(call, out, T.LONG)
    if call.history is before.history or not any(_over(line) for line in call.history):
        return call
    return replace(call, history=tuple(line for line in call.history if not _over(line)))


def known(call: Call, text: str) -> bool:
    """Whether this is one of the agent's fillers: for words whose line was lost with an older owner."""
    policy = call.policy
    own = (sentence for each in policy.fillers_of for sentence in each.sentences)
    return text in policy.fillers or text in policy.tool_fillers or text in own


def _waited_for(call: Call) -> bool:
    """Whether the caller waits for words: for the first ones, or for the rest of an answer that broke off."""
    return _fails(call) or not history.spoke(call, call.turn)


def _fails(call: Call) -> bool:
    """A try of the running round failed, and the next one has given no word yet."""
    thought = call.floor.thought if isinstance(call.floor, Answering) else None
    return thought is not None and thought.failing_ms > 0 and not thought.utterance


def _slow(call: Call) -> list[ToolUse]:
    return [tool for tool in history.waiting_tools(call, call.turn) if tool.name in call.slow_tools]


def _over(line: object) -> bool:
    return isinstance(line, BotLine) and line.kind == "filler" and line.status != "pending"


def _say(call: Call, text: str, at_ms: int, out: list[Effect]) -> Call:
    """Not over the caller's own voice. Stored before it is said: a new owner must not take it for the answer."""
    speaks = call.hearing.since_ms and not call.hearing.judged
    if not isinstance(call.floor, Answering) or not text or speaks or call.paused:
        return call
    utterance = call.utterance + 1
    line = BotLine(call.turn, utterance, "filler", text, complete=True, at_ms=at_ms)
    call = replace(history.add(call, line), utterance=utterance, fillers=call.fillers + 1, filler=text)
    out.append(Store(first=True))
    return await_hearing(outgoing.say(call, out, line, text, at_ms), out, at_ms)


def _sentence(call: Call, tools: list[ToolUse]) -> str:
    """The next fitting one: the tool's own, one for any tool, one for thinking. Empty when there is none."""
    policy = call.policy
    names = {tool.name for tool in tools}
    own = tuple(sentence for each in policy.fillers_of if each.tool in names for sentence in each.sentences)
    for sentences in (own, policy.tool_fillers if tools else (), policy.fillers):
        for offset in range(len(sentences)):
            text = sentences[(call.fillers + offset) % len(sentences)]
            if text != call.filler:
                return text
    return ""
