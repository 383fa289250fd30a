"""What was said in a call, as both sides heard it. Pure; every function returns a new call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from parley.text.scripts import joined
from parley.text.words import clipped, clipped_bytes, count, whole_until
from services.orchestrator.mind import identity
from services.orchestrator.mind.actions import Outcome, ToolUse
from services.orchestrator.mind.bot import specialists
from services.orchestrator.mind.state import BotLine, Call, CallerLine, Line

# What a caller may say, and what is asked of others, is counted in characters; what keeps the state small, in bytes.
MAX_CALLER_CHARS = 4_000  # of one turn of the caller
MAX_QUESTION_CHARS = 1_000  # of a search for knowledge, the question before it included
MAX_LINES = 60
MAX_BYTES = 12_000  # of all lines, but for those since the caller's last words: `fitting.py` sees to them
MAX_ANSWER_BYTES = 8_000  # of one utterance; the model is not let go on
MAX_ARGUMENTS_BYTES = 4_000  # kept of a round's tool calls, however long its words are
MIN_RESULT_BYTES = 1_000  # kept of a tool's result, however much its fellows gave back
MAX_REASON_BYTES = 200  # why a tool ends or hands over the call
MAX_QUERY_BYTES = 1_000  # of a search for knowledge, as it is remembered


def add(call: Call, line: Line) -> Call:
    """Append a line; the oldest ones fall off at the bound (they stand in the events) and are counted."""
    return _bounded(replace(call, history=(*call.history, line)))


def _bounded(call: Call) -> Call:
    lines = call.history
    sizes = [size_of(line) for line in lines]
    drop = max(0, len(lines) - MAX_LINES)
    size = sum(sizes[drop:])
    keep = next((n for n in range(len(lines) - 1, -1, -1) if isinstance(lines[n], CallerLine)), len(lines) - 1)
    while size > MAX_BYTES and drop < keep:
        size -= sizes[drop]
        drop += 1
    return replace(call, history=lines[drop:], dropped_lines=call.dropped_lines + drop) if drop else call


def size_of(line: Line) -> int:
    """UTF-8 bytes of what a line says."""
    size = bytes_of(line.text)
    if isinstance(line, BotLine):
        for tool in line.tools:
            size += bytes_of(tool.arguments)
            if tool.outcome is not None:
                size += bytes_of(tool.outcome.result) + bytes_of(tool.outcome.message)
    return size


def bytes_of(text: str) -> int:
    """Of its UTF-8."""
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def sayable(call: Call, utterance: int, text: str) -> str:
    """As much of `text` as this utterance has room for, in whole words."""
    line = line_of(call, utterance)
    room = MAX_ANSWER_BYTES - bytes_of(line.text if line is not None else "")
    return text if bytes_of(text) <= room else text[: whole_until(text, len(clipped_bytes(text, max(0, room))))]


def fitting_tools(call: Call, tools: tuple[ToolUse, ...]) -> tuple[ToolUse, ...]:
    """A round's tool calls, small enough to be carried along. Arguments beyond that are cut, which leaves no JSON: the
    tools refuse them, and the model is told."""
    last = call.history[-1] if call.history else None
    said = bytes_of(last.text) if isinstance(last, BotLine) else 0
    room, kept = max(MAX_ARGUMENTS_BYTES, MAX_BYTES - said), []
    for tool in tools:
        arguments = clipped_bytes(tool.arguments, room)
        room -= bytes_of(arguments)
        name, number = clipped_bytes(tool.name, 100), clipped_bytes(tool.id, 100)
        kept.append(replace(tool, id=number, name=name, arguments=arguments))
    return tuple(kept)


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


def stopped(call: Call) -> bool:
    """Whether words of an earlier turn were stopped, and how much of them was heard is about to be told."""
    return any(line.turn < call.turn for line in unheard(call))


def settle_tool(call: Call, intent: int, outcome: Outcome) -> Call:
    """Write down how a tool ended. The first outcome counts. Of a result too long to carry along the start is kept."""
    line = next((x for x in call.history if isinstance(x, BotLine) and any(t.intent == intent for t in x.tools)), None)
    if line is None:
        return call
    room = max(MIN_RESULT_BYTES, MAX_BYTES - size_of(line))
    if bytes_of(outcome.result) > room:
        left = clipped_bytes(outcome.result, room // 2)  # quotes are doubled
        outcome = replace(outcome, result=json.dumps({"too_long_this_is_the_start": left}, ensure_ascii=False))
    outcome = replace(outcome, message=clipped_bytes(outcome.message, MIN_RESULT_BYTES), customer_pii="")
    if (then := outcome.then) is not None:
        outcome = replace(outcome, then=replace(then, reason=clipped_bytes(then.reason, MAX_REASON_BYTES)))

    def change(tool: ToolUse) -> ToolUse:
        if tool.intent != intent or tool.outcome is not None:
            return tool
        return identity.forgotten(call, replace(tool, outcome=outcome))

    lines = tuple(
        replace(line, tools=tuple(change(t) for t in line.tools)) if isinstance(line, BotLine) and line.tools else line
        for line in call.history
    )
    return _bounded(replace(call, history=lines))


def resettle(call: Call, intent: int, outcome: Outcome) -> Call:
    """Another outcome for a tool that was asked about only. All others have what they have."""

    def change(tool: ToolUse) -> ToolUse:
        asked = tool.intent == intent and tool.outcome is not None and tool.outcome.status == "ask"
        return replace(tool, outcome=outcome) if asked else tool

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


SHORT_QUESTION_WORDS = 5


def question_of(call: Call, query: str) -> str:
    """What to look knowledge up for: a short question leans on the one before it ("how much is it")."""
    if count(query) >= SHORT_QUESTION_WORDS:
        return query
    before = (line.text for line in reversed(call.history) if isinstance(line, CallerLine) and line.text != query)
    return joined(clipped(next(before, ""), MAX_QUESTION_CHARS - 1 - len(query)), query)


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
        tools = tuple(tool for tool in line.tools if not specialists.hidden(tool))
        if line.kind == "filler" or not (text or tools):
            continue
        out.append(Message("assistant", text, tools, interrupted=cut))
        out.extend(Message("tool", tool_text(tool), tool_id=call_id(tool)) for tool in tools)
    return out


def call_id(tool: ToolUse) -> str:
    """What a tool call is called towards every model: our own number of it, in the form that all of them take.

    What a model calls it may be missing, or stand for another call too.
    """
    return f"c{tool.intent % 10**8:08d}"


def tool_text(tool: ToolUse) -> str:
    """What the model is told of a tool: its result, or that there is none (yet)."""
    if tool.outcome is None:
        return json.dumps({"status": "running", "message": "not finished yet; the caller can be told so"})
    if tool.outcome.status == "ok":
        return tool.outcome.result or json.dumps({"status": "ok"})
    return json.dumps({"status": tool.outcome.status, "message": tool.outcome.message})
