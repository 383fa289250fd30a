"""What is kept of an answer's stages, and what a page and `GET /calls/…/timeline` show of it."""

from __future__ import annotations

import httpx

from parley.v1 import call_pb2, conversation_pb2, stt_pb2
from services.gateway.watch.waterfall import Waterfall
from tests.gateway.conftest import House
from tests.gateway.organs import audio_of
from tests.gateway.test_page import FRAME, visit

Say = conversation_pb2.Say
Event = stt_pb2.RecognizeEvent


def answer(utterance: int, text: str = "It shipped.", kind: Say.Kind.ValueType = Say.KIND_ANSWER, **more: int) -> Say:
    return Say(utterance=utterance, kind=kind, text=text, **more)  # type: ignore[arg-type]


def test_an_answer_from_the_callers_last_word_to_his_ear() -> None:
    fall = Waterfall()
    fall.said(answer(1), 1, 50)
    fall.final(1_120)
    fall.eager(1_200)
    turn = fall.began(1_000, 1_310, "voice")
    assert turn.shown() == {
        "turn": 1, "at_ms": 1_000, "by": "voice", "final": 120, "eager": 200, "ended": 310, "cut": False
    }  # fmt: skip
    assert fall.said(answer(2, first_token_ms=30), 2, 1_460) is turn
    assert fall.said(answer(2, "More."), 2, 1_500) is None, "nothing new"
    assert fall.started(2, 1_520) is turn
    assert fall.sounded(2, 1_580) is turn
    assert fall.sounded(2, 1_590) is None
    assert fall.over(2, True, 3_000) is turn
    stages = {"final": 120, "eager": 200, "ended": 310, "first_token": 430, "words": 460, "audio": 520, "heard": 580}
    assert turn.stages == {**stages, "over": 2_000}
    assert turn.cut


def test_an_answer_is_not_heard_before_it_was_sent() -> None:
    fall = Waterfall()
    turn = fall.began(1_000, 1_010, "text")
    fall.said(answer(1), 1, 1_020)
    fall.started(1, 1_041)
    fall.sounded(1, 1_039)
    assert (turn.stages["audio"], turn.stages["heard"]) == (41, 41)


def test_a_model_that_thought_ahead_began_before_the_turn_was_over() -> None:
    fall = Waterfall()
    turn = fall.began(1_000, 1_500, "voice")
    fall.said(answer(1, first_token_ms=400), 1, 1_510)
    assert (turn.stages["first_token"], turn.stages["ended"]) == (110, 500)


def test_a_filler_is_not_the_answer_and_words_of_an_older_turn_are_none() -> None:
    fall = Waterfall()
    fall.said(answer(1), 3, 0)
    turn = fall.began(1_000, 1_300, "voice")
    assert fall.said(answer(1, "and so on"), 3, 1_310) is None
    assert fall.said(answer(2, "One moment.", Say.KIND_FILLER), 4, 1_320) is None
    fall.started(2, 1_330)
    fall.over(2, False, 1_800)
    assert turn.shown() == {"turn": 1, "at_ms": 1_000, "by": "voice", "ended": 300, "filler": 330, "cut": False}


def test_a_cough_is_no_turn() -> None:
    fall = Waterfall()
    fall.began(1_000, 1_300, "voice")
    fall.said(answer(1), 1, 1_400)
    cough = fall.began(2_000, 2_300, "voice")
    assert fall.withdrawn() is cough
    assert fall.withdrawn() is None, "the turn before has its answer"
    assert fall.began(3_000, 3_300, "voice").number == 2, "the next one counts"


def test_a_resumed_turn_was_not_eager() -> None:
    fall = Waterfall()
    fall.eager(1_100)
    fall.eager(None)
    assert "eager" not in fall.began(1_500, 1_900, "voice").stages


async def test_the_page_and_the_timeline_show_the_same_turns(house: House) -> None:
    page = await visit(house)
    ready = await page.next("ready")
    owner, ears = await house.mind.call(), await house.stt.call()
    for _ in range(10):
        await page.socket.send(FRAME)
    await ears.until(lambda: len([r for r in ears.received if r.audio]) >= 1)
    ears.send(Event(speech_started=stt_pb2.SpeechStarted(offset_ms=20)))
    ears.send(Event(final=stt_pb2.Final(text="where is my order", end_ms=100)))
    ears.send(Event(turn_ended=stt_pb2.TurnEnded(kind=stt_pb2.TurnEnded.KIND_CONFIRMED, offset_ms=180)))
    began = await page.next("turn", turn=1)
    assert began["by"] == "voice"
    assert began["at_ms"] >= ready["now_ms"] - 200
    owner.command(1, say=answer(1, "one two three four five six", first_token_ms=0))
    await page.next("moment", what="utterance_started")
    assert (await page.next("turn", turn=1, cut=False))["final"] >= 0
    owner.command(1, stop=conversation_pb2.Stop())
    over = await page.next("turn", turn=1, cut=True)
    order = [over[stage] for stage in ("final", "first_token", "words", "audio", "over")]
    assert order == sorted(order)
    assert over["ended"] <= over["words"]
    async with httpx.AsyncClient() as client:
        told = (await client.get(f"{house.url}/calls/{ready['call_id']}/timeline")).json()
    assert told["turns"] == [{key: value for key, value in over.items() if key != "type"}]
    shown = [(m["what"], m["at_ms"]) for m in page.controls if m["type"] == "moment"]
    assert [what for what, _ in shown] == ["speech_started", "turn_ended", "utterance_started", "heard"]
    assert shown == [(e["what"], e["at_ms"]) for e in told["entries"] if e["what"] in dict(shown)]
    assert not any("text" in m for m in page.controls if m["type"] == "moment"), "words are for the subtitles"
    await page.close()


async def test_a_pause_is_told_with_its_cause_and_no_turn_stays_of_it(house: House) -> None:
    page = await visit(house)
    owner, ears = await house.mind.call(), await house.stt.call()
    owner.command(1, say=Say(utterance=1, interruptible=True, text="one two three four five six seven eight"))
    await page.next("moment", what="utterance_started")
    ears.send(Event(speech_started=stt_pb2.SpeechStarted(offset_ms=0)))
    assert (await page.next("moment", what="paused"))["cause"] == "speech"
    ears.send(Event(turn_ended=stt_pb2.TurnEnded(kind=stt_pb2.TurnEnded.KIND_CONFIRMED, text="uh-huh")))
    await page.next("turn", turn=1)
    owner.command(1, resume=conversation_pb2.Resume())
    assert (await page.next("moment", what="resumed"))["cause"] == "told"
    await page.next("turn", turn=1, void=True)
    await page.close()


async def test_a_walkie_talkie_hears_only_while_its_button_is_held(house: House) -> None:
    page = await visit(house)
    owner, ears = await house.mind.call(), await house.stt.call()
    await page.say(type="push_to_talk", on=True)

    def expects() -> list[int]:
        return [r.endpointing.expect for r in ears.received if r.HasField("endpointing")]

    await ears.until(lambda: expects() == [call_pb2.EXPECT_BUTTON])
    digits = stt_pb2.Endpointing(expect=call_pb2.EXPECT_DIGITS, min_delay_ms=900)
    owner.command(1, session=conversation_pb2.Session(language="en", agent="frontdesk", endpointing=digits))
    await page.socket.send(b"\1\1" * 320)
    text = "one two three four five six seven eight nine ten"
    owner.command(1, say=Say(utterance=1, interruptible=True, text=text, expect=call_pb2.EXPECT_YES_NO))
    await page.next("moment", what="utterance_started")
    ears.send(Event(speech_started=stt_pb2.SpeechStarted(offset_ms=0)))
    await page.next("moment", what="speech_started")
    await page.say(type="button", pressed=True)
    await page.say(type="button", pressed=True)
    assert (await owner.next("button")).button.pressed
    for _ in range(3):
        await page.socket.send(b"\2\2" * 320)
    await page.say(type="button", pressed=False)
    await page.socket.send(b"\3\3" * 320)
    await ears.until(lambda: any(r.HasField("end_of_turn") for r in ears.received))
    ears.send(Event(turn_ended=stt_pb2.TurnEnded(kind=stt_pb2.TurnEnded.KIND_CONFIRMED, text="two")))
    turn = await page.next("turn", turn=1)
    let_go = await page.next("moment", what="button", pressed=False)
    assert turn["by"] == "button"
    assert abs(turn["at_ms"] - let_go["at_ms"]) < 5, "the caller was done when he let go"
    await page.say(type="push_to_talk", on=False)
    await ears.until(lambda: expects()[-1] != call_pb2.EXPECT_BUTTON)
    back = next(r.endpointing for r in reversed(ears.received) if r.HasField("endpointing"))
    assert (back.expect, back.min_delay_ms) == (call_pb2.EXPECT_YES_NO, 900), "what was asked for meanwhile"
    await page.socket.send(b"\4\4" * 1_600)
    await ears.until(lambda: b"\4" in audio_of(ears))
    heard = audio_of(ears)
    assert heard[: heard.index(b"\4")] == b"\2\2" * 960 + bytes(16_000), "what was said into the button, then quiet"
    kinds = [r.WhichOneof("request") for r in ears.received if r.audio != b"\0\0" * 8_000]
    assert kinds.index("end_of_turn") > kinds.index("audio")
    assert [e.paused.cause for e in owner.events("paused")] == [conversation_pb2.Paused.CAUSE_BUTTON], "not the voice"
    await page.close()
