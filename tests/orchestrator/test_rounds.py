"""A round of the model that falls silent: what could end is said, and nothing comes of a round that was closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from parley.agents.agent import Agent
from parley.aio import TaskSet
from parley.v1 import llm_pb2
from services.orchestrator.mind import events
from services.orchestrator.phrases.speakable import NUMBER_GRACE_S, Phraser
from services.orchestrator.run.organs import Organs
from services.orchestrator.run.rounds import Grace, Rounds
from testbed.organs import house
from testbed.patience import PATIENCE_S
from tests.orchestrator.calls import Script

AGENT = Agent(company="Bellweather Bikes", greeting="Hello.", prompt="You answer.")


class Told:
    """A model that says what it is told to, when it is told; and what has come of it."""

    def __init__(self) -> None:
        self.words: asyncio.Queue[str | None] = asyncio.Queue()
        self.came: asyncio.Queue[events.Event] = asyncio.Queue()
        self.gone = asyncio.Event()

    async def chat(self, request: llm_pb2.ChatRequest) -> AsyncIterator[llm_pb2.ChatEvent]:
        try:
            while (word := await self.words.get()) is not None:
                yield llm_pb2.ChatEvent(text_delta=word)
            yield llm_pb2.ChatEvent(finish=llm_pb2.Finish())
        finally:
            self.gone.set()

    async def phrase(self) -> str:
        event = await self.came.get()
        assert isinstance(event, events.PhraseReady), event
        return event.text


@asynccontextmanager
async def asked() -> AsyncIterator[tuple[Told, Rounds]]:
    """The model is asked, and has not said a word."""
    call, told = Script(), Told()
    call.says("where is my order")
    failed: list[Any] = []
    tasks = TaskSet(failed.append)
    organs = cast(Organs, SimpleNamespace(chat=told.chat))
    rounds = Rounds(organs, AGENT, "", [], tasks, lambda: call.state, told.came.put_nowait)
    rounds.begin(call.thinks(), "")
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield told, rounds
    finally:
        await tasks.close()
    assert not failed


async def longer_than_any_grace() -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * NUMBER_GRACE_S, over.set)
    await over.wait()


async def test_a_sentence_is_said_though_the_model_falls_silent_behind_it() -> None:
    async with asked() as (told, _):
        told.words.put_nowait("Your order")
        told.words.put_nowait(" has shipped.")
        assert await told.phrase() == "Your order has shipped.", "nothing has come since"
        told.words.put_nowait(" It comes")
        told.words.put_nowait(" today.")
        assert await told.phrase() == " It comes today."
        told.words.put_nowait(None)
        ended = await told.came.get()
        assert isinstance(ended, events.RoundEnded)
        assert ended.text == ""


async def test_what_is_not_finished_waits() -> None:
    async with asked() as (told, _):
        told.words.put_nowait("Your order has")
        await longer_than_any_grace()
        assert told.came.empty()
        told.words.put_nowait(" shipped. ")
        assert await told.phrase() == "Your order has shipped. "


async def test_a_token_in_time_begins_the_grace_anew() -> None:
    async with asked() as (told, _):
        for word in ("It", " is", " v", "2.", "5", " now. "):
            told.words.put_nowait(word)
        assert await told.phrase() == "It is v2.5 now. "


async def test_a_closed_round_says_nothing_more() -> None:
    async with asked() as (told, rounds):
        told.words.put_nowait("Well. ")
        assert await told.phrase() == "Well. "
        told.words.put_nowait("Your order has shipped.")
        while not told.words.empty():  # noqa: ASYNC110
            await asyncio.sleep(0)
        rounds.close_all()
        await told.gone.wait()
        await longer_than_any_grace()
        assert told.came.empty()


async def test_leaving_takes_the_timer_along() -> None:
    said: list[str] = []
    phraser = Phraser()
    async with Grace(phraser, said.extend) as grace:
        phraser.push("Your order has shipped.")
        grace.begin()
        first = grace._timer
        grace.begin()
        assert first is not None
        assert first.cancelled(), "one at a time"
        assert grace._timer is not None
    assert grace._timer.cancelled()
    assert said == []


async def test_a_word_before_a_tool_is_said_before_the_tools_arguments_have_come(tmp_path: Path) -> None:
    """Over the wire: the model writes the arguments for as long as the caller has not heard the sentence."""
    heard = asyncio.Event()
    async with house(tmp_path) as h:
        h.model.reply = lambda request: (
            ["It is booked."]
            if request.messages[-1].role == llm_pb2.Message.ROLE_TOOL
            else [
                "Let me check",
                " that for you.",
                heard,
                llm_pb2.ToolCall(id="c1", name="book_visit", arguments_json="{}"),
            ]
        )
        g = await h.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await g.types("book a visit")
        say = await g.until("say")
        assert say.text == "Let me check that for you."
        assert h.actions.executed == []
        heard.set()
        await g.until("say", text="It is booked.")
        assert [e.intent for e in h.actions.executed] == [1]
