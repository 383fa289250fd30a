"""A recorded call as a course, and as a script for `conversations/`. The records are what NATS keeps of it. Pure.

The records are folded through `step`: what the caller said, what the bot said and which tools ran stand in the history
as it grows, older lines fall off its front.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from parley.agents.conversations.conversation import ANY
from parley.errors import BadInput
from parley.text.words import words
from parley.v1 import events_pb2
from services.orchestrator.mind import effects, events, known
from services.orchestrator.mind.actions import ToolUse
from services.orchestrator.mind.identity import GIVEN
from services.orchestrator.mind.state import BotLine, Call, CallerLine
from services.orchestrator.mind.turn import step
from services.orchestrator.wire import codec
from services.orchestrator.wire.replay import valid
from testbed.eval.course import Course, Exchange, Ran, Shown
from testbed.eval.values import arguments_of, json_or_text, told

_Key = tuple[str, int]


@dataclass(frozen=True)
class Recorded:
    """`call`: its state in the end. `began`, `over_s`: when, and how long it took."""

    course: Course
    call: Call
    began: datetime
    over_s: float


def recorded(
    records: Sequence[events_pb2.EventRecord], acts: Sequence[Exchange] = (), at: Sequence[int] = ()
) -> Recorded:
    """What was recorded. `acts`, `at`: what the caller did, and when (milliseconds since 1970), where that is known
    better than by what was understood; else each of his lines begins an exchange.

    Raises BadInput: there are none, some are missing, or they cannot be read by this version.
    """
    fold = _Fold()
    for record in valid(records):
        for message in record.inputs:
            try:
                fold.take(codec.event_from_proto(message))
            except Exception as e:
                raise BadInput(f"the records cannot be read by this version: {type(e).__name__}: {e}") from e
    if fold.call is None:
        raise BadInput("there are no records")
    began = datetime.fromtimestamp(fold.call.started_ms / 1000).astimezone()
    course = fold.by_acts(acts, at) if at else fold.by_lines()
    return Recorded(course, fold.call, began, (fold.at_ms - fold.call.started_ms) / 1000)


class _Fold:
    def __init__(self) -> None:
        self.call: Call | None = None
        self.at_ms = 0
        self._lines: dict[_Key, tuple[int, CallerLine | BotLine | Shown]] = {}  # with when it was first seen
        self._executed: set[int] = set()
        self._outcome: Course = Course()

    def take(self, event: events.Event) -> None:
        self.call, outcome = step(self.call, event)
        self.at_ms = max(self.at_ms, event.at_ms)
        for line in self.call.history:
            key = _key(line)
            self._lines[key] = self._lines[key][0] if key in self._lines else event.at_ms, line
        if isinstance(event, events.ToolEnded) and event.outcome.ask is not None:
            self._executed.discard(event.intent)  # it was asked about
        for effect in outcome:
            match effect:
                case effects.Execute(intent=intent):
                    self._executed.add(intent)
                case effects.Show(name=name, value_pii=text):
                    self._lines["shown", len(self._lines)] = event.at_ms, Shown(name, json_or_text(text))
                case effects.Transfer(to=to):
                    self._outcome.outcome, self._outcome.transferred_to = "transferred", to
                case effects.HangUp():
                    self._outcome.outcome = "ended"

    def by_lines(self) -> Course:
        exchanges = [Exchange()]
        for _, line in self._lines.values():
            if isinstance(line, CallerLine):
                exchanges.append(Exchange(caller=line.text))
            else:
                self._put(exchanges[-1], line)
        return self._whole(exchanges)

    def by_acts(self, acts: Sequence[Exchange], at: Sequence[int]) -> Course:
        exchanges = [Exchange(), *acts]
        for seen, line in self._lines.values():
            exchange = exchanges[sum(begun <= seen for begun in at)]
            if not isinstance(line, CallerLine):
                self._put(exchange, line)
            elif words(line.text) != words(exchange.caller or exchange.keys):
                exchange.misheard = f"{exchange.misheard} {line.text}".strip()
        return self._whole(exchanges)

    def _whole(self, exchanges: list[Exchange]) -> Course:
        call, course = self.call, self._outcome
        assert call is not None
        course.exchanges = exchanges
        course.level, course.agent_version = call.level, call.agent_version
        course.input_tokens, course.output_tokens = call.tally.input_tokens, call.tally.output_tokens
        return course

    def _put(self, exchange: Exchange, line: BotLine | Shown) -> None:
        if isinstance(line, Shown):
            exchange.shown.append(line)
        else:
            self._bot(exchange, line)

    def _bot(self, exchange: Exchange, line: BotLine) -> None:
        text = (line.text[: line.heard] if line.status == "cut" else line.text).strip()
        if text:
            (exchange.fillers if line.kind == "filler" else exchange.said).append(text)
        exchange.ran += [_ran(tool) for tool in line.tools if tool.intent in self._executed]


def _key(line: CallerLine | BotLine) -> _Key:
    if isinstance(line, CallerLine):
        return "caller", line.at_ms
    return ("bot", line.utterance) if line.utterance else ("tools", line.tools[0].intent if line.tools else 0)


def _ran(tool: ToolUse) -> Ran:
    outcome = tool.outcome
    if outcome is None:
        return Ran(tool.name, arguments_of(tool.arguments))
    return Ran(tool.name, arguments_of(tool.arguments), outcome.status, told(outcome.result, outcome.message))


def script(found: Recorded, language: str = "") -> str:
    """A file of one conversation: the caller's lines, the tools that ran, the end. The bot's words are comments.
    `language`: the agent's own."""
    return "\n".join(_script(found, language)) + "\n"


def _script(found: Recorded, language: str) -> Iterator[str]:
    call, course = found.call, found.course
    yield "# yaml-language-server: $schema=../../conversations.schema.json"
    yield f"# Made from the records of call {call.call_id}, agent {call.agent} {call.agent_version}."
    yield "# It holds what was said and who called: personal data. Change names and numbers before you keep it."
    yield "# What the bot said stands as comments: what it must say again, write as `says`."
    yield f"at: {found.began.isoformat(sep=' ', timespec='seconds')}"
    for name, value in (
        ("caller_number", call.caller_pii),
        ("called", call.called),
        ("direction", known.direction(call) if call.direction == "outbound" else ""),
        ("purpose", call.purpose),
    ):
        if value:
            yield f"{name}: {_json(value)}"
    if call.variables:
        yield f"variables: {_json(known.parameters(call))}"
    yield "conversations:"
    yield f"  - name: {_json(f'call {call.call_id}')}"
    if call.language != language:
        yield f"    language: {_json(call.language)}"
    yield "    turns:"
    yield from _said(course.exchanges[0], "      ")
    for exchange in course.exchanges[1:]:
        yield f"      - caller: {_json(exchange.caller)}"
        if exchange.ran:
            yield "        tools:"
            yield from (f"          - {_tool(ran)}" for ran in exchange.ran)
        yield from _said(exchange, "        ")
    if len(course.exchanges) == 1:
        yield f"      - silent_s: {min(600, max(1, round(found.over_s)))}"
    yield "    expect:"
    yield f"      outcome: {course.outcome}"
    if course.level:
        yield f"      level: {course.level}"


def _said(exchange: Exchange, indent: str) -> Iterator[str]:
    return (f"{indent}# bot: {' '.join(text.split())}" for text in exchange.said)


def _tool(ran: Ran) -> str:
    """What a caller proved who he is with was not kept: it is any."""
    arguments = {name: ANY if value == GIVEN else value for name, value in ran.arguments.items()}
    status = f", status: {ran.status}" if ran.status else ""
    return f"{{tool: {_json(ran.name)}, with: {_json(arguments)}{status}}}"


def _json(value: object) -> str:
    """JSON on one line is YAML."""
    return json.dumps(value, ensure_ascii=False)
