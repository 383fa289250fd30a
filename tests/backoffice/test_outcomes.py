"""What came of a call: by a model, else by rules, written down once and told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from parley.agents.agent import Agent
from parley.agents.files import load_agent
from parley.agents.outcomes import OUTCOMES
from parley.errors import Unavailable, VendorLost
from parley.v1 import events_pb2
from parley.watching import happened
from services.backoffice.database import Database
from services.backoffice.records.call import Call, Line, Tool, Turn
from services.backoffice.records.retention import Retention
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.outcomes import rules
from services.backoffice.watchers.outcomes.outcome import Outcome
from services.backoffice.watchers.outcomes.outcomes import Outcomes, folded
from services.backoffice.watchers.outcomes.reading import Wanted, instructions, transcript, understood
from services.backoffice.watchers.retention import KINDS
from services.backoffice.watchers.webhooks.deliveries import Deliveries
from services.backoffice.watchers.webhooks.hooks import Hooks
from tests.backoffice.ended import ENDED, RECORDS, outcomes_of
from tests.watching.calls import record, step


def call(*said: str, tool: str = "", **more: object) -> Call:
    """`>` begins what the caller says, anything else was heard of the bot."""
    made = Call("CA1", ended=True)
    for n, text in enumerate(said, 1):
        who = "caller" if text.startswith(">") else "bot"
        text = text.removeprefix(">")
        made.lines.append(Line(n, who, "speech" if who == "caller" else "answer", 1, n, text, len(text)))
        if who == "caller":
            made.turns.append(Turn(n, n, "speech"))
    if tool:
        made.tools.append(Tool(1, 1, 1, "find_order", 2, status=tool))
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        (call("hello", ">where is my order", "it is on its way", tool="ok"), "resolved"),
        (call("hello", ">where is my order", "it is on its way", tool="failed"), "answered"),
        (call("hello", ">where is my order", "it is on its way"), "answered"),
        (call("hello", ">where is my order", tool="ok"), "abandoned"),
        (call("hello"), "abandoned"),
        (call("hello", ">hm", "are you there?", reason="the caller was silent"), "abandoned"),
        (call("hello", ">a person please", "one moment", transferred="+15550111"), "transferred"),
        (call("hello", ">hi", "trouble", reason="no answer could be made", hung_up=True), "failed"),
        (call("hello", ">hi", "fine", swept=True), "failed"),
    ],
)
def test_rules_tell_what_came_of_a_call(made: Call, outcome: str) -> None:
    told = rules.outcome(made)
    assert (told.outcome, told.by) == (outcome, "rules")
    assert "order" not in told.summary.replace("find_order", ""), "nothing that was said"


def test_a_model_reads_what_was_heard_and_not_what_was_meant() -> None:
    made = call("hello there", ">where is my order", "it is on its way", tool="ok")
    made.lines[2].heard = 5
    assert transcript(made).splitlines() == [
        "Bot: hello there",
        "Caller: where is my order",
        "(tool find_order: ok)",
        "Bot: it is",
        "(the call was ended by caller)",
    ]


def test_of_a_long_call_the_beginning_and_the_end_are_read() -> None:
    text = transcript(call(*(f">turn {n} {'x' * 100}" for n in range(500))))
    assert len(text) < 12_100
    assert text.startswith("Caller: turn 0 ")
    assert "turn 499" in text


def test_the_answer_is_taken_for_what_it_is() -> None:
    wanted = Wanted(slots={"order_number": "its number"})
    slots = '{"order_number": 1234, "x": "y"}'
    answer = f'```json\n{{"summary": " It is \\n late. ", "outcome": "resolved", "slots": {slots}}}\n```'
    told = understood(answer, wanted, "m-1")
    assert told == Outcome("resolved", "It is late.", {"order_number": "1234"}, "model", "m-1")


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot do that",
        "",
        "[1]",
        '{"summary": "x"}',
        '{"summary": "", "outcome": "resolved"}',
        '{"summary": "x", "outcome": "splendid"}',
        '{"summary": "x", "outcome": ["resolved"]}',
        '{"summary": "x", "outcome": "resolved", "slots": ["a"]}',
        '{"summary": {"a": 1}, "outcome": "resolved"}',
    ],
)
def test_an_answer_that_is_none_is_none(answer: str) -> None:
    with pytest.raises(VendorLost):
        understood(answer, Wanted(), "")


def test_an_agent_says_what_may_come_of_its_calls() -> None:
    agent = load_agent(Path("agents"), "frontdesk")
    wanted = Wanted.of(
        agent.model_copy(update={"outcomes": agent.outcomes.model_copy(update={"kinds": {"sold": "bought"}})})
    )
    text = instructions(wanted)
    assert "- sold: bought" in text
    assert set(OUTCOMES) <= set(wanted.kinds)
    assert set(wanted.slots) == set(agent.domain.slots)


class Reader:
    """A model. `answers`: what it says, or raises."""

    def __init__(self, answer: Outcome | Exception) -> None:
        self.answer = answer
        self.asked: list[Call] = []

    async def can_read(self) -> bool:
        return True

    async def read(self, call: Call, agent: Agent | None) -> Outcome:
        self.asked.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


Made = Callable[[Reader], Outcomes]


@pytest.fixture
def made(database: Database, sealer: Sealer) -> Made:
    return lambda reader: outcomes_of(database, sealer, reader)


async def test_what_the_model_says_is_written_down_and_told_once(
    made: Made, database: Database, sealer: Sealer
) -> None:
    hook = await Hooks(database, sealer).add("https://example.com/")
    reader = Reader(Outcome("resolved", "Ann at ann@example.com asked for an order.", {"order": "1234"}, "model", "m"))
    outcomes = made(reader)
    (ended,) = happened(ENDED)
    await outcomes.happened(ended)
    await outcomes.happened(ended)
    assert len(reader.asked) == 1
    assert reader.asked[0].lines[0].text == "where is order one two three four"
    written = await outcomes.of_call("CA1")
    assert written is not None
    assert written.told == reader.answer
    (delivery,) = await Deliveries(database, sealer).take(hook.id, 10)
    assert b'"outcome":"resolved","outcome_by":"model","summary":"Ann at [email] asked for an order."' in delivery.body
    assert b'"caller":"***01"' in delivery.body


@pytest.mark.parametrize("trouble", [Unavailable("away"), VendorLost("nonsense"), TimeoutError()])
async def test_rules_tell_where_no_model_can(made: Made, trouble: Exception) -> None:
    outcomes = made(Reader(trouble))
    await outcomes.happened(happened(ENDED)[0])
    written = await outcomes.of_call("CA1")
    assert written is not None
    assert (written.told.outcome, written.told.by) == ("abandoned", "rules")


async def test_what_was_said_goes_before_what_came_of_it(made: Made, database: Database) -> None:
    outcomes = made(Reader(Outcome("resolved", "They asked for an order.", {"order": "1"}, "model")))
    await outcomes.happened(happened(ENDED)[0])
    retention = Retention(database, "", KINDS)
    at_s = happened(ENDED)[0].at_ms / 1000
    assert (await retention.enforce(at_s + 29 * 86_400))["summaries"] == 0
    assert (await retention.enforce(at_s + 31 * 86_400))["summaries"] == 1
    assert (await retention.enforce(at_s + 31 * 86_400))["summaries"] == 0
    written = await outcomes.of_call("CA1")
    assert written is not None
    assert (written.told.outcome, written.told.summary, written.told.slots) == ("resolved", "", {})
    assert (await retention.enforce(at_s + 401 * 86_400))["outcomes"] == 1
    assert await outcomes.of_call("CA1") is None


async def test_a_call_that_lived_after_all_is_told_of_again(made: Made) -> None:
    reader = Reader(Outcome("resolved", "x", {}, "model"))
    outcomes = made(reader)
    await outcomes.happened(happened(ENDED)[0])
    later = record("CA1", 9, step(9_000, leg_ended=events_pb2.StepLegEnded(reason="")), ended=True)
    reader.answer = Outcome("unresolved", "y", {}, "model")
    await outcomes.happened(happened(later)[0])
    written = await outcomes.of_call("CA1")
    assert written is not None
    assert written.told.outcome == "unresolved"


def test_records_fold_to_a_call() -> None:
    assert folded("CA1", [each.SerializeToString() for each in RECORDS]).ended
