"""What happened, out of records."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from parley.errors import BadInput
from parley.v1 import events_pb2
from parley.watching import KINDS, Happening, happened, watcher
from tests.watching.calls import opened, record, step, tool, turn

CALL = (
    record("CA1", 1, opened("CA1"), step(progress=events_pb2.StepProgress())),
    record("CA1", 2, step(interim=events_pb2.StepInterim(text="where")), turn("where is my order")),
    record("CA1", 3, step(heard=events_pb2.StepHeard(utterance=1, chars=7, cut=True)), tool("find", "failed")),
    record("CA1", 4, tool("hand_over", "ok", then="transfer")),
    record("CA1", 5, step(leg_lost=events_pb2.StepLegLost(reason="transferred"))),
    record("CA1", 6, step(leg_ended=events_pb2.StepLegEnded(reason="nobody is left")), ended=True),
)


def test_a_call_is_told_in_plain_words() -> None:
    found = [happening for each in CALL for happening in happened(each)]
    assert [each.kind for each in found] == [
        "call.started",
        "turn",
        "interrupted",
        "tool.failed",
        "tool.ended",
        "call.transferred",
        "call.ended",
    ]
    by_kind = {each.kind: each.detail for each in found}
    assert by_kind["call.started"]["caller_pii"] == "+15550100001"
    assert by_kind["turn"] == {"text_pii": "where is my order", "by": "voice"}
    assert by_kind["tool.failed"]["name"] == "find"
    assert by_kind["tool.ended"]["then"] == "transfer +15550111"
    assert by_kind["call.ended"] == {"reason": "nobody is left", "swept": False}


def test_an_answer_is_its_phrases_and_the_rest() -> None:
    phrase = step(phrase_ready=events_pb2.StepPhraseReady(turn=2, round=0, text="It is on "))
    of_another = step(phrase_ready=events_pb2.StepPhraseReady(turn=1, round=0, text="no"))
    ended = step(round_ended=events_pb2.StepRoundEnded(turn=2, round=0, text="its way."))
    (told,) = happened(record("CA1", 3, of_another, phrase, ended))
    assert told.detail["text_pii"] == "It is on its way."


def test_ids_are_the_same_each_time_and_no_two_are() -> None:
    ids = [happening.id for each in CALL for happening in happened(each)]
    assert ids == [happening.id for each in CALL for happening in happened(each)]
    assert len(set(ids)) == len(ids)
    assert ids[0] == "CA1/1.1/1/0.0"


def test_a_question_of_a_tool_is_not_its_end_and_an_eager_end_no_turn() -> None:
    eager = step(turn_ended=events_pb2.StepTurnEnded(kind="eager", text="where"))
    assert not happened(record("CA1", 1, tool("book", "ask"), eager, turn("")))


def test_a_swept_call_is_not_confused_with_what_its_owner_wrote() -> None:
    swept = record("CA1", 6, step(leg_ended=events_pb2.StepLegEnded(reason="nobody")), ended=True)
    swept.swept = True
    (ended,) = happened(swept)
    assert ended.id == "CA1/1.1/6/swept/end"
    assert ended.detail["swept"] is True


def test_an_input_of_a_newer_version_is_passed_over() -> None:
    assert happened(record("CA1", 1, events_pb2.StepInput(at_ms=1))) == []


async def test_a_watcher_names_what_is_wrong_with_it() -> None:
    async def act(happening: Happening) -> None: ...

    with pytest.raises(BadInput, match="kinds: call.begun is none; known are call.started"):
        watcher({"call.begun"})(act)
    with pytest.raises(BadInput, match="a name is a small letter"):
        watcher(name="My Watcher")(act)
    with pytest.raises(BadInput, match="tries: from 1 to 20"):
        watcher(tries=0)(act)
    made = watcher({"turn"}, back_off_s=(1, 5))(act)
    assert made.name == "act"
    assert [made.wait_s(tries) for tries in (1, 2, 3)] == [1, 5, 5]
    assert not made.wants(Happening("1", "call.ended", "CA1", 0))


def test_the_page_names_every_kind() -> None:
    page = Path("docs/watchers.md").read_text()
    assert set(KINDS) <= set(re.findall(r"`([a-z_.]+)`", page))
