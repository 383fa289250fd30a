"""What was said in a call, as both sides heard it. Pure; every function returns a new call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from parley.scripts import joined
from parley.words import count
from services.orchestrator.state import BotLine, Call, CallerLine, Line, Outcome, ToolUse

MAX_LINES = 60
MAX_BYTES = 12_000  # keeps the state well under 32 KiB
MIN_RESULT_BYTES = 1_000  # kept of a tool's result, however much its fellows gave back
MAX_CALLER_BYTES = 4_000  # of one turn of the caller
MAX_QUERY_BYTES = 1_000  # of a search for knowledge


def add(call: Call, line: Line) -> Call:
    """Append a line; the oldest ones fall off at the bound (they stand in the events) and are counted."""
    return _bounded(replace(call, history=(*call.history, line)))


def _bounded(call: Call) -> Call:
    lines = call.history
    sizes = [_size(line) for line in lines]
    drop = max(0, len(lines) - MAX_LINES)
    size = sum(sizes[drop:])
    while size > MAX_BYTES and drop < len(lines) - 1:
        size -= sizes[drop]
        drop += 1
    return replace(call, history=lines[drop:], dropped_lines=call.dropped_lines + drop) if drop else call


def _size(line: Line) -> int:
    """UTF-8 bytes of what a line says."""
    texts = [line.text]
    if isinstance(line, BotLine):
        for tool in line.tools:
            texts += [tool.arguments, tool.outcome.result + tool.outcome.message if tool.outcome else ""]
    return sum(len(text) if text.isascii() else len(text.encode()) for text in texts)


def clipped(text: str, most: int) -> str:
    """At most `most` bytes of UTF-8, from the start."""
    if len(text) * 4 <= most or len(text.encode()) <= most:
        return text
    return text.encode()[:most].decode(errors="ignore")


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


def spoke(call: Call, turn: int) -> bool:
    """Whether the bot has words for the caller in this turn, beside a filler."""
    return any(line.utterance and line.kind != "filler" for line in bot_lines(call, turn))


def unheard(call: Call) -> list[BotLine]:
    """Lines that are being said, or wait to be."""
    return [line for line in call.history if isinstance(line, BotLine) and line.utterance and line.status == "pending"]


def settle_tool(call: Call, intent: int, outcome: Outcome) -> Call:
    """Write down how a tool ended. The first outcome counts. Of a result too long to carry along the start is kept."""
    line = next((x for x in call.history if isinstance(x, BotLine) and any(t.intent == intent for t in x.tools)), None)
    if line is None:
        return call
    room = max(MIN_RESULT_BYTES, MAX_BYTES - _size(line))
    if len(outcome.result.encode()) > room:
        left = clipped(outcome.result, room // 2)  # quotes are doubled
        outcome = replace(outcome, result=json.dumps({"too_long_this_is_the_start": left}, ensure_ascii=False))
    outcome = replace(outcome, message=clipped(outcome.message, MIN_RESULT_BYTES))

    def change(tool: ToolUse) -> ToolUse:
        return replace(tool, outcome=outcome) if tool.intent == intent and tool.outcome is None else tool

    lines = tuple(
        replace(line, tools=tuple(change(t) for t in line.tools)) if isinstance(line, BotLine) and line.tools else line
        for line in call.history
    )
    return _bounded(replace(call, history=lines))


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


SHORT_QUESTION_WORDS = 5


def question_of(call: Call, query: str) -> str:
    """What to look knowledge up for: a short question leans on the one before it ("how much is it")."""
    if count(query) >= SHORT_QUESTION_WORDS:
        return query
    before = (line.text for line in reversed(call.history) if isinstance(line, CallerLine) and line.text != query)
    return joined(next(before, ""), query)


def open_tools(call: Call) -> list[ToolUse]:
    """Tools of the whole call that have not ended."""
    return [t for line in call.history if isinstance(line, BotLine) for t in line.tools if t.outcome is None]


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
        stopped = line.status == "pending" and line.turn < call.turn  # how much was heard is about to be told
        if line.status == "cut" or stopped:
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
