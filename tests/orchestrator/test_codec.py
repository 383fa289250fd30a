"""The call's state and the inputs of `step` in protobuf: nothing is left behind on the way."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor

from parley.v1 import events_pb2
from services.orchestrator.mind import events, state
from services.orchestrator.wire import codec


def agree(cls: Any, message: Descriptor | None, seen: set[Any]) -> None:
    """Every field of a dataclass has one of the same name in its message, and the other way round, all the way down."""
    assert message is not None
    if cls in seen:
        return
    seen.add(cls)
    names = {name for name, _, _ in codec._fields(cls)}
    assert names == set(message.fields_by_name), cls.__name__
    for name, element, members in codec._fields(cls):
        inner = message.fields_by_name[name].message_type
        for member in members:
            assert inner is not None
            agree(member, inner.fields_by_name[codec._snake(member.__name__)].message_type, seen)
        if not members and dataclasses.is_dataclass(element):
            agree(element, inner, seen)


def test_the_state_and_its_message_have_the_same_fields() -> None:
    agree(state.Call, events_pb2.CallState.DESCRIPTOR, set())


@pytest.mark.parametrize("kind", events.KINDS, ids=lambda kind: kind.__name__)
def test_an_input_and_its_message_have_the_same_fields(kind: type[events.Event]) -> None:
    field = events_pb2.StepInput.DESCRIPTOR.fields_by_name[codec._snake(kind.__name__)]
    agree(kind, field.message_type, set())


def test_every_input_that_can_be_recorded_is_one_that_step_knows() -> None:
    (kinds,) = events_pb2.StepInput.DESCRIPTOR.oneofs
    assert {field.name for field in kinds.fields} == {codec._snake(kind.__name__) for kind in events.KINDS}


def test_an_input_of_a_newer_version_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="newer version"):
        codec.event_from_proto(events_pb2.StepInput(at_ms=1))
