"""A call as rows: what has changed since they were made last. Personal data is kept as the policy says. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from parley.pii.number_words import NUMBERS
from parley.pii.stored import LINES, covered, kept, opened
from services.backoffice.records.call import Call, Line, Tool, Turn
from services.backoffice.records.money import costs
from services.backoffice.sealing import Sealer, plain_number

Policy = Literal["mask", "keep", "encrypt"]
Row = dict[str, Any]
MAX_CALL_TEXT = 200_000
"""Characters of one call that can be found by their words."""
TAIL = 4
FAILED = ("failed", "unknown")
"""How a tool ends that has failed."""


@dataclass
class Rows:
    """By table; those of a call stand for what was there with the same key."""

    calls: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    turns: list[Row] = field(default_factory=list)
    tools: list[Row] = field(default_factory=list)
    moments: list[Row] = field(default_factory=list)
    costs: list[Row] = field(default_factory=list)
    texts: list[Row] = field(default_factory=list)


class Paper:
    """How texts and numbers are written down, and read again by who may."""

    def __init__(self, sealer: Sealer, policy: Policy) -> None:
        self.sealer, self.policy = sealer, policy

    def written(self, texts: Sequence[str], about: str) -> list[str]:
        """Lines that belong together."""
        return kept(texts, self.policy, lambda data: self.sealer.seal(data, about))

    def read(self, text: str, about: str) -> str:
        """With what was sealed in it."""
        return opened(text, lambda data: self.sealer.open(data, about))

    def caller(self, call: Call) -> Row:
        number = plain_number(call.caller)
        tail = number[-TAIL:]
        return {
            "caller_sealed": self.sealer.seal(call.caller.encode(), f"caller/{call.call_id}"),
            "caller_hash": self.sealer.number(number),
            "caller_tail": self.sealer.hash(tail, "tail") if tail.isdecimal() and len(tail) == TAIL else "",
        }

    def caller_of(self, row: Row) -> str:
        """The number of a row of `calls`. Raises Unsealable."""
        return self.sealer.open(row["caller_sealed"], f"caller/{row['call_id']}").decode()


def add_rows(rows: Rows, call: Call, paper: Paper, *, broken: bool = False) -> None:
    """Of what has changed, and no longer has then."""
    rows.calls.append(_call_row(call, paper, broken))
    lines: dict[int, Row] = {}
    for number in sorted(call.changed_lines):
        if number <= len(call.lines):
            for row in _line_rows(call, call.lines[number - 1], paper):
                lines[row["nr"]] = row
    rows.lines += lines.values()
    rows.turns += [_turn_row(call, call.turns[number - 1]) for number in sorted(call.changed_turns)]
    for number in sorted(call.changed_tools):
        if number <= len(call.tools):
            rows.tools.append(_tool_row(call, call.tools[number - 1], paper))
    rows.moments += [
        {
            "call_id": call.call_id, "nr": number, "at_ms": moment.at_ms, "kind": moment.kind, "turn": moment.turn,
            "detail": moment.detail[:200],
        }
        for number, moment in enumerate(call.moments[call.written :], call.written + 1)
    ]  # fmt: skip
    rows.costs += _cost_rows(call)
    if call.ended:
        rows.texts.append({"call_id": call.call_id, "text_pii": _whole_text(call, paper)})
    call.written = len(call.moments)
    call.changed_lines.clear()
    call.changed_turns.clear()
    call.changed_tools.clear()


def _call_row(call: Call, paper: Paper, broken: bool) -> Row:
    turns = list(call.real_turns())
    sounds = [turn.sound for turn in turns if turn.sound is not None]
    return {
        "call_id": call.call_id,
        "agent": call.agent[:100],
        "version": call.version[:100],
        "channel": call.channel[:20],
        "direction": call.direction[:20],
        "language": call.language[:20],
        "called": call.called[:200],
        **paper.caller(call),
        "started_ms": call.started_ms,
        "last_ms": call.last_ms,
        "ended_ms": call.ended_ms if call.ended else None,
        "seconds": call.seconds,
        "ended_by": call.ended_by,
        "reason": call.reason[:200],
        "turns": len(turns),
        "interruptions": call.interruptions,
        "pauses": call.pauses,
        "tools": len(call.tools),
        "tools_failed": sum(tool.status in FAILED for tool in call.tools),
        "fallbacks": call.fallbacks,
        "takeovers": call.takeovers,
        "legs": call.legs,
        "guarded": call.guarded,
        "answer_ms": round(sum(sounds) / len(sounds)) if sounds else None,
        "slowest_ms": max(sounds, default=None),
        "usd": sum(cost.usd for cost in costs(call)),
        "broken": broken,
    }


def _line_rows(call: Call, line: Line, paper: Paper) -> list[Row]:
    """The line, and those before it of which something else is to be kept now."""
    changed = _write(call, line, paper)
    return [
        {
            "call_id": call.call_id,
            "nr": each.nr,
            "who": each.who,
            "kind": each.kind,
            "turn": each.turn,
            "at_ms": each.at_ms,
            "until_ms": each.until_ms or None,
            "status": each.status,
            "heard_pii": each.kept[0] if each.kept else "",
            "unheard_pii": each.kept[1] if each.kept else "",
        }
        for each in (*changed, line)
    ]


def _write(call: Call, line: Line, paper: Paper) -> list[Line]:
    """Sets what is kept of the line. A number may be said over several: gives those before it that are changed."""
    heard, unheard = line.text[: line.heard], line.text[line.heard :]
    if paper.policy == "keep" or not line.text:
        line.kept = heard, unheard
        return []
    before = call.lines[max(0, line.nr - LINES) : line.nr - 1] if _numeral(heard) else []
    texts = [*(each.text[: each.heard] for each in before), heard]
    written = paper.written([*texts, unheard] if unheard else texts, f"call/{call.call_id}")
    line.kept = written[len(before)], written[-1] if unheard else ""
    changed = []
    for each, text in zip(before, written, strict=False):
        if covered(text) != covered(_kept(each)[0]):  # what is sealed is another each time
            each.kept = text, _kept(each)[1]
            changed.append(each)
    return changed


def _kept(line: Line) -> tuple[str, str]:
    return line.kept or ("", "")


@lru_cache(maxsize=4096)
def _number_word(word: str) -> bool:
    return word.strip(".,;:!?-").casefold() in NUMBERS


def _numeral(text: str) -> bool:
    """Whether it may go on with a number that was begun in a line before."""
    return any(char.isdigit() for char in text) or any(_number_word(word) for word in text.split())


def _turn_row(call: Call, turn: Turn) -> Row:
    return {
        "call_id": call.call_id,
        "nr": turn.nr,
        "at_ms": turn.at_ms,
        "by": turn.by,
        "final": turn.final,
        "eager": turn.eager,
        "ears": turn.ears,
        "token": turn.token,
        "words": turn.words,
        "sound": turn.sound,
        "heard": turn.heard,
        "over": turn.over,
        "rounds": turn.rounds,
        "interruptions": turn.interruptions,
        "cut": turn.cut,
    }


def _tool_row(call: Call, tool: Tool, paper: Paper) -> Row:
    about = f"call/{call.call_id}"
    arguments, result = (
        paper.written([text], about)[0] if len(text) > 2 else text for text in (tool.arguments, tool.result)
    )
    return {
        "call_id": call.call_id,
        "nr": tool.nr,
        "turn": tool.turn,
        "name": tool.name[:200],
        "at_ms": tool.at_ms,
        "until_ms": tool.until_ms or None,
        "status": tool.status[:20],
        "arguments_pii": arguments,
        "result_pii": result,
    }


def _cost_rows(call: Call) -> list[Row]:
    return [
        {
            "call_id": call.call_id,
            "stage": cost.stage,
            "engine": cost.engine[:60],
            "model": cost.model[:100],
            "seconds": cost.spent.seconds,
            "read": cost.spent.read,
            "written": cost.spent.written,
            "chars": cost.spent.chars,
            "requests": cost.spent.requests,
            "usd": cost.usd,
        }
        for cost in costs(call)
    ]


def _whole_text(call: Call, paper: Paper) -> str:
    """What was heard in the call, a line each."""
    said = [line for line in call.lines if line.heard and line.kind != "aside"]
    for line in said:
        if line.kept is None:
            _write(call, line, paper)
    return "\n".join(covered(_kept(line)[0]) for line in said)[:MAX_CALL_TEXT]
