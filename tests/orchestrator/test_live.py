"""Whoever looks at calls is told of them as they go on; while nobody does, nothing is said. And a replay by request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nats
import pytest

from parley.agents.agent import Agent
from parley.bus import records_of
from parley.errors import AtCapacity, BadInput
from parley.rpc import call
from parley.v1 import conversation_pb2, conversation_pb2_grpc, events_pb2
from services.orchestrator.mind.state import Answering, Call, CallerLine, Ended
from services.orchestrator.servicer import Conversation
from services.orchestrator.watch import live, telling
from testbed.organs import Gateway, House, house
from testbed.patience import PATIENCE_S

Told = events_pb2.CallLive


class Looker:
    """Who looks at calls: says leases, hears what is told."""

    def __init__(self, client: Any, heard: Any) -> None:
        self.client, self._heard = client, heard

    async def looks(self, **lease: Any) -> None:
        await self.client.publish("call.watch", events_pb2.CallWatch(**lease).SerializeToString())
        await self.client.flush()

    async def told(self) -> Told:
        return Told.FromString((await self._heard.next_msg(timeout=PATIENCE_S)).data)

    async def until(self, holds: Any) -> Told:
        while not holds(told := await self.told()):
            pass
        return told


@asynccontextmanager
async def looker(h: House) -> AsyncIterator[Looker]:
    client = await nats.connect(h.nats.url)
    try:
        yield Looker(client, await client.subscribe("call.*.live"))
    finally:
        await client.close()


async def begun(h: House) -> Gateway:
    g = await h.gateway()
    await g.opens(caller="+15550100199", called="+15550100100")
    await g.hears((await g.said())[0])
    return g


async def test_nothing_is_told_until_somebody_looks_and_then_how_each_call_stands(tmp_path: Path) -> None:
    async with house(tmp_path) as h, looker(h) as looks:
        g = await begun(h)
        assert not h.calls._means.live.watched
        await looks.looks(all=True)
        told = await looks.told()
        assert (told.call_id, told.state, told.agent, told.channel) == ("CA1", "listening", "bikes", "phone")
        assert (told.caller_pii, told.called, told.direction) == ("+15550100199", "+15550100100", "inbound")
        assert not told.HasField("detail")
        waits = asyncio.Event()
        h.model.reply = lambda request: [waits, "It is red."]
        await g.types("what color is it")
        assert (await looks.until(lambda t: t.state == "thinking")).turn == 2
        waits.set()
        utterance, _ = await g.said()
        await g.tell(utterance_started={"utterance": utterance})
        await looks.until(lambda t: t.state == "speaking")
        await g.tell(seq=True, leg={"kind": conversation_pb2.Leg.KIND_ENDED, "reason": "caller hung up"})
        assert (await looks.until(lambda t: t.state == "ended")).end_reason == "caller hung up"


async def test_one_call_is_told_line_by_line_as_it_is_spoken(tmp_path: Path) -> None:
    async with house(tmp_path) as h, looker(h) as looks:
        g = await begun(h)
        await looks.looks(call_ids=["CA1"])
        first = await looks.told()
        assert first.detail.whole
        assert [line.line.bot_line.text for line in first.detail.lines] == ["Bellweather Bikes, how can I help?"]
        await g.tell(speech={"speech_started": {"offset_ms": 100}})
        await g.tell(speech={"interim": {"text": "what color"}})
        told = await looks.until(lambda t: t.detail.hearing_pii)
        assert told.detail.hearing_pii == "what color"
        await g.tell(speech={"speech_stopped": {"offset_ms": 900}})
        await g.turn_ends("what color is it")
        utterance, _ = await g.said()
        lines: dict[int, events_pb2.StateLine] = {}
        moments: list[str] = []
        await g.hears(utterance)
        while "heard" not in moments:
            told = await looks.told()
            lines |= {each.n: each.line for each in told.detail.lines}
            moments += [each.what for each in told.detail.moments]
        assert lines[2].caller_line.text == "what color is it"
        assert lines[3].bot_line.text == "You said what color is it."
        assert lines[3].bot_line.status == "heard"
        assert {"speech_stopped", "turn_ended", "utterance_started"} <= set(moments)
        assert not told.detail.hearing_pii


async def test_a_lease_that_is_not_said_again_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LEASE_S", 0.05)
    async with house(tmp_path) as h, looker(h) as looks:
        g = await begun(h)
        await looks.looks(all=True, call_ids=["CA1"])
        await looks.told()
        async with asyncio.timeout(PATIENCE_S):
            while h.calls._means.live.watched:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not h.calls._means.live._calls
        await g.types("hello")
        await g.said()


class Slow:
    """NATS that takes nothing."""

    def __init__(self) -> None:
        self.said: list[Told] = []
        self.goes_on = asyncio.Event()

    async def publish(self, subject: str, data: bytes) -> None:
        self.said.append(Told.FromString(data))
        await self.goes_on.wait()


async def test_what_nats_does_not_take_is_counted_and_told_whole_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_UNDER_WAY", 1)
    slow = Slow()
    told = live.Live(slow.publish)
    agent = Agent(company="A", greeting="Hello.", prompt="You answer.")
    calls = [(Call(name), agent) for name in ("CA1", "CA2")]
    before = live.UNTOLD._value.get()
    told.watch(events_pb2.CallWatch(all=True), calls)
    async with asyncio.timeout(PATIENCE_S):
        while live.UNTOLD._value.get() == before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(slow.said) == 1
    slow.goes_on.set()
    monkeypatch.undo()
    told.watch(events_pb2.CallWatch(all=True, anew=True), calls)
    async with asyncio.timeout(PATIENCE_S):
        while {each.call_id for each in slow.said} != {"CA1", "CA2"}:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await told.aclose()


def test_a_leases_list_of_calls_is_bounded() -> None:
    async def run() -> None:
        told = live.Live(Slow().publish)
        told.watch(events_pb2.CallWatch(call_ids=[f"A{n}" for n in range(live.MAX_LEASES)]), [])
        told.watch(events_pb2.CallWatch(call_ids=["B1", "B2"]), [])
        assert len(told._until) == live.MAX_LEASES
        assert {"B1", "B2"} <= set(told._until)
        await told.aclose()

    asyncio.run(run())


A, B, C = (CallerLine(text) for text in "abc")


@pytest.mark.parametrize(
    ("before", "dropped", "now", "dropped_now", "told", "whole"),
    [
        ((A,), 0, (A, B), 0, [2], False),
        ((A, B), 0, (A, C), 0, [2], False),
        ((A, B), 0, (B, C), 1, [3], False),
        ((A, B), 0, (A, B), 0, [], False),
        ((A, B), 0, (A,), 0, [1], True),
    ],
)
def test_only_lines_that_are_not_as_they_were_are_told(
    before: tuple[CallerLine, ...],
    dropped: int,
    now: tuple[CallerLine, ...],
    dropped_now: int,
    told: list[int],
    whole: bool,
) -> None:
    call = Call("CA1", history=now, dropped_lines=dropped_now)
    lines, forgets = telling.changed_lines(call, before, dropped)
    assert ([line.n for line in lines], forgets) == (told, whole)


@pytest.mark.parametrize(
    ("call", "state"),
    [
        (Call("CA1"), "listening"),
        (Call("CA1", floor=Answering()), "thinking"),
        (Call("CA1", floor=Answering(), sounding=2), "speaking"),
        (Call("CA1", floor=Answering(), sounding=2, paused=True), "listening"),
        (Call("CA1", floor=Ended("bye"), sounding=2), "ended"),
    ],
)
def test_how_a_call_stands(call: Call, state: str) -> None:
    assert telling.state_of(call) == state


async def recorded(h: House) -> list[bytes]:
    g = await begun(h)
    await g.types("hello there")
    await g.hears((await g.said())[0])
    await g.tell(seq=True, leg={"kind": conversation_pb2.Leg.KIND_ENDED, "reason": "caller hung up"})
    async with asyncio.timeout(PATIENCE_S):
        while await g.stream.read() is not None:
            pass
    assert await h.calls._means.bus.flushed(5)
    return await records_of(h.calls._means.bus, "CA1")


async def test_a_recorded_call_is_replayed_for_who_asks(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        found = await recorded(h)
        stub = conversation_pb2_grpc.ConversationStub

        async def asked(records: list[bytes]) -> conversation_pb2.ReplayResponse:
            request = conversation_pb2.ReplayRequest(records=records)
            answer: conversation_pb2.ReplayResponse = await call(h.peers, stub, "Replay", request, timeout_s=PATIENCE_S)
            return answer

        same = await asked(found)
        assert (same.differs, same.ended, same.compared) == ("", True, len(found))
        other = events_pb2.EventRecord.FromString(found[1])
        other.digest = "0" * 16
        told = await asked([found[0], other.SerializeToString(), *found[2:]])
        assert (told.differs, told.why, told.records) == ("1.1/2", "another state", 2)
        for wrong, why in (
            ([], "there are no records"),
            ([found[1]], "record 1 is missing"),
            ([b"\xff"], "not EventRec"),
        ):
            with pytest.raises(BadInput, match=why):
                await asked(wrong)


async def test_one_replay_at_a_time_and_calls_come_first(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        found = await recorded(h)
        servicer = Conversation(h.calls, h.server.admission)
        request = conversation_pb2.ReplayRequest(records=found)
        first = asyncio.ensure_future(servicer.Replay(request, None))
        await asyncio.sleep(0)
        with pytest.raises(AtCapacity, match="another call"):
            await servicer.Replay(request, None)
        assert not first.done()
        assert (await first).records == len(found)
