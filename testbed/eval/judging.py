"""A conversation beside what was expected of it: what is wrong, in words. Pure; `models.py` asks a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from parley.agents.conversations.conversation import Conversation, Expectations, ExpectedTool, Whole
from testbed.eval.course import Course, Exchange, Ran, Shown
from testbed.eval.matching import is_card, is_said, is_tool, is_value

_LONG = 300


@dataclass(frozen=True)
class Failure:
    """`where`: `turn 2 "and Sunday?"`, or empty for the whole. `what`: expected and actual."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


def failures(conversation: Conversation, course: Course, overlap: float = 1.0, page: bool = True) -> list[Failure]:
    """All that is not as expected, turn by turn, then of the whole. `overlap` as `is_said` takes it. Without a `page`
    nothing is shown, and nothing of that expected."""
    found = [Failure("", course.broke)] if course.broke else []
    for number, where, expected, exchange in turns_of(conversation, course):
        if exchange is not None:
            shown = exchange.shown if page else None
            found += [Failure(where, what) for what in _of(expected, exchange.words, exchange.ran, shown, overlap)]
        elif not course.broke:
            found.append(Failure(where, f"never came to it: {_how_it_ended(course)} after turn {number - 1}"))
            break
    whole = conversation.expect
    found += [
        Failure("", what) for what in _of(whole, course.words, course.ran, course.shown if page else None, overlap)
    ]
    return found + [Failure("", what) for what in _of_whole(whole, course)]


def turns_of(conversation: Conversation, course: Course) -> Iterator[tuple[int, str, Expectations, Exchange | None]]:
    """(number, where, what is expected, what came of it: None if the call was over before) of each scripted turn."""
    acts = [turn for turn in conversation.turns if turn.acts]
    if conversation.turns and not conversation.turns[0].acts:
        yield 0, "the bot's first words", conversation.turns[0], course.exchanges[0]
    for number, turn in enumerate(acts, 1):
        act = Exchange(caller=turn.caller, keys=turn.keys, silent_s=turn.silent_s).act
        exchange = course.exchanges[number] if number < len(course.exchanges) else None
        yield number, f'turn {number} "{act}"', turn, exchange


def _of(
    expected: Expectations, words: str, ran: Sequence[Ran], shown: Sequence[Shown] | None, overlap: float
) -> Iterator[str]:
    for text in expected.says:
        if not is_said(text, words, overlap):
            yield f"says {_quoted(text)}: the bot said {_quoted(words)}"
    for text in expected.says_not:
        if is_said(text, words):
            yield f"says_not {_quoted(text)}: the bot said {_quoted(words)}"
    yield from _tools(expected, ran)
    for card in expected.shown if shown is not None else ():
        if not any(is_card(card, each) for each in shown or ()):
            names = ", ".join(f"{each.name} {each.value}" for each in shown or ()) or "nothing"
            wanted = f"{card.card} with {dict(card.with_)}" if card.with_ else card.card
            yield f"shown {wanted}: the page was shown {_short(names)}"


def _done(ran: Sequence[Ran]) -> list[Ran]:
    """Without those that the caller was only asked about."""
    return [each for each in ran if each.status != "ask"]


def _tools(expected: Expectations, ran: Sequence[Ran]) -> Iterator[str]:
    ran = _done(ran)
    if expected.no_tools and ran:
        yield f"no_tools: {_calls(ran)} ran"
    if done := [each for each in ran if each.name in expected.forbidden]:
        yield f"forbidden: {_calls(done)} ran"
    left = list(ran)
    for wanted in expected.tools:
        place = next((n for n, each in enumerate(left) if is_tool(wanted, each)), None)
        if place is None:
            order = " after those before it" if expected.in_order else ""
            yield f"tools {_wanted(wanted)}: did not run{order}; {_calls(ran) or 'no tool'} ran"
        elif expected.in_order:
            del left[: place + 1]
        else:
            del left[place]


def _of_whole(whole: Whole, course: Course) -> Iterator[str]:
    if whole.exactly and len(ran := _done(course.ran)) > len(whole.tools):
        yield f"exactly: {len(whole.tools)} tools are expected; {_calls(ran)} ran"
    for name, value in whole.slots.items():
        if not is_value(value, course.slots.get(name)):
            yield f"slots {name}: expected {value!r}, understood {course.slots.get(name)!r}"
    if whole.outcome and whole.outcome != course.outcome:
        yield f"outcome: expected {whole.outcome}, but {_how_it_ended(course)}"
    if whole.level is not None and whole.level != course.level:
        yield f"level: expected {whole.level}, it was {course.level} in the end"
    acts = len(course.exchanges) - 1
    if whole.max_turns is not None and acts > whole.max_turns:
        yield f"max_turns: expected at most {whole.max_turns} turns of the caller, there were {acts}"


def _how_it_ended(course: Course) -> str:
    if course.outcome == "transferred":
        return f"the bot transferred the caller to {course.transferred_to}"
    return "the bot ended the call" if course.outcome == "ended" else "the call was still open"


def _wanted(tool: ExpectedTool) -> str:
    arguments = f" with {dict(tool.with_)}" if tool.with_ else ""
    return f"{tool.tool}{arguments}{f' ({tool.status})' if tool.status else ''}"


def _calls(ran: Sequence[Ran]) -> str:
    return _short(", ".join(f"{each.name}({dict(each.arguments)}) {each.status}".rstrip() for each in ran))


def _quoted(text: str) -> str:
    return text if text.startswith("/") else f'"{_short(text)}"'


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]} ..."
