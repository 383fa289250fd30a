"""An owner that dies between giving its state to the gateway and NATS storing the record leaves no hole."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from nats.js import JetStreamContext

from parley.bus import Bus
from parley.bus.streams.outbox import Record
from parley.errors import Unavailable
from parley.settings import Settings
from parley.v1 import events_pb2
from services.orchestrator.own.pending_records import MAX_BYTES, MAX_RECORDS, PendingRecords
from services.orchestrator.own.sweeper import Sweeper
from services.orchestrator.wire import replay
from testbed.organs import Gateway, House, house, replica
from testbed.patience import PATIENCE_S
from tests.orchestrator.test_replay import records
from tests.orchestrator.test_sweeper import abandoned


class Ending:
    """The last moment of an orchestrator: its state reaches the gateway, its records reach nobody any more."""

    def __init__(self, h: House) -> None:
        self.bus = h.calls._means.bus
        self.bus._outbox._jetstream = self._none

    def _none(self) -> JetStreamContext:
        raise Unavailable("dying")

    async def dies(self, g: Gateway, h: House) -> None:
        """As by SIGKILL: what waits in its memory is gone."""
        (owner,) = h.calls._conductors.values()
        owner.halt()
        g.stream.cancel()
        self.bus._outbox._records.clear()
        self.bus._outbox._empty.set()


async def asked(g: Gateway, text: str) -> bytes:
    """The caller asks, hears the answer; the state after it, which names the line as heard."""
    await g.types(text)
    utterance, _ = await g.said()
    await g.hears(utterance)
    while True:
        stored = events_pb2.StoredCall.FromString((state := await g.until("state")).data)
        last = stored.state.history[-1].bot_line
        if last.utterance == utterance and last.status == "heard":
            return bytes(state.data)


async def test_records_that_nats_never_got_are_stored_by_the_next_owner(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        h = first = await stack.enter_async_context(house(tmp_path))
        g = await first.gateway()
        await g.opens()
        await g.hears((await g.said())[0])
        await asked(g, "hello there")
        assert await first.calls._means.bus.flushed(5)
        for opened, text in ((2, "and now"), (3, "and then"), (4, "and at last")):
            ending = Ending(h)
            state = await asked(g, text)
            assert events_pb2.StoredCall.FromString(state).unstored
            await ending.dies(g, h)
            h = await stack.enter_async_context(replica(first))
            seq, g = g.seq, await h.gateway(1, opened)
            await g.opens(
                state=state, acked_seq=seq, last_seq=seq, mouth={"turn": 9 * opened, "last_utterance": 9 * opened}
            )
            g.seq = seq
        await asked(g, "thank you")
        await g.tell(seq=True, leg={"kind": "KIND_ENDED", "reason": "caller hung up"})
        async with asyncio.timeout(PATIENCE_S):
            while await g.stream.read() is not None:
                pass
        found = await records(h)
    result = replay.replayed(replay.valid(found))
    assert (result.differs, result.ended) == (None, True)
    assert {record.epoch.open for record in found} == {1, 2, 3, 4}


async def test_an_orphans_records_that_nats_never_got_are_stored_by_who_ends_it(tmp_path: Path) -> None:
    async with house(tmp_path) as h, replica(h) as other:
        ending = Ending(h)
        await abandoned(h)
        ending.bus._outbox._records.clear()
        ending.bus._outbox._empty.set()
        assert await other.calls._means.bus.ready(PATIENCE_S)
        await Sweeper(other.calls._means, other.calls, orphan_s=0).sweep()
        result = replay.replayed(replay.valid(await records(other)))
        assert (result.differs, result.ended) == (None, True)


class Paper(Bus):
    """Where records are laid down; nothing is stored before `stores`."""

    def __init__(self) -> None:
        super().__init__(Settings.read(), "test")
        self.laid: list[Record] = []

    def record(self, call_id: str, message_id: str, data: bytes, on_done: object = None) -> None:
        self.laid.append(Record(call_id, data, message_id, on_done))  # type: ignore[arg-type]


def record(n: int, size: int = 0) -> events_pb2.EventRecord:
    made = events_pb2.EventRecord(call_id="CA1", n=n, digest="x" * size)
    made.epoch.leg = made.epoch.open = 1
    return made


async def test_what_is_carried_has_a_bound_and_what_was_stored_is_carried_no_longer() -> None:
    paper = Paper()
    unstored = PendingRecords(paper)
    for n in range(1, 2 * MAX_RECORDS):
        unstored.publish(record(n))
    carried = [events_pb2.EventRecord.FromString(data).n for data in unstored.carried()]
    assert carried == list(range(MAX_RECORDS, 2 * MAX_RECORDS))
    for laid in paper.laid:
        assert laid.on_done is not None
        laid.on_done(laid.message_id)
    assert not list(unstored.carried())
    for n in range(100, 104):
        unstored.publish(record(n, MAX_BYTES // 3))
    assert [events_pb2.EventRecord.FromString(data).n for data in unstored.carried()] == [102, 103]
    unstored.publish(record(104, MAX_BYTES + 1))
    assert not list(unstored.carried())


async def test_the_same_record_carried_twice_counts_once_and_what_cannot_be_read_is_left_out() -> None:
    unstored = PendingRecords(Paper())
    data = record(1, 1000).SerializeToString()
    for _ in range(2):
        unstored.publish_again("CA1", [data, b"\xff\xff", record(2).SerializeToString()])
    assert list(unstored.carried()) == [data, record(2).SerializeToString()]
    unstored.publish_again("CA2", [data])
    assert len(list(unstored.carried())) == 2
