"""What was said in a call, as both sides heard it. Pure; every function returns a new call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from services.orchestrator.state import BotLine, Call, CallerLine, Line, Outcome, ToolUse

MAX_LINES = 60
MAX_CHARS = 12_000  # keeps the state well under 32 KiB


def add(call: Call, line: Line) -> Call:
    """Append a line; the oldest ones fall off at the bound (they stand in the events) and are counted."""
    lines = (*call.history, line)
    size = sum(len(entry.text) + _tool_chars(entry) for entry in lines)
    drop = max(0, len(lines) - MAX_LINES)
    for entry in lines[:drop]:
        size -= len(entry.text) + _tool_chars(entry)
    while size > MAX_CHARS and drop < len(lines) - 1:
        size -= len(lines[drop].text) + _tool_chars(lines[drop])
        drop += 1
    return replace(call, history=lines[drop:], dropped_lines=call.dropped_lines + drop)


def _tool_chars(line: Line) -> int:
    if isinstance(line, CallerLine):
        return 0
    return sum(len(t.arguments) + (len(t.outcome.result) if t.outcome else 0) for t in line.tools)


def edit(call: Call, utterance: int, change: Callable[[BotLine], BotLine]) -> Call:
    """Change the line of one utterance; a call that does not have it is returned as it is."""
    lines = tuple(
        change(line) if isinstance(line, BotLine) and line.utterance == utterance and utterance else line
        for line in call.history
    )
    return replace(call, history=lines)


def line_of(call: Call, utterance: int) -> BotLine | None:
    for line in reversed(call.history):
        if isinstance(line, BotLine) and line.utterance == utterance and utterance:
            return line
    return None


def bot_lines(call: Call, turn: int) -> Iterator[BotLine]:
    """The bot's lines of one turn."""
    return (line for line in call.history if isinstance(line, BotLine) and line.turn == turn)


def unheard(call: Call) -> list[BotLine]:
    """Lines that are being said, or wait to be."""
    return [line for line in call.history if isinstance(line, BotLine) and line.utterance and line.status == "pending"]


def settle_tool(call: Call, intent: int, outcome: Outcome) -> Call:
    """Write down how a tool ended. The first outcome counts."""

    def change(tool: ToolUse) -> ToolUse:
        return replace(tool, outcome=outcome) if tool.intent == intent and tool.outcome is None else tool

    lines = tuple(
        replace(line, tools=tuple(change(t) for t in line.tools)) if isinstance(line, BotLine) and line.tools else line
        for line in call.history
    )
    return replace(call, history=lines)


def tool_of(call: Call, intent: int) -> ToolUse | None:
    for line in reversed(call.history):
        if isinstance(line, BotLine):
            for tool in line.tools:
                if tool.intent == intent:
                    return tool
    return None


def handed_over(call: Call) -> bool:
    """Whether the last that happened was that the caller was handed to somebody else."""
    for line in reversed(call.history):
        if isinstance(line, CallerLine):
            return False
        if any(tool.outcome and tool.outcome.then and tool.outcome.then.kind == "transfer" for tool in line.tools):
            return call.then is None
    return False


def waiting_tools(call: Call, turn: int) -> list[ToolUse]:
    """Tools of one turn that have not ended."""
    return [tool for line in bot_lines(call, turn) for tool in line.tools if tool.outcome is None]


@dataclass(frozen=True, slots=True)
class Message:
    """One message for the model. `role`: user, assistant or tool."""

    role: str
    text: str = ""
    tools: tuple[ToolUse, ...] = ()
    tool_id: str = ""
    interrupted: bool = False


def messages(call: Call) -> list[Message]:
    """The history as the model is told it: of the bot's words only those that were heard, or still may be."""
    out: list[Message] = []
    for line in call.history:
        if isinstance(line, CallerLine):
            out.append(Message("user", line.text))
            continue
        text, cut = line.text, False
        if line.status == "cut":
            text, cut = line.text[: line.heard].rstrip(), True
        if line.kind == "filler" or not (text or line.tools):
            continue
        out.append(Message("assistant", text, line.tools, interrupted=cut))
        out.extend(Message("tool", tool_text(tool), tool_id=tool.id) for tool in line.tools)
    return out


def tool_text(tool: ToolUse) -> str:
    """What the model is told of a tool: its result, or that there is none (yet)."""
    if tool.outcome is None:
        return json.dumps({"status": "running", "message": "not finished yet; the caller can be told so"})
    if tool.outcome.status == "ok":
        return tool.outcome.result or json.dumps({"status": "ok"})
    return json.dumps({"status": tool.outcome.status, "message": tool.outcome.message})
