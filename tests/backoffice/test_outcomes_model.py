"""What came of a call, by a vendor's model: its SDK, the llm service over gRPC, and the odd ways models answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parley.rpc import Peers
from parley.settings import Settings
from parley.watching import happened
from services.backoffice.database import Database, open_database
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.outcomes.model import PAUSES_S, Model
from services.backoffice.watchers.outcomes.outcome import Outcome
from testbed.patience import PATIENCE_S
from testbed.rounds import service, settings
from testbed.vendors.faults import Fault
from testbed.vendors.openai.script import Call, Reply, text_of
from testbed.vendors.openai.sim import OpenAISim
from tests.backoffice.ended import ENDED, outcomes_of

TOLD = {"summary": "They asked for order 1234.", "outcome": "resolved", "slots": {}}
PLAIN = json.dumps(TOLD)
FIRST_TOKEN_S = 0.3
RULES = Outcome("abandoned", "The caller spoke 1 time. Ended by caller.")


@pytest.fixture
async def sim() -> AsyncIterator[OpenAISim]:
    async with OpenAISim() as running:
        yield running


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """One kind is enough here."""
    opened = await open_database(Settings.read(PARLEY_DATA_DIR=tmp_path))
    yield opened
    await opened.close()


@pytest.fixture
async def llm(sim: OpenAISim) -> AsyncIterator[Peers]:
    """The llm service, whose only engine is the vendor's."""
    async with service(settings(sim.base_url, PARLEY_LLM_FIRST_TOKEN_S=FIRST_TOKEN_S)) as peers:
        yield peers


class Asking:
    """What is written down of the call that has ended."""

    def __init__(self, database: Database, sealer: Sealer, llm: Peers, answer_s: float = PATIENCE_S) -> None:
        self._model = Model(llm, self._engines, pauses_s=[0.01 for _ in PAUSES_S], answer_s=answer_s)
        self._outcomes = outcomes_of(database, sealer, self._model)
        self.engines = ["vendor"]

    async def _engines(self) -> list[str]:
        return self.engines

    async def __call__(self) -> Outcome:
        await self._outcomes.happened(happened(ENDED)[0])
        written = await self._outcomes.of_call("CA1")
        assert written is not None
        return written.told


@pytest.fixture
def asking(database: Database, sealer: Sealer, llm: Peers) -> Asking:
    return Asking(database, sealer, llm)


READABLE = {
    "plain": PLAIN,
    "over lines": json.dumps(TOLD, indent=2),
    "fenced": f"```json\n{PLAIN}\n```",
    "a fence without a name": f"```\n{PLAIN}\n```",
    "words before": f"Here is what came of the call:\n\n{PLAIN}",
    "words after": f"{PLAIN}\n\nLet me know if you need anything else!",
    "words and a fence": f"Sure! Here it is:\n```json\n{PLAIN}\n```\nThe slots {{}} are empty.",
    "braces before": f"The format is {{summary, outcome}}. {PLAIN}",
    "another case": PLAIN.replace("resolved", " Resolved"),
    "a thought before": f"<think>The caller {{asks}} for an order.</think>{PLAIN}",
    "more than was asked for": json.dumps({**TOLD, "confidence": 0.9, "slots": {"invented": "x", "other": [1]}}),
    "no slots": json.dumps({**TOLD, "slots": None}),
}


@pytest.mark.parametrize("answer", READABLE.values(), ids=READABLE)
async def test_an_answer_is_read_whatever_stands_around_it(sim: OpenAISim, asking: Asking, answer: str) -> None:
    sim.script = lambda messages, tools: Reply(answer)
    told = await asking()
    assert told == Outcome("resolved", "They asked for order 1234.", {}, "model", told.model)
    assert told.model
    (asked,) = sim.records
    assert "Caller: where is order one two three four" in text_of(asked.body["messages"][-1])
    assert not asked.body.get("tools")


NONSENSE = {
    "an outcome that is none": Reply(PLAIN.replace("resolved", "splendid")),
    "several outcomes": Reply(json.dumps({**TOLD, "outcome": ["resolved", "transferred"]})),
    "no summary": Reply(json.dumps({**TOLD, "summary": " "})),
    "a list": Reply(f"[{PLAIN[1:-1]}]"),
    "prose": Reply("The caller asked for an order, and I resolved it."),
    "cut off": Reply(PLAIN[:30], finish="length"),
    "cut off in a fence": Reply(f"```json\n{PLAIN[:-8]}", finish="length"),
    "nothing": Reply(""),
    "a refusal": Reply(refusal="I'm sorry, I can't help with that."),
    "a refusal in words": Reply("I'm sorry, but I can't assist with that request."),
    "filtered": Reply("", finish="content_filter"),
    "a call of a tool": Reply(calls=(Call("write_outcome", TOLD),)),
    "braces without end": Reply("{" * 5000),
    "nested without end": Reply('{"outcome":' * 3000),
}


@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE)
async def test_what_makes_no_sense_is_told_by_rules(sim: OpenAISim, asking: Asking, reply: Reply) -> None:
    sim.script = lambda messages, tools: reply
    assert await asking() == RULES
    assert len(sim.records) <= 3, "it is not asked for ever"


PASSING = {
    "too many requests": Fault("refuse", status=429, times=2),
    "away": Fault("refuse", status=503, times=2),
    "cut off": Fault("close", code=0, after_items=3, times=1),
    "silent": Fault("stall", times=1),
    "no protocol": Fault("garbage", times=1),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
async def test_what_passes_is_waited_for(sim: OpenAISim, asking: Asking, fault: Fault) -> None:
    sim.script = lambda messages, tools: Reply(PLAIN)
    sim.faults.add(fault)
    assert (await asking()).by == "model"


MANY = 1000
LASTING = {
    "too many requests": Fault("refuse", status=429, times=MANY),
    "away": Fault("refuse", status=503, times=MANY),
    "a wrong key": Fault("refuse", status=401, times=MANY),
    "silent": Fault("stall", times=MANY),
}


@pytest.mark.parametrize("fault", LASTING.values(), ids=LASTING)
async def test_what_does_not_pass_is_told_by_rules_after_a_few_tries(
    sim: OpenAISim, asking: Asking, fault: Fault
) -> None:
    sim.script = lambda messages, tools: Reply(PLAIN)
    sim.faults.add(fault)
    assert await asking() == RULES
    assert fault.times is not None
    assert 1 <= MANY - fault.times <= 12


async def test_a_model_that_never_ends_is_left_in_time(
    sim: OpenAISim, database: Database, sealer: Sealer, llm: Peers
) -> None:
    sim.script = lambda messages, tools: Reply("word " * 5000, tokens_per_s=5)
    asking = Asking(database, sealer, llm)
    asking._model._answer_s = 1.0
    assert await asking() == RULES
    await sim.until(lambda: sim.records[0].disconnected)


async def test_where_only_this_machine_could_answer_nobody_is_asked(sim: OpenAISim, asking: Asking) -> None:
    asking.engines = ["local"]
    assert await asking() == RULES
    assert not sim.records


async def test_no_llm_service_is_no_model(database: Database, sealer: Sealer) -> None:
    async with Peers("llm", ["127.0.0.1:9"]) as nobody:
        assert await Asking(database, sealer, nobody)() == RULES
