"""Signals on their way: to an owner that dies with them, to one that comes later, too late, too large."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from parley.v1 import events_pb2
from services.orchestrator.own import signals
from services.orchestrator.own.signals import Signals
from services.orchestrator.run.clock import now_ms
from services.orchestrator.run.metrics import SIGNALS
from services.orchestrator.wire import replay
from testbed.organs import AGENT, House, house, replica
from testbed.patience import PATIENCE_S
from tests.orchestrator.test_owners import started
from tests.orchestrator.test_replay import records

OFFERS = f"{AGENT}transfer_to: '+15550100'\nescalation: {{do: offer}}\n"


def sent(name: str, data: str = "", number: str = "s1", at_ms: int = 0, call_id: str = "CA1") -> events_pb2.CallSignal:
    return events_pb2.CallSignal(call_id=call_id, name=name, data=data, id=number, at_ms=at_ms or now_ms())


async def publish(h: House, signal: events_pb2.CallSignal) -> None:
    await h.calls._means.bus.publish(f"call.{signal.call_id}.signal", signal.SerializeToString())


async def held_by(h: House, count: int) -> None:
    """Until this replica has so many."""
    async with asyncio.timeout(PATIENCE_S):
        while len(h.calls._signals._held) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_signal_whose_owner_dies_with_it_is_heeded_by_the_next_and_once(tmp_path: Path) -> None:
    async with house(tmp_path, OFFERS) as h, replica(h) as other:
        g, state = await started(h)
        (owner,) = h.calls._conductors.values()
        owner.halt()  # it heeds and stores nothing any more
        await publish(h, sent("note", "offer ten percent"))
        await publish(h, sent("note", "offer ten percent"))
        await publish(h, sent("hang_up", "the caller is abusive", "s2", call_id="CA2"))
        await held_by(other, 3)
        g2 = await other.gateway(1, 2)
        await g2.opens(state=state)
        g2.seq = g.seq
        await g2.types("that is too expensive")
        assert (await g2.said())[1].startswith("You said")
        asked = other.model.requests[-1]
        assert asked.system.count("offer ten percent") == 1
        assert all("ten percent" not in message.text for message in asked.messages)
        result = replay.replayed(replay.valid(await records(other)))
        assert (result.differs, result.compared) == (None, result.records)


async def test_an_offer_is_made_and_taken_through_a_real_orchestrator(tmp_path: Path) -> None:
    async with house(tmp_path, OFFERS) as h:
        g, _ = await started(h)
        await publish(h, sent("escalate", "three angry turns"))
        utterance, asked = await g.said()
        assert asked == "Would you like me to connect you to a colleague?"
        await g.hears(utterance)
        await g.types("yes please")
        utterance, told = await g.said()
        assert told == "I will connect you to a colleague."
        await g.hears(utterance)
        transfer = await g.until("transfer")
        assert (transfer.to, transfer.reason) == ("+15550100", "escalated: three angry turns")


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"name": "hang_up", "at_ms": 1}, "late"),
        ({"name": "note", "data": "x" * 2_001}, "refused"),
        ({"name": "note", "data": "x", "number": "n" * 65}, "refused"),
    ],
)
def test_what_is_too_late_or_too_large_is_counted_and_not_taken(fields: dict[str, Any], outcome: str) -> None:
    message = sent(**fields)
    before = SIGNALS.labels(message.name, outcome)._value.get()
    assert Signals().came(message, now_ms()) is None
    assert SIGNALS.labels(message.name, outcome)._value.get() == before + 1


def test_so_many_are_held_and_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "MAX_HELD", 3)
    held = Signals()
    for n in range(5):
        held.came(sent("note", str(n), f"s{n}", 1_000, "CA1" if n % 2 else "CA2"), 1_000 + n)
    assert [(event.data, event.at_ms) for event in held.of("CA1", 9_000)] == [("3", 9_000)]
    assert [event.data for event in held.of("CA2", 9_000)] == ["2", "4"]
    assert held.of("CA1", 1_000 + signals.LATE_MS + 5) == []


def test_a_signal_without_an_id_is_known_by_its_name_and_time() -> None:
    """Of an older sender."""
    held = Signals()
    event = held.came(sent("hang_up", number="", at_ms=1_000), 1_010)
    assert event is not None
    assert event.id == "hang_up@1000"
    plain = held.came(events_pb2.CallSignal(call_id="CA1", name="hang_up"), 1_010)
    assert plain is not None
    assert plain.id == ""
    assert len(held.of("CA1", 1_020)) == 1, "one that nobody could tell from another is not held"
