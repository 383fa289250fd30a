"""Event records of a call, folded into what happened in it. Pure: no clock, no I/O.

    call = Call("CA1")
    for record in counted(records):     # each once, in order, without those that a newer owner has made void
        apply(call, record)

Inputs tell what came in, decisions what was made of it; records of older versions have no decisions, and what
those would tell is taken from the inputs as well as may be.
"""

from __future__ import annotations

from collections.abc import Iterable

from parley.v1 import events_pb2
from services.backoffice.records.call import Call
from services.backoffice.records.decisions import decided
from services.backoffice.records.inputs import INPUTS, ears_until, engines

Key = tuple[int, int, int, bool]
"""leg, open, n, swept: what makes a record of a call the only one of its kind; in this order they count."""
MOMENTS = (
    "taken_over", "new_leg", "anew", "leg_lost", "leg_ended", "swept", "dropped",
    "paused", "resumed", "interrupted", "not_interrupted",
    "round_failed", "fallback", "organ_failed", "guarded", "silence",
    "handed_over", "transfer", "came_back", "hang_up", "signal",
)  # fmt: skip
"""Kinds of them."""


def key_of(record: events_pb2.EventRecord) -> Key:
    return record.epoch.leg, record.epoch.open, record.n, record.swept


def taken_over_at(record: events_pb2.EventRecord) -> int | None:
    """n of the last record that counts of older owners, if this is the first of a new one."""
    for each in record.inputs:
        if each.WhichOneof("event") == "taken_over":
            return int(each.taken_over.after_n)
    return None


def counted(records: Iterable[events_pb2.EventRecord]) -> list[events_pb2.EventRecord]:
    """Those that count, in order. An owner that could not read the past begins `anew`: what was before it stays."""
    once = {key_of(record): record for record in records}
    past: list[events_pb2.EventRecord] = []
    era: list[events_pb2.EventRecord] = []
    owner = (0, 0)
    for key in sorted(once):
        record = once[key]
        if key[:2] != owner:
            owner = key[:2]
            if record.anew:
                past, era = past + era, []
            elif (after_n := taken_over_at(record)) is not None:
                era = [each for each in era if each.n <= after_n]
        era.append(record)
    return past + era


def apply(call: Call, record: events_pb2.EventRecord) -> None:
    """The next record that counts."""
    if record.HasField("engines"):
        engines(call, record.engines, record.inputs[0].at_ms if record.inputs else call.last_ms)
    if record.anew and call.started_ms:
        call.note(record.inputs[0].at_ms if record.inputs else call.last_ms, "anew")
        call.utterances, call.intents, call.minds_turn, call.seen_seq = {}, {}, 0, 0
    decisions, due = record.decisions, 0
    call.told = call.told or bool(decisions)
    for each in record.inputs:
        while due < len(decisions) and decisions[due].at_ms < each.at_ms:
            decided(call, decisions[due])
            due += 1
        _take(call, each)
    for decision in decisions[due:]:
        decided(call, decision)
    if record.swept:
        call.swept = True
        call.note(call.last_ms, "swept")
    if record.ended:
        call.ended, call.ended_ms = True, call.last_ms
        ears_until(call, call.last_ms)


def _take(call: Call, step: events_pb2.StepInput) -> None:
    kind = step.WhichOneof("event")
    if kind is None:
        return  # of a newer version
    if kind == "taken_over":
        if step.taken_over.new_leg:
            call.seen_seq = 0
    elif step.seq:
        if step.seq <= call.seen_seq:
            return  # told again to a new owner
        call.seen_seq = step.seq
    call.last_ms = max(call.last_ms, step.at_ms)
    handler = INPUTS.get(kind)
    if handler is not None:
        handler(call, getattr(step, kind), step.at_ms)
