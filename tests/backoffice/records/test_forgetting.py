"""A caller is forgotten in every store, and others are not; what stays is named."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from parley.bus import Bus, records_of
from parley.bus.streams.dead_letters import DeadLetters, Letter, make_dead_letter_streams
from parley.errors import BadInput, NotFound, Unavailable
from parley.settings import Settings
from parley.v1 import tools_pb2
from services.backoffice.database import Database
from services.backoffice.records import tables
from services.backoffice.records.forgetting import forget
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit import Audit
from testbed.patience import PATIENCE_S
from testbed.recorded_calls import RecordedCall
from tests.backoffice.records.desk import Desk
from tests.backoffice.records.test_following import events, publish


def a_call(call_id: str, caller: str) -> RecordedCall:
    call = RecordedCall(call_id, caller=caller).opens().says("Hello.").caller("where is my green courier")
    return call.answers("On its way.", tool="order_status").ends()


class Tools:
    """The tools service, as it answers. Of `running` an action still goes on."""

    def __init__(self, *running: str) -> None:
        self.asked: list[list[str]] = []
        self.away = False
        self._running = running

    async def __call__(self, call_ids: Sequence[str]) -> tools_pb2.CallsForgotten:
        if self.away:
            raise Unavailable("nobody answers at tools.forget")
        self.asked.append(list(call_ids))
        done = [call_id for call_id in call_ids if call_id not in self._running]
        return tools_pb2.CallsForgotten(
            stores=[tools_pb2.ForgottenStore(name="card numbers", count=len(done), unit="numbers")],
            kept=[tools_pb2.KeptOfCalls(count=len(done), what="actions"), tools_pb2.KeptOfCalls(what="nothing")],
            running=[call_id for call_id in call_ids if call_id in self._running],
        )


async def test_what_is_kept_of_a_caller_goes_and_of_others_stays(
    tmp_path: Path, database: Database, sealer: Sealer
) -> None:
    desk = await Desk(database, sealer).started()
    mine, others, unread = (
        a_call("CA1", "+1 555 010 9999"),
        a_call("CA2", "+15550100001"),
        a_call("CA3", "+15550109999"),
    )
    audit, tools = Audit(database, sealer), Tools("CA4")
    busy = a_call("CA4", "+15550109999")
    up = RecordedCall("CA5", caller="+15550109999", at_ms=int(time.time() * 1000)).opens().says("Hello.")
    await desk.keep([*mine.records, *others.records, *busy.records])
    async with (
        events(tmp_path / "nats") as server,
        Bus(Settings.read(nats_url=server.url), "test") as bus,
    ):
        assert await bus.ready(PATIENCE_S)
        await publish(server.url, [*mine.records, *others.records, *unread.records, *busy.records, *up.records])
        await make_dead_letter_streams(bus, 1)
        for call_id in ("CA1", "CA2"):
            await DeadLetters(bus).put(Letter("crm", f"{call_id}/1.1/1", call_id, (), "x", 5, 0, b""), call_id)
        tools.away = True
        with pytest.raises(Unavailable, match=r"tools\.forget"):
            await forget("0015550109999", database, sealer, bus, audit.forget, tools)
        tools.away = False
        found = await forget("0015550109999", database, sealer, bus, audit.forget, tools)
        assert tools.asked == [["CA1", "CA4", "CA3"]]
        counts = {store.name: store.count for store in found.stores}
        assert counts["event records in NATS"] == len(mine.records) + len(unread.records)
        assert counts["event records of backoffice"] == len(mine.records)
        assert (counts["transcripts"], counts["index of words"], counts["numbers of callers"]) == (3, 1, 1)
        assert counts["dead letters of watchers"] == 1
        assert [letter.call_id for letter in await DeadLetters(bus).page()] == ["CA2"]
        assert (counts["tools: card numbers"], found.kept[-1]) == (2, "2 actions")
        assert found.live == ("CA4", "CA5"), "an action goes on; it is up, and backoffice has not heard of it"
        assert len(await records_of(bus, "CA4")) == len(busy.records)
        assert len(await records_of(bus, "CA5")) == len(up.records)
        assert any("audit log" in line for line in found.kept)
        assert await records_of(bus, "CA1") == await records_of(bus, "CA3") == []
        assert len(await records_of(bus, "CA2")) == len(others.records)
        again = await forget("+15550109999", database, sealer, bus, audit.forget, Tools("CA4"))
        assert not any(store.count for store in again.stores)
        with pytest.raises(BadInput, match="number: '' is no number"):
            await forget("", database, sealer, bus, audit.forget, tools)
    left = await desk.search.call("CA1", pii=True)
    assert (left["caller"], left["lines"], left["turns"][0]["sound"] > 0) == ("", [], True)
    assert [(tool["name"], tool["arguments"], tool["result"]) for tool in left["tools"]] == [("order_status", "", "")]
    with pytest.raises(NotFound):
        await desk.search.events("CA1")
    assert (await desk.search.call("CA2", pii=True))["caller"] == "+15550100001"
    assert len(await desk.rows(tables.texts)) == 2
