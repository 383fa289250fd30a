"""A recorded call, folded through `step` again: does it come to the same decisions, and to which with another policy?

Every record carries the digest of the state after its inputs. The first one that is not met is where this version (or
a fault that is no function of the inputs) decided otherwise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from parley.errors import BadInput
from parley.v1 import events_pb2
from services.orchestrator.mind import effects, events
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.state import Call
from services.orchestrator.mind.turn import step
from services.orchestrator.wire import codec


@dataclass(frozen=True)
class Replayed:
    """`differs`: the first record with another outcome, None when there is none; `why` says what was other.

    `compared`: records that had a digest to compare with. `inputs`: how many were folded.
    """

    records: int
    compared: int
    inputs: int
    ended: bool
    differs: events_pb2.EventRecord | None = None
    why: str = ""


@dataclass(frozen=True)
class Otherwise:
    """One input that another policy answers with other effects."""

    record: events_pb2.EventRecord
    event: events.Event
    since_ms: int  # of the call
    recorded: tuple[effects.Effect, ...]
    other: tuple[effects.Effect, ...]


def valid(records: Iterable[events_pb2.EventRecord]) -> list[events_pb2.EventRecord]:
    """The records that count, in order: each once, and of an older owner only up to where the next one took over.

    An owner that could not read the past begins `anew`, at n = 1: all that older owners told stands before that.
    Raises BadInput: there are none, or some are missing (it names them).
    """
    once = {(r.epoch.leg, r.epoch.open, r.n): r for r in records}
    past: list[events_pb2.EventRecord] = []
    found: list[events_pb2.EventRecord] = []
    owner = (0, 0)
    for key in sorted(once):
        record = once[key]
        if key[:2] != owner:
            owner = key[:2]
            if record.anew:
                past, found = past + found, []
            found = [r for r in found if r.n <= _taken_over_at(record)]
        if record.n != len(found) + 1:
            upto = f" to {record.n - 1}" if record.n - 1 > len(found) + 1 else ""
            raise BadInput(f"record {len(found) + 1}{upto} is missing before {name_of(record)}")
        found.append(record)
    if not found:
        raise BadInput("there are no records")
    return past + found


def _taken_over_at(first: events_pb2.EventRecord) -> int:
    """n of the last record before this owner that counts."""
    for message in first.inputs:
        if message.WhichOneof("event") == "taken_over":
            return int(message.taken_over.after_n)
    return first.n - 1


def name_of(record: events_pb2.EventRecord) -> str:
    return f"{record.epoch.leg}.{record.epoch.open}/{record.n}"


def replayed(records: Sequence[events_pb2.EventRecord]) -> Replayed:
    """Fold the records of `valid`, up to the first that differs."""
    folding = folded(records)
    while True:
        try:
            next(folding)
        except StopIteration as e:
            found: Replayed = e.value
            return found


def folded(records: Sequence[events_pb2.EventRecord]) -> Generator[None, None, Replayed]:
    """The same, an input at a time, for who has others to serve in between."""
    call: Call | None = None
    compared = inputs = 0
    for place, record in enumerate(records, 1):
        for message in record.inputs:
            try:
                call, _ = step(call, codec.event_from_proto(message))
            except Exception as e:
                why = f"{_kind(message)} cannot be taken: {type(e).__name__}"
                return Replayed(place, compared, inputs, False, record, why)
            inputs += 1
            yield
        if record.digest and call is not None:
            compared += 1
            if codec.digest(codec.state_to_proto(call)) != record.digest:
                return Replayed(place, compared, inputs, record.ended, record, "another state")
    return Replayed(len(records), compared, inputs, records[-1].ended)


def compared(records: Sequence[events_pb2.EventRecord], policy: Policy) -> Iterator[Otherwise]:
    """The inputs to which `policy` answers with other effects, in order.

    After the first one it is another call: what its caller, model and tools would then have said is unknown.
    """
    call: Call | None = None
    other: Call | None = None
    for record in records:
        for message in record.inputs:
            event = codec.event_from_proto(message)
            call, recorded = step(call, event)
            other, decided = step(other, with_policy(event, policy))
            if recorded != decided:
                yield Otherwise(record, event, event.at_ms - call.started_ms, tuple(recorded), tuple(decided))


def with_policy(event: events.Event, policy: Policy) -> events.Event:
    """The same input, as if the agent had this policy."""
    if getattr(event, "policy", None) is None:
        return event
    return dataclasses.replace(event, policy=policy)  # type: ignore[call-arg]


def _kind(message: events_pb2.StepInput) -> str:
    return message.WhichOneof("event") or "an input of a newer version"
