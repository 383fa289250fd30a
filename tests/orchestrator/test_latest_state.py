"""Callers who come back while what was stored of their call is behind, damaged, or read by nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from parley.agents.speaking import Sentences
from parley.bus.callstate import CallStore
from parley.errors import Unavailable
from parley.v1 import events_pb2, llm_pb2, tools_pb2
from services.gateway.stored import ended_by_state
from services.orchestrator.own import latest_state
from services.orchestrator.own.sweeper import Sweeper
from services.orchestrator.run.conductor import Conductor
from services.orchestrator.run.metrics import PASTS_LOST
from services.orchestrator.wire import replay
from testbed.organs import Gateway, House, house, replica
from testbed.patience import PATIENCE_S
from tests.orchestrator.test_owners import started
from tests.orchestrator.test_replay import records
from tests.orchestrator.test_sweeper import abandoned

OWN = Sentences()


def owner_of(h: House) -> Conductor:
    (owner,) = h.calls._conductors.values()
    return owner


async def eventually(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def half_said(h: House) -> tuple[Gateway, str]:
    """A call whose bot has said "You said" of its answer; no state tells of that. Gives the whole answer."""
    g, _ = await started(h)
    await g.types("and now")
    utterance, text = await g.said()
    await g.tell(utterance_started={"utterance": utterance})
    await g.tell(progress={"utterance": utterance, "chars": 9})
    await eventually(lambda: any(stretch.told for stretch in owner_of(h)._current().voice))
    return g, text


async def left_alone(h: House) -> None:
    """A call without owner and gateway; everything written of it is stored."""
    await abandoned(h)
    assert await h.calls._means.bus.flushed(5)


async def damage(h: House) -> None:
    """What is stored of the call is no state any more."""
    kv = await h.calls._means.store.kv()
    await kv.put("CA1", b"\xff\xff garbage")


async def test_an_owner_elsewhere_that_does_not_know_that_its_leg_is_lost_is_asked_what_was_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest_state, "LAST_WORD_S", 5.0)
    async with house(tmp_path) as h, replica(h) as other:
        _, text = await half_said(h)
        g = await other.gateway(2, 1)
        await g.opens()  # at another replica, while the first leg's stream is open still
        assert [(await g.said())[1] for _ in range(2)] == [OWN.cut_off, text]
        await g.types("hello there")
        await g.said()
        assert "You said" in [m.text for m in h.model.requests[-1].messages]
        result = replay.replayed(replay.valid(await records(other)))
        assert (result.differs, result.compared) == (None, result.records)


async def test_an_owner_that_does_not_answer_is_waited_for_a_moment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest_state, "LAST_WORD_S", 0.1)
    async with house(tmp_path) as h, replica(h) as other:
        g, text = await half_said(h)
        await eventually(lambda: owner_of(h).paper.acked == g.seq)
        owner_of(h).halt()  # frozen, or gone with its gateway
        g = await other.gateway(2, 1)
        async with asyncio.timeout(PATIENCE_S):
            await g.opens()
            assert (await g.said())[1] == text


async def test_an_owner_is_not_told_of_a_leg_by_a_signal_that_is_old_or_wrong(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await half_said(h)
        owner = owner_of(h)
        for leg in ("1", "", "two", "-5"):
            h.calls.signal(events_pb2.CallSignal(call_id="CA1", name=latest_state.BACK, data=leg))
        assert not owner._current().leg_lost
        h.calls.signal(events_pb2.CallSignal(call_id="CA9", name=latest_state.BACK, data="2"))
        h.calls.signal(events_pb2.CallSignal(call_id="CA1", name=latest_state.BACK, data="2"))
        assert owner._current().leg_lost
        version = owner.paper.version
        h.calls.signal(events_pb2.CallSignal(call_id="CA1", name=latest_state.BACK, data="3"))
        assert owner.paper.version == version, "it has said all it knows"


async def test_a_call_whose_state_is_damaged_begins_anew_and_both_parts_replay(tmp_path: Path) -> None:
    async with house(tmp_path) as h, replica(h) as other:
        await left_alone(h)
        store, lost = other.calls._means.store, PASTS_LOST._value.get()
        await damage(h)
        assert not await ended_by_state(store)("CA1"), "the webhook lets the call back in"
        h.actions.rows = [tools_pb2.LedgerRow(intent=1, name="book_visit", arguments_json="{}")]
        h.actions.rows[0].outcome.status = tools_pb2.ToolOutcome.STATUS_OK
        h.model.reply = lambda request: (
            [llm_pb2.ToolCall(id="c1", name="book_visit", arguments_json="{}")]
            if request.tool_choice != llm_pb2.TOOL_CHOICE_NONE and request.messages[-1].text == "book it"
            else ["Yes."]
        )
        g = await other.gateway(2, 1)
        await g.opens()
        utterance, said = await g.said()
        assert said == f"{OWN.cut_off} {OWN.not_heard}"
        await g.hears(utterance)
        await eventually(lambda: not owner_of(other)._current().unsettled)
        await g.types("book it")
        await eventually(lambda: h.actions.executed)
        assert [action.intent for action in h.actions.executed] == [2], "the ledger knew of the first"
        await g.tell(seq=True, leg={"kind": "KIND_ENDED", "reason": "caller hung up"})
        await eventually(lambda: not other.calls.has("CA1"))
        async with asyncio.timeout(PATIENCE_S):
            while not await ended_by_state(store)("CA1"):  # noqa: ASYNC110 — it is written behind the call's end
                await asyncio.sleep(0.01)
        found = await store.read("CA1")
        assert found is not None
        assert found[0].epoch.leg == 2
        whole = replay.valid(await records(other))
        result = replay.replayed(whole)
        assert (result.differs, result.ended, result.compared) == (None, True, len(whole))
        assert [replay.name_of(r) for r in whole if r.n == 1] == ["1.1/1", "2.1/1"]
        assert [r.anew for r in whole] == [(r.epoch.leg, r.n) == (2, 1) for r in whole]
        assert PASTS_LOST._value.get() == lost + 1


async def test_a_call_that_nobody_can_read_begins_anew_and_what_is_stored_of_it_stays_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(store: CallStore, call_id: str) -> None:
        raise Unavailable("electing")

    monkeypatch.setattr(latest_state, "READ_S", 0.05)
    async with house(tmp_path) as h, replica(h) as other:
        await left_alone(h)
        with monkeypatch.context() as patch:
            patch.setattr(CallStore, "find", away)
            g = await other.gateway(2, 1)
            await g.opens()
            await g.hears((await g.said())[0])
        state = await g.state(lambda stored: stored.records > 1)
        last = await other.gateway(2, 2)  # an owner after that goes on with its numbers
        await last.opens(state=state, mouth={"turn": 9, "last_utterance": 9})
        last.seq = g.seq
        await last.types("hello there")
        await last.said()
        whole = replay.valid(await records(other))
        assert replay.replayed(whole).differs is None
        begun = [r.anew for r in whole].index(True)
        assert {(r.epoch.leg, r.epoch.open) for r in whole[begun:]} == {(2, 1), (2, 2)}
        assert [r.n for r in whole] == [*range(1, begun + 1), *range(1, len(whole) - begun + 1)]


async def test_a_damaged_state_is_cleared_away_when_it_is_old_and_keeps_no_other_orphan_waiting(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, call_linger_s=0) as h, replica(h) as other:
        await abandoned(h)
        store = other.calls._means.store
        await (await store.kv()).put("CA0", b"\xff\xff garbage")
        await Sweeper(other.calls._means, other.calls, orphan_s=60).sweep()
        assert "CA0" in await store.calls()
        await Sweeper(other.calls._means, other.calls, orphan_s=0).sweep()
        assert await store.calls() == ["CA1"]
        found = await store.read("CA1")
        assert found is not None
        assert found[0].swept
