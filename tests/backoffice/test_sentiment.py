"""Emotions of turns, and the run of bad ones that a call is told of."""

from __future__ import annotations

import time
from typing import Any

import pytest

from parley.bus import Bus
from parley.v1 import events_pb2, llm_pb2
from parley.watching import Happening
from services.backoffice.database import Database
from services.backoffice.watchers.sentiment import Felt, Sentiment, going_badly
from tests.watching.calls import opened, record


def felt(*emotions: str, told: int = 0) -> list[Felt]:
    """Newest last; the first `told` ones were told of."""
    made = [Felt(f"t{n}", "CA1", n, emotion, 1.0, "", n < told) for n, emotion in enumerate(emotions)]
    return made[::-1]


@pytest.mark.parametrize(
    ("turns", "told", "run"),
    [
        (["angry", "frustrated"], 0, 0),
        (["angry", "frustrated", "sad"], 0, 3),
        (["angry", "neutral", "frustrated", "sad"], 0, 0),
        (["angry"] * 3, 3, 0),
        (["angry"] * 4, 3, 0),
        (["angry", "angry", "angry", "happy", "angry", "angry", "angry"], 3, 3),
        (["confused"] * 5, 0, 0),
        (["happy", *["sad"] * 5], 0, 5),
    ],
)
def test_three_bad_turns_in_a_row_are_a_run_once(turns: list[str], told: int, run: int) -> None:
    assert len(going_badly(felt(*turns, told=told))) == run


class Told(Bus):
    """A bus that keeps what is published on it."""

    def __init__(self) -> None:
        self.signals: list[events_pb2.CallSignal] = []

    async def publish(self, subject: str, data: bytes, traceparent: str = "") -> None:
        assert subject == "call.CA1.signal"
        self.signals.append(events_pb2.CallSignal.FromString(data))


class Caller:
    """Says one turn after the other; the text is the emotion."""

    def __init__(self, database: Database) -> None:
        self.bus = Told()
        self.asked: list[llm_pb2.UnderstandRequest] = []
        self.at_s = time.time()
        self.sentiment = Sentiment(database, self.bus, self._understand, self._first_of, lambda: self.at_s)
        self._n = 0
        self.first: events_pb2.EventRecord | None = None

    async def _understand(self, asked: llm_pb2.UnderstandRequest) -> llm_pb2.UnderstandResponse | None:
        self.asked.append(asked)
        if asked.text == "unknown":
            return None
        return llm_pb2.UnderstandResponse(emotion=asked.text, emotion_confidence=0.5, emotion_by="phrases")

    async def _first_of(self, call_id: str) -> bytes | None:
        return self.first.SerializeToString() if self.first is not None else None

    async def says(self, *emotions: str, ago_s: float = 0.0) -> Happening:
        for emotion in emotions:
            self._n += 1
            at_ms = int((self.at_s - ago_s) * 1000) + self._n
            last = Happening(f"CA1/1.1/{self._n:03}/0.0", "turn", "CA1", at_ms, {"text_pii": emotion, "by": "voice"})
            await self.sentiment.happened(last)
        return last

    async def begins(self, **detail: Any) -> None:
        told = {"agent": "frontdesk", "agent_version": "v1", "language": "de", **detail}
        await self.sentiment.happened(Happening("CA1/1.1/1/0.0", "call.started", "CA1", 0, told))


@pytest.fixture
def caller(database: Database) -> Caller:
    return Caller(database)


async def test_a_run_of_bad_turns_is_told_to_the_call_once(caller: Caller) -> None:
    await caller.begins()
    await caller.says("neutral", "frustrated", "angry", "frustrated", "angry")
    (signal,) = caller.bus.signals
    assert (signal.call_id, signal.name) == ("CA1", "escalate")
    assert signal.data == "3 turns in a row: frustrated, angry, frustrated"
    await caller.says("happy", "sad", "sad", "sad")
    assert len(caller.bus.signals) == 2
    assert len({signal.id for signal in caller.bus.signals}) == 2
    assert [each.emotion for each in await caller.sentiment.of_call("CA1")][:3] == ["neutral", "frustrated", "angry"]
    assert caller.asked[0].agent == "frontdesk"
    assert caller.asked[0].language == "de"


async def test_a_call_that_began_elsewhere_is_looked_up(caller: Caller) -> None:
    caller.first = record("CA1", 1, opened("CA1"))
    caller.first.inputs[0].opened.language = "fr"
    await caller.says("angry", "sad")
    assert [(each.agent, each.language) for each in caller.asked] == [("frontdesk", "fr")] * 2
    caller.first = None
    assert (await caller.sentiment._about("CA2")).language == "en"


async def test_a_turn_that_is_told_twice_counts_once(caller: Caller) -> None:
    last = await caller.says("angry", "angry")
    await caller.sentiment.happened(last)
    assert not caller.bus.signals
    assert len(await caller.sentiment.of_call("CA1")) == 2


async def test_what_is_heard_of_late_is_kept_and_tells_nobody(caller: Caller) -> None:
    await caller.says("angry", "angry", "angry", ago_s=3600)
    assert not caller.bus.signals
    assert len(await caller.sentiment.of_call("CA1")) == 3


async def test_a_language_whose_emotions_are_not_known_leaves_no_trace(caller: Caller) -> None:
    await caller.says("unknown")
    assert await caller.sentiment.of_call("CA1") == []
