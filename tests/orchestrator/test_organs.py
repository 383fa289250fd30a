"""A round of the model, asked of replicas that cannot all answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from parley.errors import AtCapacity, TooLate, Unavailable
from parley.rpc import Admission, Peers, Server
from parley.text.answers.consent import MAX_ASKED_CHARS
from parley.v1 import llm_pb2, llm_pb2_grpc, tools_pb2
from services.orchestrator.run.organs import Organs, outcome_of
from testbed.organs import Model
from testbed.patience import PATIENCE_S

ASKED = llm_pb2.ChatRequest(messages=[llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text="hello")])


@asynccontextmanager
async def organs(*models: Model) -> AsyncIterator[Organs]:
    async with AsyncExitStack() as stack:
        addresses = []
        for model in models:
            server = Server("llm", "127.0.0.1:0", Admission(10))
            service = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
            server.add(service, llm_pb2_grpc.add_LanguageModelServicer_to_server, model)
            await server.start()
            stack.push_async_callback(server._grpc.stop, 0)
            addresses.append(f"127.0.0.1:{server.port}")
        peers = await stack.enter_async_context(Peers("llm", addresses))
        assert await peers.ready(PATIENCE_S)
        yield Organs(peers, peers, peers)


def failing(error: Exception, *words: str) -> Model:
    model = Model()
    model.reply = lambda request: [*words, error]
    return model


def test_a_question_longer_than_is_said_is_not_asked() -> None:
    """Of a tools service of another version: a yes to its beginning is none to its end."""
    status = tools_pb2.ToolOutcome.STATUS_ASK
    for length, asked in ((MAX_ASKED_CHARS, "ask"), (MAX_ASKED_CHARS + 1, "failed")):
        outcome = outcome_of(tools_pb2.ToolOutcome(status=status, ask=tools_pb2.Ask(question="?" * length)))
        assert (outcome.status, outcome.ask is not None) == (asked, asked == "ask")


def test_the_choices_of_a_question_have_a_bound() -> None:
    choices = [tools_pb2.Choice(argument=f"a{n}", values=["x" * 60] * 20) for n in range(10)]
    message = tools_pb2.ToolOutcome(status=tools_pb2.ToolOutcome.STATUS_ASK, ask=tools_pb2.Ask(choices=choices))
    asked = outcome_of(message).ask
    assert asked is not None
    assert [each.argument for each in asked.choices] == ["a0"]


async def said(organs: Organs) -> str:
    return "".join([event.text_delta async for event in organs.chat(ASKED)])


@pytest.mark.parametrize("error", [Unavailable("draining"), AtCapacity("full")])
async def test_a_replica_that_cannot_answer_is_left_before_the_first_word(error: Exception) -> None:
    broken, well = failing(error), Model()
    async with organs(broken, well) as mind:
        while not broken.requests:  # which one is asked first is chance
            assert await said(mind) == "You said hello."
    assert len(broken.requests) == 1


async def test_when_no_replica_can_answer_each_was_asked_once() -> None:
    models = [failing(Unavailable("gone")) for _ in range(3)]
    async with organs(*models) as mind:
        with pytest.raises(Unavailable):
            await said(mind)
    assert [len(model.requests) for model in models] == [1, 1, 1]


@pytest.mark.parametrize("error", [Unavailable("gone"), TooLate("stalled")])
async def test_after_the_first_word_the_round_is_over_and_nobody_else_is_asked(error: Exception) -> None:
    models = [failing(error, "Well") for _ in range(2)]
    async with organs(*models) as mind:
        with pytest.raises(type(error)):
            await said(mind)
    assert sum(len(model.requests) for model in models) == 1
