"""An orchestrator that is asked to stop gives its calls away where nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from parley.aio import background
from parley.errors import Unavailable
from testbed.organs import Gateway, House, house, replica
from testbed.patience import PATIENCE_S
from tests.orchestrator.test_owners import started


@asynccontextmanager
async def asked_to_stop(h: House) -> AsyncIterator[None]:
    async def drain() -> None:
        await h.server.drain(20)

    async with background(drain()):
        async with asyncio.timeout(PATIENCE_S):
            while not h.server.admission.draining:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        yield


async def given_away(g: Gateway) -> bytes:
    """What comes until the stream ends; the newest state."""
    with pytest.raises(Unavailable, match="open elsewhere"):
        await g.until("hang_up")
    return [c.state.data for c in g.commands if c.WhichOneof("command") == "state"][-1]


async def test_a_quiet_call_is_handed_over_at_once_and_the_caller_notices_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as h, replica(h) as other:
        g, _ = await started(h)
        async with asked_to_stop(h):
            state = await given_away(g)
            second = await other.gateway(1, 2)
            await second.opens(state=state, mouth={"turn": 2, "last_utterance": 2})
            second.seq = g.seq
            await second.types("and now")
            assert await second.said() == (3, "You said and now.")
        assert [c.WhichOneof("command") for c in second.commands].count("stop") == 0
        said = [m.text for m in h.model.requests[-1].messages]
        assert said == ["Bellweather Bikes, how can I help?", "hello there", "You said hello there.", "and now"]


async def test_an_answer_that_is_being_thought_of_is_finished_first(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g, _ = await started(h)
        thought = asyncio.Event()
        h.model.reply = lambda request: ["One moment. ", thought, "We are open."]
        await g.types("are you open")
        assert (await g.until("say")).text == "One moment. "
        async with asked_to_stop(h):
            await asyncio.sleep(0.05)
            thought.set()
            await given_away(g)
        assert "".join(c.say.text for c in g.commands if c.WhichOneof("command") == "say").endswith("We are open.")
        assert len(h.model.requests) == 2


async def test_a_caller_in_the_middle_of_a_sentence_is_heard_out_first(tmp_path: Path) -> None:
    async with house(tmp_path) as h, replica(h) as other:
        g, _ = await started(h)
        await g.tell(speech={"speech_started": {"offset_ms": 100}})
        await g.tell(speech={"interim": {"text": "are you"}})
        (owner,) = h.calls._conductors.values()
        async with asyncio.timeout(PATIENCE_S):
            while not (owner.call and owner.call.hearing.text):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        async with asked_to_stop(h):
            await g.tell(speech={"interim": {"text": "are you open"}})
            await g.tell(speech={"speech_stopped": {"offset_ms": 900}})
            await g.turn_ends("are you open")
            assert (await g.said())[1] == "You said are you open."
            state = await given_away(g)
            second = await other.gateway(1, 2)
            mouth = {"utterance": 3, "text": "You said are you open.", "complete": True, "turn": 3, "last_utterance": 3}
            await second.opens(state=state, mouth=mouth)
            second.seq = g.seq
            await second.hears(3)
            await second.types("and now")
            assert await second.said() == (4, "You said and now.")


async def test_without_another_replica_the_call_comes_back_and_stays(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        g, _ = await started(h)
        async with asked_to_stop(h):
            state = await given_away(g)
            back = await h.gateway(1, 2)
            await back.opens(state=state, mouth={"turn": 2, "last_utterance": 2})
            back.seq = g.seq
            for number in (3, 4):
                await back.types("and now")
                assert await back.said() == (number, "You said and now.")
                await back.hears(number)
            fresh = await h.gateway()
            await fresh.opens("CA2")
            with pytest.raises(Unavailable, match="draining"):
                await fresh.until("session")
