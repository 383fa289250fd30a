"""One leg's ears, the real stt service and the vendor's stand-in: how often the vendor is asked, and what is heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from parley.aio import background
from parley.audio import TELEPHONE
from parley.rpc import Peers
from parley.v1 import conversation_pb2, stt_pb2
from services.gateway.ears.ears import Ears
from services.gateway.mouth.clock import now_ms
from testbed.patience import PATIENCE_S
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.faults import Fault
from testbed.vendors.wordcodec import render
from tests.stt.line import settings, spoken
from tests.stt.odd import OFTEN, results
from tests.stt.test_service import serving

CONFIRMED = stt_pb2.TurnEnded.KIND_CONFIRMED


class Leg:
    """A caller whose line is open: what he says, then silence, in real time."""

    def __init__(self, peers: Peers) -> None:
        self.told: list[conversation_pb2.CallEvent] = []
        self._news = asyncio.Event()
        self.ears = Ears(TELEPHONE, peers, "CA1", self._tell)
        self.ears.session(conversation_pb2.Session(language="en", agent="frontdesk"))
        self._sound = b""

    def _tell(self, event: conversation_pb2.CallEvent) -> None:
        self.told.append(event)
        self._news.set()

    def say(self, sound: bytes) -> None:
        self._sound += sound

    async def run(self) -> None:
        while True:
            frame, self._sound = self._sound[:160], self._sound[160:]
            self.ears.feed(frame.ljust(160, b"\xff"), now_ms())
            await asyncio.sleep(0.02)

    @property
    def turns(self) -> list[str]:
        ended = [event.speech.turn_ended for event in self.told if event.speech.HasField("turn_ended")]
        return [each.text for each in ended if each.kind == CONFIRMED]

    @property
    def troubles(self) -> int:
        return sum(event.HasField("trouble") for event in self.told)

    async def until(self, holds: Callable[[], bool], timeout_s: float = 30) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def leg(sim: DeepgramSim) -> AsyncIterator[Leg]:
    async with serving(settings(sim)) as (peers, _):
        assert await peers.ready(PATIENCE_S)
        made = Leg(peers)
        async with background(made.ears.run(), made.run()):
            yield made


@pytest.fixture
async def sim() -> AsyncIterator[DeepgramSim]:
    async with DeepgramSim(api_key="k") as opened:
        yield opened


@pytest.mark.parametrize("odd", OFTEN, ids=[str(each)[:60] for each in OFTEN])
async def test_odd_messages_beside_good_ones_cost_no_stream_and_no_word(sim: DeepgramSim, odd: Any) -> None:
    sim.scripts.add(*[{"audio_ms": 100}, odd, {"pause_ms": 50}] * 200, times=None, alone=False)
    async with leg(sim) as caller:
        caller.say(spoken("where is my order", after_ms=300, before_ms=200))
        await caller.until(lambda: bool(caller.turns))
        assert caller.turns == ["Where is my order."]
        assert len(sim.records) == 1


@pytest.mark.parametrize(
    "steps",
    [
        [{"close": 1011, "reason": "see https://dpgr.am/net0000"}],
        [{"close": 1000}],
        [{"close": 0}],
        [results("hello", 0, 0.1, final=False), {"close": 1011}],
        [{"type": "Error", "variant": "InternalError", "description": "x"}],
    ],
)
async def test_a_vendor_that_breaks_each_stream_is_asked_a_few_times(sim: DeepgramSim, steps: list[Any]) -> None:
    sim.scripts.add({"audio_ms": 60}, *steps, times=None)
    async with leg(sim) as caller:
        await sim.until(lambda: bool(sim.records))
        await asyncio.sleep(3.5)
        assert len(sim.records) <= 4
        await sim.until(lambda: len(sim.records) > 3, 30)
        assert caller.turns == []


@pytest.mark.parametrize("steps", [[{"close": 1008}], [{"type": "Error", "code": 400, "description": "no"}], None])
async def test_what_the_vendor_refuses_it_is_not_asked_again(sim: DeepgramSim, steps: list[Any] | None) -> None:
    if steps is None:
        sim.faults.add(Fault("refuse", status=401))
    else:
        sim.scripts.add({"audio_ms": 60}, *steps, times=None)
    async with leg(sim) as caller:
        await caller.until(lambda: bool(caller.troubles))
        await asyncio.sleep(2.5)
        assert len(sim.records) == (0 if steps is None else 1)
        assert caller.troubles == 1


async def test_a_vendor_that_never_makes_anything_final_is_heard_all_the_same(sim: DeepgramSim) -> None:
    """It has a guess, and is deaf to `Finalize`: twice the stream is left, then the guess is what was said."""
    ended_ms = 100 + render("where is my order").words[-1].end_ms
    guess = results("where is my order", 0, ended_ms / 1000 + 0.1, final=False)
    sim.scripts.add({"audio_ms": ended_ms + 100}, guess, {"await": "CloseStream"}, times=2)
    sim.scripts.add({"await": "CloseStream"}, times=None)
    async with leg(sim) as caller:
        caller.say(spoken("where is my order", before_ms=100))
        await caller.until(lambda: bool(caller.turns))
        assert caller.turns == ["where is my order"]
        assert len(sim.records) <= 4
