"""What the event records of a call come to: who said what, how long each stage took, what it cost."""

from __future__ import annotations

import pytest

from parley.v1 import events_pb2
from services.backoffice.records.call import Call, Spent
from services.backoffice.records.fold import apply, counted
from services.backoffice.records.money import costs, dollars
from testbed.recorded_calls import START_MS, RecordedCall

GREETING = "Bellweather Bikes, how can I help?"


def folded(records: list[events_pb2.EventRecord]) -> Call:
    call = Call(records[0].call_id)
    for record in counted(records):
        apply(call, record)
    return call


def transcript(call: Call) -> list[tuple[str, str, str]]:
    return [(line.who, line.text[: line.heard], line.text[line.heard :]) for line in call.lines]


def kinds(call: Call) -> list[tuple[str, str]]:
    return [(moment.kind, moment.detail) for moment in call.moments]


@pytest.fixture
def call() -> RecordedCall:
    return RecordedCall("CA1", caller="+1 555 010 9999").opens().says(GREETING)


def test_a_call_with_a_tool_and_an_interruption(call: RecordedCall) -> None:
    call.caller("where is my order").answers(
        "It shipped on Monday, with the green courier.", tool="order_status", heard=20
    )
    call.interrupts().caller("thanks").answers("You are welcome.").ends()
    found = folded(call.records)
    assert transcript(found) == [
        ("bot", GREETING, ""),
        ("caller", "where is my order", ""),
        ("bot", "It shipped on Monday", ", with the green courier."),
        ("caller", "thanks", ""),
        ("bot", "You are welcome.", ""),
    ]
    assert [line.turn for line in found.lines] == [0, 1, 1, 2, 2]
    first, second = found.turns
    assert (first.by, first.final, first.ears) == ("speech", 200, 350)
    assert (first.token, first.words, first.sound) == (350 + 300 + 250 + 300 - 40, 1200, 1320)
    assert (first.over, first.cut, first.rounds, first.interruptions) == (1320 + 20 * 60, True, 2, 1)
    assert (second.sound, second.cut, second.interruptions) == (350 + 300 + 120, False, 0)
    (tool,) = found.tools
    assert (tool.name, tool.arguments, tool.status, tool.turn) == ("order_status", '{"order": "1234"}', "ok", 1)
    assert tool.until_ms - tool.at_ms == 250
    assert kinds(found) == [("paused", "speech"), ("interrupted", ""), ("leg_ended", "caller hung up")]
    assert (found.interruptions, found.pauses, found.takeovers) == (1, 1, 0)
    assert (found.ended, found.ended_by, found.reason) == (True, "caller", "caller hung up")
    assert (found.agent, found.version, found.caller, found.direction) == (
        "frontdesk",
        "v1",
        "+1 555 010 9999",
        "inbound",
    )
    assert found.seconds == (call.at_ms - START_MS) / 1000


def test_what_it_cost_at_whom(call: RecordedCall) -> None:
    call.caller("where is my order").answers("It shipped on Monday.").ends()
    found = folded(call.records)
    spent = {(cost.stage, cost.engine, cost.model): cost for cost in costs(found)}
    assert spent.keys() == {("stt", "deepgram", ""), ("llm", "openai", "gpt-4.1-mini"), ("tts", "elevenlabs", "")}
    assert spent["stt", "deepgram", ""].spent.seconds == pytest.approx(found.seconds)
    assert spent["tts", "elevenlabs", ""].spent.chars == len(GREETING) + len("It shipped on Monday.")
    words = spent["llm", "openai", "gpt-4.1-mini"]
    assert (words.spent.read, words.spent.written, words.spent.requests) == (600, 5, 1)
    assert all(cost.usd > 0 for cost in spent.values())
    assert words.usd == pytest.approx(dollars("llm", "openai", "gpt-4.1-mini", Spent(read=600, written=5)))
    assert dollars("stt", "local", "", Spent(seconds=600)) == dollars("stt", "of tomorrow", "", Spent(seconds=9)) == 0


def test_a_call_that_goes_on_costs_what_it_has_cost_so_far(call: RecordedCall) -> None:
    found = folded(call.records)
    (heard,) = (cost for cost in costs(found, START_MS + 60_000) if cost.stage == "stt")
    assert heard.spent.seconds == 60.0
    assert heard.usd == pytest.approx(0.0077)


def test_typed_calls_are_neither_heard_nor_spoken() -> None:
    call = RecordedCall("CA2", channel="chat").opens().says(GREETING).caller("hello").answers("Hello!").ends()
    found = folded(call.records)
    assert {cost.stage for cost in costs(found)} == {"llm"}
    assert (found.turns[0].by, found.turns[0].ears) == ("typed", 0)


def test_another_engine_than_the_preferred_one_is_a_fallback_and_is_paid(call: RecordedCall) -> None:
    call.caller("hello")
    call.turn += 1
    call.thinks("", error="UNAVAILABLE").thinks("Hi.", engine="local").utters("Hi.").ends()
    found = folded(call.records)
    assert found.fallbacks == 1
    assert kinds(found)[:2] == [("round_failed", "UNAVAILABLE"), ("fallback", "llm openai local")]
    assert ("llm", "local", "") in found.spent


def test_an_uh_huh_over_the_bots_voice_is_no_turn(call: RecordedCall) -> None:
    call.caller("where is my order")
    call.turn += 1
    call.thinks("It shipped.").input(seq=True, final={"text": "uh-huh"}).decision(barge_in="backchannel")
    call.input(100, seq=True, turn_ended={"kind": "confirmed", "text": "uh-huh"})
    call.utters("It shipped on Monday.").ends()
    found = folded(call.records)
    assert [turn.by for turn in found.real_turns()] == ["speech"]
    assert [(line.kind, line.text) for line in found.lines][1:] == [
        ("speech", "where is my order"),
        ("aside", "uh-huh"),
        ("answer", "It shipped on Monday."),
    ]
    assert ("not_interrupted", "backchannel") in kinds(found)
    assert found.interruptions == 0


def test_keys_are_a_turn(call: RecordedCall) -> None:
    for digit in "12":
        call.input(300, seq=True, dtmf={"digit": digit})
    found = folded(call.answers("Opening hours it is.").ends().records)
    assert [(turn.by, turn.line.text if turn.line else "") for turn in found.turns] == [("keys", "12")]


def test_when_an_answer_was_at_the_callers_ear_is_what_the_mouth_told_last(call: RecordedCall) -> None:
    call.caller("where is my order").thinks("On its way.")
    call.turn, call.utterance = call.turn + 1, call.utterance + 1
    mine = {"utterance": call.utterance, "chars": 0}
    call.decision(said={"utterance": call.utterance, "kind": "answer", "chars": 11})
    call.input(120, utterance_started={"utterance": call.utterance})
    call.input(20, progress={**mine, "places": [0, 3], "in_ms": [80, 300]})
    call.input(50, progress={**mine, "places": [0, 3], "in_ms": [90, 310]})  # the line stood still
    call.input(300, progress={**mine, "chars": 3, "places": [7], "in_ms": [-20]})
    call.input(500, seq=True, heard={**mine, "chars": 11, "complete": True, "text": "On its way."}).boundary()
    (turn,) = folded(call.records).turns
    assert (turn.sound, turn.heard) == (350 + 300 + 120, 350 + 300 + 120 + 20 + 50 + 90)


def test_who_hears_and_speaks_instead_of_the_preferred_is_on_record_and_is_paid(call: RecordedCall) -> None:
    def said(text: str, engine: str) -> None:
        call.decision(said={"utterance": call.utterance + 1, "kind": "answer", "chars": len(text)})
        call.utterance += 1
        call.input(100, utterance_started={"utterance": call.utterance})
        heard = {"utterance": call.utterance, "chars": len(text), "complete": True, "text": text, "engine": engine}
        call.input(1_000, seq=True, heard=heard).boundary()

    def heard(text: str, engine: str) -> None:
        call.input(1_000, seq=True, final={"text": text, "engine": engine})

    heard("hello", "deepgram")
    said("Yes?", "elevenlabs")
    said("A kept sentence.", "")
    heard("are you there", "whisper")
    said("I am.", "hibari")
    call.taken_over()
    heard("good", "whisper")
    said("Indeed.", "hibari")
    heard("bye", "deepgram")
    said("Goodbye.", "elevenlabs")
    found = folded(call.ends().records)
    told = [detail for kind, detail in kinds(found) if kind == "fallback"]
    assert (found.fallbacks, told) == (2, ["stt deepgram whisper", "tts elevenlabs hibari"])
    spent = {(stage, engine): each for (stage, engine, _), each in found.spent.items() if stage != "llm"}
    assert spent["tts", "hibari"].chars == len("I am.Indeed.")
    assert spent["tts", "elevenlabs"].chars == len(GREETING) + len("Yes?A kept sentence.Goodbye.")
    assert spent["stt", "whisper"].seconds == 1.1 + 0.4 + 1 + 1.1 + 1
    assert sum(each.seconds for each in spent.values()) == found.seconds


def test_who_speaks_because_the_preferred_does_not_know_the_language_is_no_fallback(call: RecordedCall) -> None:
    record = call.records[0]
    record.engines.tts = "hibari"  # English only
    record.inputs[-1].heard.engine = "local"
    assert folded(call.ends().records).fallbacks == 1
    record.inputs[0].opened.language = "de"
    assert folded(call.records).fallbacks == 0


def test_a_filler_is_not_the_answers_first_sound(call: RecordedCall) -> None:
    call.caller("where is my order")
    call.turn += 1
    call.utters("One moment.", kind="filler").thinks("It shipped.").utters("It shipped.").ends()
    (turn,) = folded(call.records).turns
    assert turn.sound == 350 + 120 + 60 * len("One moment.") + 300 + 120


def test_what_a_new_owner_does_not_count_is_void(call: RecordedCall) -> None:
    call.caller("where is my order").answers("It shipped.")
    lost = call.n
    call.taken_over(after_n=lost - 1)
    call.caller("where is my order again").answers("It shipped on Monday.").ends()
    found = folded(call.records)
    assert [line.text for line in found.lines if line.who == "caller"] == ["where is my order again"]
    assert found.takeovers == 1
    assert ("taken_over", "") in kinds(found)


def test_the_gateway_tells_again_what_was_not_acknowledged(call: RecordedCall) -> None:
    call.caller("where is my order").boundary().taken_over()
    call.seq -= 2  # the same two events under their own numbers
    call.input(seq=True, final={"text": "where is my order"})
    call.input(seq=True, turn_ended={"kind": "confirmed", "text": "where is my order"})
    found = folded(call.answers("It shipped.").ends().records)
    assert [line.text for line in found.lines if line.who == "caller"] == ["where is my order"]


def test_a_new_leg_numbers_its_events_anew(call: RecordedCall) -> None:
    call.caller("one").answers("One.").taken_over(new_leg=True)
    call.seq = 0
    found = folded(call.caller("two").answers("Two.").ends().records)
    assert [line.text for line in found.lines if line.who == "caller"] == ["one", "two"]
    assert (found.legs, found.takeovers) == (2, 1)


def test_an_owner_that_can_read_nothing_begins_anew_and_what_was_before_stays(call: RecordedCall) -> None:
    call.caller("one").answers("One.").taken_over()
    call.records.pop()
    call.n = call.turn = call.utterance = 0
    call.anew = True
    call.opens().says("Sorry, where were we?").caller("two").answers("Two.").ends()
    found = folded(call.records)
    assert [line.text for line in found.lines] == [GREETING, "one", "One.", "Sorry, where were we?", "two", "Two."]
    assert found.started_ms == START_MS
    assert ("anew", "") in kinds(found)


def test_an_orphan_is_ended_by_nobody_of_the_call(call: RecordedCall) -> None:
    call.caller("hello").boundary().taken_over()
    call.records.pop()
    call.n -= 1
    call.input(taken_over={"after_n": call.n}).input(leg_ended={"reason": "nobody came back"})
    found = folded(call.boundary(ended=True, swept=True).records)
    assert (found.ended, found.ended_by, found.swept) == (True, "lost", True)


def test_who_ends_it(call: RecordedCall) -> None:
    call.caller("bye").answers("Goodbye.").decision(hang_up="said goodbye").ends("hung up")
    assert folded(call.records).ended_by == "bot"
    other = RecordedCall("CA2").opens().says(GREETING).caller("a person please").answers("One moment.")
    other.decision(transfer_pii="+15550001111").ends("transferred")
    found = folded(other.records)
    assert (found.ended_by, found.transferred) == ("transfer", "+15550001111")


def test_records_of_older_versions_tell_less_and_are_read(call: RecordedCall) -> None:
    call.caller("where is my order").answers("It shipped on Monday.", tool="order_status", heard=10).ends()
    for record in call.records:
        record.ClearField("decisions")
        record.ClearField("engines")
        for each in record.inputs:
            if each.HasField("round_ended"):
                each.round_ended.engine = each.round_ended.model = ""
    found = folded(call.records)
    assert [line.text[: line.heard] for line in found.lines if line.who == "bot"] == [GREETING, "It shipped"]
    assert [tool.name for tool in found.tools] == ["order_status"]
    assert found.ended


def test_a_call_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.backoffice.records.call.MAX_LINES", 10)
    monkeypatch.setattr("services.backoffice.records.call.MAX_MOMENTS", 5)
    call = RecordedCall("CA1").opens()
    for n in range(20):
        call.caller(f"question {n}").answers("Yes.").interrupts()
    found = folded(call.ends().records)
    assert len(found.lines) == 10
    assert len(found.moments) == 5
    assert found.more > 0
    assert len(list(found.real_turns())) == 20
