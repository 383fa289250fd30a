"""A call fits: its state is carried along at every boundary, so it is small however much is said, found or given back.

Each text has its own bound, in the unit that is right for it; this is for the case that many reach theirs at once, as
in scripts of three and four bytes a character. What can be had again goes first, what was just said last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import lru_cache

from parley.text.words import clipped_bytes
from services.orchestrator.mind.actions import Pending, ToolUse
from services.orchestrator.mind.bot import showing, speculation
from services.orchestrator.mind.effects import Effect
from services.orchestrator.mind.history import bytes_of
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.state import Answering, BotLine, Call, CallerLine, Line

MAX_STATE_BYTES = 32 * 1024  # what NATS and the gateways hold of a call
UNCOUNTED_BYTES = 4_500  # of words under way that are too few to be looked at, and of what is small
FEW_CHARS = 1_000
ROOM = MAX_STATE_BYTES - UNCOUNTED_BYTES
MIN_CALLER_BYTES = 1_000  # kept of the caller's words at each place where they stand
_FIELD, _LINE, _PLACE = 4, 48, 16  # bytes of protobuf around a text, a line, a number or two


def follow(before: Call, call: Call, at_ms: int, out: list[Effect]) -> Call:
    """After every event: as much as has room."""
    if not _grew(before, call):
        return call
    for give_up in _IN_ORDER:
        if (over := size(call) - ROOM) <= 0:
            break
        call = give_up(call, over, at_ms, out)
    return call


def _grew(before: Call, call: Call) -> bool:
    if call.history is not before.history or call.passages is not before.passages:
        return True
    if call.voice is not before.voice or call.shown is not before.shown or call.notes is not before.notes:
        return True
    if call.ahead.carry is not before.ahead.carry:
        return True
    return sum(map(len, _caller_texts(call))) + len(call.ahead.held) > FEW_CHARS


def size(call: Call) -> int:
    """Bytes of the call as protobuf, or a little more."""
    tools = (*call.effect_tools, *call.slow_tools, *(each.name for each in call.levels))
    names = (call.call_id, call.agent, call.caller_pii, call.called, call.customer_pii, call.filler, call.news, *tools)
    questions = (call.passages_for, call.retrieving, call.ahead.looking_for, getattr(call.floor, "looking_for", ""))
    found = (text for passage in call.passages for text in (passage.text, passage.source))
    known = (call.purpose, *(text for each in call.variables for text in (each.name, each.value_pii)))
    pending = _pending_texts(call.pending) if call.pending is not None else ()
    then = (call.then.to, call.then.reason) if call.then is not None else ()
    given = call.handover
    collected = (text for each in given.details for text in (each.name, each.value_pii))
    handed = (call.specialist, given.giver, given.summary_pii, call.ahead.specialist, *collected)
    outside = (*call.signals, call.escalated.why, *(note.text_pii for note in call.notes))
    spent = sum(_LINE + bytes_of(each.specialist) for each in call.spent_by)
    texts = (*names, *known, *pending, *then, *handed, *outside, *questions, *_caller_texts(call), *found)
    texts = (*texts, call.ahead.held)
    voice = sum(_LINE + bytes_of(stretch.text) + _PLACE * len(stretch.told) for stretch in call.voice)
    lines = sum(map(_size_of, call.history)) + _tools_bytes(call.ahead.tools)
    said = sum(map(bytes_of, texts)) + _FIELD * len(texts) + _PLACE * (len(call.passages) + len(call.timers) + 4)
    carry = len(call.ahead.carry) + len(_carry(call))
    shown = sum(_PLACE + showing.size_of(each) for each in call.shown)
    return _policy_bytes(call.policy) + said + voice + lines + carry + shown + spent


def _pending_texts(pending: Pending) -> tuple[str, ...]:
    ask = pending.ask
    choices = (text for choice in ask.choices for text in (choice.argument, *choice.values))
    return pending.name, pending.arguments, ask.question, ask.digest, ask.arguments, *choices


def _carry(call: Call) -> bytes:
    return call.floor.carry if isinstance(call.floor, Answering) else b""


def _size_of(line: Line) -> int:
    return _LINE + bytes_of(line.text) + _tools_bytes(line.tools if isinstance(line, BotLine) else ())


def _tools_bytes(tools: tuple[ToolUse, ...]) -> int:
    size = 0
    for tool in tools:
        end, then = tool.outcome, tool.outcome.then if tool.outcome is not None else None
        texts = (tool.id, tool.name, tool.arguments, *((end.result, end.message) if end else ()))
        texts += (then.to, then.reason) if then else ()
        size += _LINE + sum(map(bytes_of, texts))
    return size


@lru_cache(maxsize=64)
def _policy_bytes(policy: Policy) -> int:
    texts = [text for each in policy.fillers_of for text in (each.tool, *each.sentences)]
    texts += [text for each in policy.specialists for text in (each.name, *each.tools)]
    texts += [text for each in policy.variables for text in (each.name, each.value_pii)]
    for field in fields(policy):
        value = getattr(policy, field.name)
        texts += [text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)]
    return sum(map(bytes_of, texts)) + _FIELD * (len(texts) + len(fields(policy)))


def _caller_texts(call: Call) -> tuple[str, ...]:
    heard, waiting = call.hearing, call.floor.waiting_turn if isinstance(call.floor, Answering) else ""
    return heard.earlier, heard.finals, heard.interim, waiting, call.ahead.text


def _shown(call: Call, over: int, at_ms: int, out: list[Effect]) -> Call:
    """The page has it; only one that comes back would want it again."""
    return replace(call, shown=())


def _older_lines(call: Call, over: int, at_ms: int, out: list[Effect]) -> Call:
    """Of the turns before: they stand in the events. What a tool is still doing is not forgotten."""
    now = next((n for n in range(len(call.history) - 1, 0, -1) if isinstance(call.history[n], CallerLine)), 0)
    return _without(call, over, (n for n, line in enumerate(call.history[:now]) if not _is_doing(line)))


def _is_doing(line: Line) -> bool:
    return isinstance(line, BotLine) and any(tool.outcome is None for tool in line.tools)


def _passages(call: Call, over: int, at_ms: int, out: list[Effect]) -> Call:
    return replace(call, passages=(), passages_for="")


def _thinking_ahead(call: Call, over: int, at_ms: int, out: list[Effect]) -> Call:
    return speculation.given_up(call, at_ms, out)


def _older_rounds(call: Call, over: int, at_ms: int, out: list[Effect]) -> Call:
    """Of this turn: what the bot said and did before the last of it."""
    return _without(call, over, (n for n, line in enumerate(call.history[:-1]) if isinstance(line, BotLine)))


def _notes(call: Call, over: int, at_ms: int, out: list[Effect]) -> Call:
    """But for the newest."""
    return replace(call, notes=call.notes[-1:])


def _voice(call: Call, over: int, at_ms: int, out: list[Effect]) -> Call:
    return replace(call, voice=call.voice[-1:])


def _wanted_back(call: Call, over: int, at_ms: int, out: list[Effect]) -> Call:
    """By the model's vendor, who may refuse the next round without it: the caller's words are worth more."""
    return replace(call, floor=replace(call.floor, carry=b"")) if isinstance(call.floor, Answering) else call


def _words(call: Call, over: int, at_ms: int, out: list[Effect]) -> Call:
    """The caller's, as far as they have no room: of those that wait the end, then of those that are answered."""

    def shorter(text: str) -> str:
        nonlocal over
        kept = clipped_bytes(text, max(MIN_CALLER_BYTES, bytes_of(text) - max(0, over)))
        over -= bytes_of(text) - bytes_of(kept)
        return kept

    if isinstance(call.floor, Answering):
        call = replace(call, floor=replace(call.floor, waiting_turn=shorter(call.floor.waiting_turn)))
    heard = replace(call.hearing, interim=shorter(call.hearing.interim), finals=shorter(call.hearing.finals))
    call = replace(call, hearing=replace(heard, earlier=shorter(heard.earlier)))
    lines = tuple(replace(x, text=shorter(x.text)) if isinstance(x, CallerLine) else x for x in call.history)
    return replace(call, history=lines)


def _without(call: Call, over: int, numbers: Iterable[int]) -> Call:
    """The history without its lines of these numbers, the first ones first, until it is so much smaller."""
    gone: set[int] = set()
    for number in numbers:
        if over <= 0:
            break
        gone.add(number)
        over -= _size_of(call.history[number])
    lines = tuple(line for n, line in enumerate(call.history) if n not in gone)
    return replace(call, history=lines, dropped_lines=call.dropped_lines + len(gone)) if gone else call


_IN_ORDER: tuple[Callable[[Call, int, int, list[Effect]], Call], ...] = (
    _shown,
    _older_lines,
    _passages,
    _thinking_ahead,
    _older_rounds,
    _notes,
    _voice,
    _wanted_back,
    _words,
)
