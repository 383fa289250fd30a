"""A call through the orchestrator and the real llm service, with a model server that is odd in one way all the time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from parley.agents.speaking import Sentences
from services.llm.chat import Chain
from services.llm.providers.openai import OpenAI
from services.orchestrator.mind.bot.llm_retry import MIN_REQUESTS
from services.orchestrator.run.metrics import REQUESTS
from testbed.organs import AGENT, Gateway, House, house
from testbed.rounds import serving, settings
from tests.llm import strict
from tests.llm.odd_server import OddServer, Refusal, calls, delta, odd_server

TROUBLE = Sentences().trouble
FINE = [delta(content="It shipped on Monday."), delta("stop")]


@asynccontextmanager
async def call(tmp: Path, *engines: str, **more: Any) -> AsyncIterator[tuple[OddServer, Gateway, House, Chain]]:
    """A call that has been greeted. `engines`: names; all ask the same server."""
    async with odd_server(**more) as odd:
        chosen = settings(odd.url, PARLEY_LLM_FIRST_TOKEN_S=3, PARLEY_LLM_STALL_S=2)
        chain = Chain({name: OpenAI(chosen) for name in engines or ("openai",)}, first_word_s=3)
        async with serving(chain) as address, house(tmp, AGENT, llm_address=address) as h:
            g = await h.gateway()
            await g.opens()
            await g.hears((await g.said())[0])
            yield odd, g, h, chain


async def asks(g: Gateway, text: str = "where is order 12") -> str:
    """All that the caller hears to it, up to the first whole sentence."""
    await g.types(text)
    utterance, answer = await g.said()
    await g.hears(utterance)
    return answer


def wrong(arguments: str, name: str = "book_visit") -> list[Any]:
    return [calls({"index": 0, "id": "0", "function": {"name": name, "arguments": arguments}}), delta("tool_calls")]


@pytest.mark.parametrize("arguments", ['{"order": 12', "{}{}", '["1"]', "12"])
async def test_a_model_that_always_breaks_its_arguments_is_told_and_the_caller_asked_again(
    tmp_path: Path, arguments: str
) -> None:
    async with call(tmp_path, answers=lambda body: wrong(arguments)) as (odd, g, h, chain):
        before = REQUESTS._sum.get()
        assert await asks(g) == TROUBLE
        assert len(odd.bodies) == 5, "three rounds with tools, one in which it is to speak, and that one again"
        for body in odd.bodies:
            strict.alternates(body["messages"])
            strict.mistral(body["messages"])
        told = [m for m in odd.messages if m["role"] == "tool"]
        assert [m["tool_call_id"] for m in told] == ["c00000001", "c00000002", "c00000003"]
        for message in told:
            assert json.loads(message["content"])["status"] == "refused"
            assert arguments in json.loads(message["content"])["message"]
        assert odd.bodies[-1]["tool_choice"] == "none"
        assert h.actions.executed == []
        assert not chain.breakers.of("openai").is_open
        assert await asks(g, "and order 13") == TROUBLE
        assert len(odd.bodies) == 10
        assert REQUESTS._sum.get() - before == 5, "counted when the next turn began"


async def test_a_model_that_corrects_itself_answers(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> list[Any]:
        last = body["messages"][-1]
        if last["role"] == "user":
            return [delta(content="Let me look. "), *wrong('{"day": ')]
        return wrong('{"day": "friday"}') if "refused" in last["content"] else FINE

    async with call(tmp_path, answers=answer) as (odd, g, h, _):
        assert (await asks(g)).strip() == "Let me look."
        assert (await g.said())[1] == "It shipped on Monday."
        assert [(e.intent, json.loads(e.arguments_json)) for e in h.actions.executed] == [(2, {"day": "friday"})]
        assert len(odd.bodies) == 3


async def test_a_tool_that_is_written_is_done_and_not_spoken(tmp_path: Path) -> None:
    written = 'One moment.\n<tool_call>\n{"name": "book_visit", "arguments": {"day": "friday"}}\n</tool_call>'

    def answer(body: dict[str, Any]) -> list[Any]:
        pieces = [written[n : n + 3] for n in range(0, len(written), 3)]
        called = body["messages"][-1]["role"] == "tool"
        return FINE if called else [*[delta(content=piece) for piece in pieces], delta("stop")]

    async with call(tmp_path, answers=answer) as (odd, g, h, _):
        assert (await asks(g)).strip() == "One moment."
        assert (await g.said())[1] == "It shipped on Monday."
        assert [e.name for e in h.actions.executed] == ["book_visit"]
        assert len(odd.bodies) == 2


async def test_thoughts_are_not_spoken_though_only_their_end_is_marked(tmp_path: Path) -> None:
    thought = [
        delta(content=piece) for piece in ("The caller ", "wants the ", "order. I ", "tell it.", "</think>", "\n\n")
    ]
    async with call(tmp_path, answers=lambda body: [*thought, *FINE]) as (_, g, _, _):
        assert await asks(g) == "It shipped on Monday."
        assert await asks(g) == "It shipped on Monday."


@pytest.mark.parametrize(("status", "most"), [(400, 2), (404, 1), (401, 1), (422, 2)])
async def test_what_is_refused_is_not_sent_again(tmp_path: Path, status: int, most: int) -> None:
    async with call(tmp_path, answers=lambda body: Refusal("no", status)) as (odd, g, _, chain):
        assert await asks(g) == TROUBLE
        assert len(odd.bodies) == most
        assert len({json.dumps(body) for body in odd.bodies}) == most
        assert not chain.breakers.of("openai").is_open


@pytest.mark.parametrize("engines", [("a",), ("a", "b"), ("a", "b", "c")])
async def test_however_many_engines_fail_the_requests_of_a_turn_are_bounded(
    tmp_path: Path, engines: tuple[str, ...]
) -> None:
    async with call(tmp_path, *engines, answers=lambda body: Refusal("away", 503)) as (odd, g, _, _):
        assert await asks(g) == TROUBLE
        assert 3 <= len(odd.bodies) <= MIN_REQUESTS


async def test_a_server_that_cuts_every_connection_is_asked_so_often_and_no_more(tmp_path: Path) -> None:
    async with call(tmp_path, answers=lambda body: None) as (odd, g, _, _):
        assert await asks(g) == TROUBLE
        assert len(odd.bodies) <= MIN_REQUESTS


async def test_a_server_with_a_strict_template_costs_one_request_more_once(tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> list[Any] | Refusal:
        try:
            strict.gemma(body["messages"])
        except AssertionError as e:
            return Refusal(str(e))
        return FINE

    async with call(tmp_path, answers=answer) as (odd, g, _, _):
        assert await asks(g) == "It shipped on Monday."
        assert await asks(g, "thank you") == "It shipped on Monday."
        assert len(odd.bodies) == 3
