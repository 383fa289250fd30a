"""Calls over the telephone, from ring to hang-up."""

from __future__ import annotations

from parley.v1 import conversation_pb2, stt_pb2
from testbed.telephone.stream import Conditions
from tests.gateway.conftest import House
from tests.gateway.handset import LOUD, Handset
from tests.gateway.organs import audio_of


async def test_the_bot_greets_the_caller_asks_and_is_answered(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    assert owner.open.call_id == "CA1"
    assert (owner.open.epoch.leg, owner.open.epoch.open) == (1, 1)
    assert owner.open.channel == conversation_pb2.CHANNEL_PHONE
    assert owner.open.caller == "+15550100"
    house.voice.engine = "amy"
    owner.say(1, "Hello, how can I help?")
    assert (await owner.next("utterance_started")).utterance_started.utterance == 1
    heard = await owner.next("heard")
    words = "Hello, how can I help?"
    assert heard.heard == conversation_pb2.Heard(utterance=1, chars=22, complete=True, text=words, engine="amy")
    assert heard.seq == 1
    assert [w for w, _ in house.voice.heard(phone.played)] == ["Hello,", "how", "can", "I", "help?"]
    assert max(piece.end - piece.arrived for piece in phone.heard.pieces) < 0.22, "200 ms at the most, by two clocks"

    ears = await house.stt.call()
    await phone.speak(320)
    await ears.until(lambda: len(audio_of(ears)) == 16 * 160)
    assert audio_of(ears) == LOUD * 16
    ears.send(
        stt_pb2.RecognizeEvent(final=stt_pb2.Final(text="where is my order", start_ms=0, end_ms=280)),
        stt_pb2.RecognizeEvent(
            turn_ended=stt_pb2.TurnEnded(
                kind=stt_pb2.TurnEnded.KIND_CONFIRMED, text="where is my order", offset_ms=300, speech_end_ms=280
            )
        ),
    )
    ended = await owner.next("speech", 2)
    assert ended.speech.turn_ended.text == "where is my order"
    assert ended.seq == 3
    owner.say(2, "It shipped.", turn=1)
    await owner.next("heard", 2)
    await phone.hang_up()
    leg = await owner.next("leg")
    assert leg.leg.kind == conversation_pb2.Leg.KIND_ENDED
    assert leg.seq == 5


async def test_a_real_interruption_cuts_the_answer_where_the_caller_stopped_hearing(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner, ears = await house.mind.call(), await house.stt.call()
    owner.say(1, "one two three four five six seven eight nine ten", turn=1)
    await phone.until(lambda: len(phone.played) > 450 * 8)
    ears.send(stt_pb2.RecognizeEvent(speech_started=stt_pb2.SpeechStarted(offset_ms=0)))
    paused = await owner.next("paused")
    assert paused.paused.cause == conversation_pb2.Paused.CAUSE_SPEECH
    owner.command(1, stop=conversation_pb2.Stop())
    heard = (await owner.next("heard")).heard
    assert heard.cut
    assert not heard.complete
    await phone.until(lambda: phone.cleared_at)
    words = [w for w, ms in house.voice.heard(phone.played) if ms >= 60]
    told = "one two three four five six seven eight nine ten"[: heard.chars].split()
    assert abs(len(told) - len(words)) <= 1
    assert told == words[: len(told)] or words == told[: len(words)]
    owner.say(2, "Never mind.", turn=2)
    assert (await owner.next("heard", 2)).heard == conversation_pb2.Heard(
        utterance=2, chars=11, complete=True, text="Never mind."
    )
    assert [w for w, _ in house.voice.heard(phone.played)][-2:] == ["Never", "mind."]
    await phone.hang_up()


async def test_late_words_of_a_stopped_turn_are_dropped(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "one two three", turn=1, complete=False)
    await owner.next("utterance_started")
    owner.command(1, stop=conversation_pb2.Stop())
    owner.say(1, " four five", turn=1)
    owner.say(2, "late", turn=1)
    owner.say(3, "six", turn=2)
    await owner.next("heard", 2)
    assert [h.heard.utterance for h in owner.events("heard")] == [1, 3]
    assert not {"four", "five", "late"} & {w for w, _ in house.voice.heard(phone.played)}
    await phone.hang_up()


async def test_the_mind_is_told_when_words_sound_soon_and_then_about_every_second(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    words = [f"word{n:02}" for n in range(25)]
    owner.say(1, " ".join(words), turn=1)
    for count, least in ((1, 2), (2, 4)):
        told = (await owner.next("progress", count)).progress
        heard = [w for w, ms in house.voice.heard(phone.played) if ms >= 50]
        assert told.utterance == 1
        assert least <= told.chars / len("word00 ") <= len(heard) + 2, "the phone is a frame or two from the clock"
        assert len(told.places) == len(told.in_ms) > 0
    assert (await owner.next("heard")).heard.complete
    told_at = [event.progress.chars for event in owner.events("progress")]
    assert len(told_at) <= 4
    assert told_at == sorted(told_at)
    places = {char for event in owner.events("progress") for char in event.progress.places}
    assert places >= {len("word00 ") * n for n in range(25)}, "of every word"
    assert all(not event.seq for event in owner.events("progress")), "they are never sent again"
    await phone.hang_up()


async def test_where_marks_do_not_come_back_the_clock_says_how_far_the_voice_is(house: House) -> None:
    phone = await Handset(Conditions(marks=False)).dial(house.url)
    owner = await house.mind.call()
    owner.say(1, " ".join(f"word{n:02}" for n in range(25)), turn=1)
    told = (await owner.next("progress")).progress
    heard = [w for w, ms in house.voice.heard(phone.played) if ms >= 50]
    assert 2 <= told.chars / len("word00 ") <= len(heard) + 3
    await phone.hang_up()


async def test_a_cough_pauses_the_bot_and_it_goes_on_without_losing_a_word(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner, ears = await house.mind.call(), await house.stt.call()
    owner.say(1, "one two three four five six seven eight", turn=1)
    await phone.until(lambda: len(phone.played) > 350 * 8)
    ears.send(stt_pb2.RecognizeEvent(speech_started=stt_pb2.SpeechStarted(offset_ms=0)))
    await owner.next("paused")
    owner.command(1, resume=conversation_pb2.Resume())
    resumed = (await owner.next("resumed")).resumed
    assert resumed.cause == conversation_pb2.Resumed.CAUSE_TOLD
    assert (await owner.next("heard")).heard.complete
    assert house.voice.whole_words(phone.played) == ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    fragments = [w for w, ms in house.voice.heard(phone.played) if ms < 100]
    assert len(fragments) <= 1
    await phone.hang_up()


async def test_without_a_decision_the_pause_ends_by_itself(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner, ears = await house.mind.call(), await house.stt.call()
    owner.say(1, "one two three four five", turn=1)
    await phone.until(lambda: len(phone.played) > 150 * 8)
    ears.send(
        stt_pb2.RecognizeEvent(speech_started=stt_pb2.SpeechStarted(offset_ms=0)),
        stt_pb2.RecognizeEvent(speech_stopped=stt_pb2.SpeechStopped(offset_ms=100)),
    )
    await owner.next("paused")
    resumed = (await owner.next("resumed")).resumed
    assert resumed.cause == conversation_pb2.Resumed.CAUSE_LEASE
    assert (await owner.next("heard")).heard.complete
    await phone.hang_up()


async def test_a_legal_notice_is_not_paused_by_speech(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner, ears = await house.mind.call(), await house.stt.call()
    owner.say(1, "this call is recorded", turn=1, interruptible=False)
    await owner.next("utterance_started")
    ears.send(stt_pb2.RecognizeEvent(speech_started=stt_pb2.SpeechStarted(offset_ms=0)))
    assert (await owner.next("heard")).heard.complete
    assert not owner.events("paused")
    assert not phone.cleared_at
    await phone.hang_up()


async def test_keys_pressed_on_the_phone_reach_the_mind(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    phone.dtmf("7")
    pressed = await owner.next("dtmf")
    assert pressed.dtmf.digit == "7"
    assert pressed.seq == 1
    await phone.hang_up()


async def test_the_bot_hangs_up_after_its_last_words(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "Goodbye.", turn=1)
    assert (await owner.next("heard")).heard.complete
    owner.command(1, hang_up=conversation_pb2.HangUp(reason="done"))
    assert await phone.close_code() == 1000
    assert [w for w, _ in house.voice.heard(phone.played)] == ["Goodbye."]
    assert (await owner.next("leg")).leg.kind == conversation_pb2.Leg.KIND_ENDED
    await phone.close()
