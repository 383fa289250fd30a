"""Records of made-up calls, as the orchestrator writes them."""

from __future__ import annotations

from parley.bus import Bus
from parley.v1 import events_pb2

STARTED = 1_764_000_000_000


def step(at_ms: int = STARTED, **event: object) -> events_pb2.StepInput:
    """`step(typed=events_pb2.StepTyped(text="hi"))`"""
    return events_pb2.StepInput(at_ms=at_ms, **event)  # type: ignore[arg-type]


def opened(call_id: str, caller: str = "+15550100001") -> events_pb2.StepInput:
    return step(opened=events_pb2.StepOpened(call_id=call_id, agent="frontdesk", caller_pii=caller, called="+15550100"))


def turn(text: str, at_ms: int = STARTED) -> events_pb2.StepInput:
    return step(at_ms, turn_ended=events_pb2.StepTurnEnded(kind="confirmed", text=text))


def tool(name: str, status: str, then: str = "", message: str = "") -> events_pb2.StepInput:
    outcome = events_pb2.StateOutcome(status=status, message=message)
    if then:
        outcome.then.kind, outcome.then.to = then, "+15550111"
    return step(tool_ended=events_pb2.StepToolEnded(intent=1, name=name, outcome=outcome))


def record(call_id: str, n: int, *inputs: events_pb2.StepInput, ended: bool = False) -> events_pb2.EventRecord:
    made = events_pb2.EventRecord(call_id=call_id, n=n, ended=ended, inputs=inputs)
    made.epoch.leg = made.epoch.open = 1
    return made


async def stored(bus: Bus, *records: events_pb2.EventRecord) -> None:
    for each in records:
        message_id = f"{each.call_id}/{each.epoch.leg}.{each.epoch.open}/{each.n}"
        bus.record(each.call_id, message_id, each.SerializeToString())
    assert await bus.flushed(30)
