"""Calls in which somebody, or something, sounds while the bot speaks."""

from __future__ import annotations

import time

import pytest

from parley.v1 import call_pb2, conversation_pb2, stt_pb2
from testbed.telephone.stream import Conditions
from tests.gateway.conftest import House
from tests.gateway.handset import LOUD, SILENCE, Handset
from tests.gateway.organs import Owner, Talk

TEXT = " ".join(f"w{n}" for n in range(1, 31))
Paused, Resumed = conversation_pb2.Paused, conversation_pb2.Resumed
STARTED = stt_pb2.RecognizeEvent(speech_started=stt_pb2.SpeechStarted(offset_ms=0))
STOPPED = stt_pb2.RecognizeEvent(speech_stopped=stt_pb2.SpeechStopped(offset_ms=100))


async def call(house: House) -> tuple[Handset, Owner, Talk]:
    """A call that is up, over a quiet line."""
    phone = await Handset().dial(house.url)
    owner, ears = await house.mind.call(), await house.stt.call()
    await phone.speak(600, SILENCE)
    return phone, owner, ears


async def until_heard(phone: Handset, ms: int) -> None:
    await phone.until(lambda: len(phone.played) > ms * 8)


async def test_a_voice_silences_the_bot_before_anybody_is_asked(house: House) -> None:
    phone, owner, ears = await call(house)
    owner.say(1, TEXT, turn=1)
    await until_heard(phone, 450)
    onset = time.monotonic()
    await phone.speak(60, LOUD, paced=True)
    await phone.until(lambda: phone.cleared_at)
    assert phone.cleared_at[0] - onset < 0.1
    paused = (await owner.next("paused")).paused
    assert paused.cause == Paused.CAUSE_REFLEX
    ears.send(STARTED)
    await owner.next("speech")
    await phone.speak(300, LOUD, paced=True)
    assert not owner.events("resumed")
    owner.command(1, stop=conversation_pb2.Stop())
    heard = (await owner.next("heard")).heard
    assert heard.cut
    words = house.voice.whole_words(phone.played)
    assert abs(len(heard.text[: heard.chars].split()) - len(words)) <= 1
    await phone.hang_up()


async def test_a_door_that_slams_leaves_a_short_hole_and_no_word_is_lost(house: House) -> None:
    phone, owner, _ = await call(house)
    text = "one two three four five six seven eight nine ten"
    owner.say(1, text, turn=1)
    await until_heard(phone, 320)
    await phone.speak(100, LOUD, paced=True)
    await phone.speak(300, SILENCE, paced=True)
    resumed = await owner.next("resumed")
    assert resumed.resumed.cause == Resumed.CAUSE_UNCONFIRMED
    assert 180 <= resumed.leg_ms - owner.events("paused")[0].leg_ms <= 300
    assert (await owner.next("heard")).heard.complete
    assert house.voice.whole_words(phone.played) == text.split()
    assert len(house.voice.heard(phone.played)) <= 11
    await phone.hang_up()


async def test_a_word_with_a_long_hole_in_it_is_said_again_from_its_start(house: House) -> None:
    phone, owner, _ = await call(house)
    owner.say(1, TEXT, turn=1)
    for ms in (350, 900, 1500):
        await until_heard(phone, ms)
        time.sleep(0.7)  # noqa: ASYNC251 - the gateway stands still, and the 200 ms that it was ahead are over
    assert (await owner.next("heard")).heard.complete
    assert house.voice.whole_words(phone.played) == TEXT.split()
    assert not phone.cleared_at
    spoken = sum(ms for _, ms in house.voice.heard(phone.played))
    assert 100 * len(TEXT.split()) < spoken <= 100 * (len(TEXT.split()) + 3)
    await phone.hang_up()


async def test_a_click_and_a_soft_rustle_do_not_silence_the_bot(house: House) -> None:
    phone, owner, _ = await call(house)
    owner.say(1, TEXT, turn=1)
    await until_heard(phone, 200)
    for _ in range(4):
        await phone.speak(20, LOUD, paced=True)
        await phone.speak(100, SILENCE, paced=True)
    await phone.speak(300, bytes([0xF8, 0x78] * 80), paced=True)
    assert not phone.cleared_at
    await phone.hang_up()


async def test_after_two_slams_only_a_decision_silences_the_bot(house: House) -> None:
    phone, owner, ears = await call(house)
    owner.say(1, TEXT, turn=1)
    await until_heard(phone, 100)
    for slam in (1, 2):
        await phone.speak(60, LOUD, paced=True)
        await phone.speak(300, SILENCE, paced=True)
        await owner.next("resumed", slam)
    assert not (await owner.next("reflex")).reflex.armed
    await phone.speak(600, SILENCE, paced=True)
    await phone.speak(60, LOUD, paced=True)
    ears.send(STARTED)
    await owner.next("speech")
    assert len(phone.cleared_at) == 2
    owner.command(1, stop=conversation_pb2.Stop())
    await owner.next("heard")
    await phone.until(lambda: len(phone.cleared_at) == 3)
    shown = house.gateway.organs.timelines.find("CA1")
    assert shown is not None
    kinds = [(e["what"], e.get("cause")) for e in shown["entries"] if e["what"] in ("paused", "resumed", "reflex")]
    assert kinds == [("paused", "reflex"), ("resumed", "unconfirmed")] * 2 + [("reflex", None)]
    await phone.hang_up()


async def test_a_legal_notice_is_silenced_by_nothing(house: House) -> None:
    phone, owner, ears = await call(house)
    owner.say(1, "this call is recorded", turn=1, interruptible=False)
    await until_heard(phone, 50)
    await phone.speak(200, LOUD, paced=True)
    ears.send(STARTED)
    assert (await owner.next("heard")).heard.complete
    assert not phone.cleared_at
    await phone.hang_up()


async def test_the_first_moments_of_a_greeting_are_protected_and_the_rest_is_not(house: House) -> None:
    phone, owner, ears = await call(house)
    greeting = conversation_pb2.Say(utterance=1, text=TEXT, complete=True, interruptible=True, protect_ms=600)
    owner.command(1, say=greeting)
    await until_heard(phone, 50)
    began = len(phone.played)
    await phone.speak(100, LOUD, paced=True)
    ears.send(STARTED)
    await owner.next("speech")
    assert not phone.cleared_at
    await phone.speak(700, LOUD, paced=True)
    await phone.until(lambda: phone.cleared_at)
    assert len(phone.played) - began > 300 * 8, "still speaking when the protection ends: silenced then"
    owner.say(2, TEXT, turn=2)
    owner.command(1, stop=conversation_pb2.Stop())
    assert (await owner.next("heard")).heard.cut
    await phone.hang_up()


async def test_a_decision_stops_even_the_protected_moments(house: House) -> None:
    phone, owner, _ = await call(house)
    greeting = conversation_pb2.Say(utterance=1, text=TEXT, complete=True, interruptible=True, protect_ms=5_000)
    owner.command(1, say=greeting)
    await owner.next("utterance_started")
    owner.command(1, stop=conversation_pb2.Stop())
    assert (await owner.next("heard")).heard.cut
    if phone.played:
        await phone.until(lambda: phone.cleared_at)
    await phone.hang_up()


async def test_the_next_sentence_can_be_silenced_while_the_mark_of_a_notice_is_still_out(house: House) -> None:
    phone = await Handset(Conditions(marks=False)).dial(house.url)
    owner = await house.mind.call()
    await phone.speak(600, SILENCE)
    owner.say(1, "be warned", turn=1, interruptible=False)
    owner.say(2, TEXT, turn=1)
    await until_heard(phone, 450)
    assert not owner.events("heard")
    await phone.speak(60, LOUD, paced=True)
    assert (await owner.next("paused")).paused.utterance == 2
    await phone.hang_up()


async def test_while_a_key_is_asked_for_a_voice_means_nothing(house: House) -> None:
    phone, owner, ears = await call(house)
    menu = conversation_pb2.Say(
        utterance=1, text=TEXT, complete=True, interruptible=True, expect=call_pb2.EXPECT_BUTTON
    )
    owner.command(1, say=menu)
    await until_heard(phone, 200)
    await phone.speak(200, LOUD, paced=True)
    ears.send(STARTED)
    await owner.next("speech")
    assert not phone.cleared_at
    await phone.hang_up()


@pytest.mark.parametrize("late_ms", [0.0, 600.0])
async def test_paused_twice_in_a_row_no_word_is_lost(house: House, late_ms: float) -> None:
    phone = await Handset(Conditions(mark_delay_ms=late_ms)).dial(house.url)
    owner, ears = await house.mind.call(), await house.stt.call()
    await phone.speak(600, SILENCE)
    text = "one two three four five six seven eight nine ten eleven twelve"
    owner.say(1, text, turn=1)
    await until_heard(phone, 430)
    for turn in (1, 2):
        another = stt_pb2.SpeechStarted(offset_ms=600 + turn)  # sound, not the first one told again
        ears.send(stt_pb2.RecognizeEvent(speech_started=another))
        await owner.next("paused", turn)
        owner.command(1, resume=conversation_pb2.Resume())
        await owner.next("resumed", turn)
        ears.send(STOPPED)
        await until_heard(phone, len(phone.played) // 8 + 60)
    assert (await owner.next("heard")).heard.complete
    assert list(dict.fromkeys(house.voice.whole_words(phone.played))) == text.split()
    assert len(house.voice.whole_words(phone.played)) <= len(text.split()) + 2
    await phone.hang_up()


async def test_paused_in_the_last_word_it_is_said_again(house: House) -> None:
    phone, owner, ears = await call(house)
    owner.say(1, "one two three four", turn=1)
    await until_heard(phone, 330)
    ears.send(STARTED)
    paused = (await owner.next("paused")).paused
    assert "one two three four"[: paused.chars].split() == ["one", "two", "three"]
    owner.command(1, resume=conversation_pb2.Resume())
    resumed = (await owner.next("resumed")).resumed
    assert resumed.chars == 14
    assert (await owner.next("heard")).heard.complete
    assert house.voice.whole_words(phone.played) == ["one", "two", "three", "four"]
    await phone.hang_up()


async def test_a_stop_for_what_is_over_leaves_the_lease_alone(house: House) -> None:
    phone, owner, ears = await call(house)
    owner.say(1, TEXT, turn=5)
    await until_heard(phone, 100)
    ears.send(STARTED, STOPPED)
    await owner.next("paused")
    owner.command(4, stop=conversation_pb2.Stop())
    assert (await owner.next("resumed")).resumed.cause == Resumed.CAUSE_LEASE
    await phone.hang_up()


async def test_an_owner_that_dies_in_a_pause_leaves_no_silent_bot(house: House) -> None:
    phone, owner, ears = await call(house)
    owner.say(1, TEXT, turn=1)
    await until_heard(phone, 100)
    ears.send(STARTED, STOPPED)
    await owner.next("paused")
    owner.end()
    heir = await house.mind.call(2)
    assert heir.open.mouth.paused
    assert (await heir.next("resumed")).resumed.cause == Resumed.CAUSE_LEASE
    await phone.hang_up()
