"""When somebody waits for words and none come: from the model, from a tool, or since no voice can be had. Pure.

no words from the model        it is asked once more in the turn, and told so; words that make no sound are none
still none, behind tools       what the tools say of themselves
still none, in a goodbye       the agent's own goodbye
no voice for the last words    `trouble`
anything else                  `trouble`, and after a few such turns in a row the end of the call
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from parley.text.words import has_words
from services.orchestrator.mind import history
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.state import Answering, BotLine, Call

MAX_EMPTY = 1  # rounds of one turn that gave no words and are asked for again
MAX_VOICELESS = 3  # utterances in a row that no voice could be had for, before the call ends
MAX_SUMMARY = 1_000  # characters
_OF_A_RESULT = ("summary", "message", "say")


def due(call: Call) -> bool:
    """Whether words for the caller are to come that the gateway has not been given."""
    floor = call.floor
    if not isinstance(floor, Answering):
        return False
    if floor.thought is not None or floor.looking_for or floor.waiting_turn:
        return True
    return bool(history.waiting_tools(call, call.turn)) or any(x.utterance > call.said for x in history.unheard(call))


def said(call: Call, but_notices: bool = False) -> bool:
    """Whether the bot has words in this turn that were heard or may be: behind its last tools, if it used any."""
    return any(line.kind != "notice" or not but_notices for line in _behind_tools(call))


def spoke(call: Call) -> bool:
    """Whether it has any words in this turn."""
    return any(_counts(line) for line in history.bot_lines(call, call.turn))


def left_in_silence(call: Call) -> bool:
    """At the end of a turn: whether the caller waits in vain, since there were no words or no voice for the last."""
    lines = [line for line in history.bot_lines(call, call.turn) if line.kind != "filler" and has_words(line.text)]
    if lines:
        return lines[-1].status == "cut" and lines[-1].voiceless
    return isinstance(call.floor, Answering) and call.floor.asked


def summary(call: Call) -> str:
    """What the tools of this turn that nobody has spoken of say of themselves; empty when they say nothing."""
    told = " ".join(line.text for line in _behind_tools(call))
    texts = dict.fromkeys(text for tool in _untold(call) if (text := _summary_of(tool)) and text not in told)
    text = " ".join(texts)
    return text if len(text) <= MAX_SUMMARY else text[:MAX_SUMMARY].rpartition(" ")[0] or text[:MAX_SUMMARY]


def backend_is_down(call: Call) -> bool:
    """Of the tools called last in this turn none could be had, and the agent has words of its own for that."""
    last = next((line for line in reversed(list(history.bot_lines(call, call.turn))) if line.tools), None)
    if not call.policy.backend_down or last is None:
        return False
    return all(tool.outcome is not None and tool.outcome.down and not _may_be_done(call, tool) for tool in last.tools)


def _may_be_done(call: Call, tool: ToolUse) -> bool:
    """Something that changes the world was begun, and nobody knows how far it got: that has to be told."""
    return tool.outcome is not None and tool.outcome.status == "unknown" and tool.name in call.effect_tools


def _counts(line: BotLine) -> bool:
    """Its words are or were heard, or may be."""
    unheard = line.status == "cut" and not line.heard
    return line.kind != "filler" and has_words(line.text) and not unheard


def _behind_tools(call: Call) -> Iterator[BotLine]:
    lines = list(history.bot_lines(call, call.turn))
    last = max((n for n, line in enumerate(lines) if line.tools), default=-1)
    return (line for line in lines[last + 1 :] if _counts(line))


def _untold(call: Call) -> list[ToolUse]:
    tools: list[ToolUse] = []
    assert isinstance(call.floor, Answering)
    if call.floor.about and (tool := history.tool_of(call, call.floor.about)) is not None:
        tools.append(tool)
    for line in history.bot_lines(call, call.turn):
        if line.kind == "answer" and _counts(line):
            tools.clear()
        tools.extend(line.tools)
    return tools


def _summary_of(tool: ToolUse) -> str:
    outcome = tool.outcome
    if outcome is None or outcome.status != "ok":
        return ""
    try:
        result = json.loads(outcome.result or "null")
    except ValueError:
        return ""
    found = [result] if isinstance(result, str) else []
    if isinstance(result, dict):
        found = [text for name in _OF_A_RESULT if isinstance(text := result.get(name), str)]
    return next((" ".join(text.split()) for text in found if has_words(text)), "")
