"""Services lost in the middle of a call."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from parley.errors import NotFound, Superseded, Unavailable
from parley.v1 import conversation_pb2, stt_pb2
from services.gateway.ears import ears
from services.gateway.leg import line
from services.gateway.voice import synthesis
from testbed.patience import PATIENCE_S
from testbed.telephone.stream import Conditions
from tests.gateway.conftest import House, running
from tests.gateway.handset import LOUD, Handset
from tests.gateway.organs import Owner, Scripted, Talk, audio_of

TEN = "one two three four five six seven eight nine ten"


def final(text: str, start_ms: int, end_ms: int) -> stt_pb2.RecognizeEvent:
    return stt_pb2.RecognizeEvent(final=stt_pb2.Final(text=text, start_ms=start_ms, end_ms=end_ms))


def ended(text: str, offset_ms: int, turn: int = 0) -> stt_pb2.RecognizeEvent:
    kind = stt_pb2.TurnEnded.KIND_CONFIRMED
    told = stt_pb2.TurnEnded(kind=kind, text=text, offset_ms=offset_ms)
    return stt_pb2.RecognizeEvent(turn=turn, turn_ended=told)


async def either(house: House, kind: str, number: int = 1) -> Talk:
    """The `number`-th stream over both replicas."""
    servicers: list[Scripted] = [*house.minds] if kind == "mind" else [*house.ears]
    async with asyncio.timeout(PATIENCE_S):
        while sum(len(s.talks) for s in servicers) < number:  # noqa: ASYNC110 - two replicas, one wait
            await asyncio.sleep(0.01)
    talk: Talk = sorted((t for s in servicers for t in s.talks), key=lambda t: t.number)[number - 1]
    await talk.until(lambda: talk.received)
    return talk


async def test_a_lost_orchestrator_is_replaced_and_told_what_was_not_stored(house: House) -> None:
    phone = await Handset().dial(house.url)
    first: Owner = await house.mind.call()
    first.command(1, ack=0, state=conversation_pb2.State(version=3, data=b"opaque"))
    first.say(1, TEN, turn=4, complete=False)
    await first.next("utterance_started")
    ears = await house.stt.call()
    ears.send(final("hello", 0, 300), final("again", 300, 600))
    await first.next("speech", 2)
    first.command(4, ack=1)
    await asyncio.sleep(0.05)
    first.fail(Unavailable("gone"))
    second: Owner = await house.mind.call(2)
    opened = second.open
    assert (opened.epoch.leg, opened.epoch.open) == (1, 2)
    assert (first.open.agent_version, opened.agent_version) == ("", "0123456789ab")
    assert opened.state == b"opaque"
    assert opened.acked_seq == 1
    assert opened.mouth.utterance == 1
    assert opened.mouth.text == TEN
    assert not opened.mouth.complete
    assert opened.mouth.turn == 4
    assert opened.mouth.last_utterance == 1
    again = await second.next("speech")
    assert again.seq == 2
    assert again.speech.final.text == "again"
    second.say(1, " eleven", turn=5)
    assert (await second.next("heard")).heard.complete
    assert [w for w, _ in house.voice.heard(phone.played)] == [*TEN.split(), "eleven"]
    await phone.hang_up()


async def test_a_superseded_leg_closes_its_socket_and_stays_away(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.fail(Superseded("a newer leg exists"))
    assert await phone.close_code() == 4001
    await phone.close()
    await asyncio.sleep(0.3)
    assert len(house.mind.talks) == 1


async def test_a_wrong_agent_closes_the_leg(house: House) -> None:
    house.mind.refuse = NotFound("there is no agent 'x'")
    phone = await Handset().dial(house.url)
    assert await phone.close_code() == 4004
    await phone.close()


async def test_without_any_orchestrator_the_leg_is_closed_for_the_carrier_to_come_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "STREAMS", replace(line.STREAMS, give_up_s=0.3))
    house.mind.refuse = Unavailable("starting")
    phone = await Handset().dial(house.url)
    assert await phone.close_code() == 1013
    await phone.close()


async def test_lost_ears_hear_again_what_was_not_final_and_report_nothing_twice(tmp_path: Path) -> None:
    async with running(tmp_path, replicas=2) as house:
        phone = await Handset().dial(house.url)
        owner = await either(house, "mind")
        assert isinstance(owner, Owner)
        ears = await either(house, "stt")
        await phone.speak(1200)
        await ears.until(lambda: len(audio_of(ears)) >= 1140 * 8)
        ears.send(stt_pb2.RecognizeEvent(speech_started=stt_pb2.SpeechStarted(offset_ms=0)), final("where is", 0, 600))
        await owner.next("speech", 2)
        ears.fail(Unavailable("gone"))
        other = await either(house, "stt", 2)
        config = other.received[0].config
        assert (config.offset_ms, config.turn, config.said.text) == (600, 1, "where is")
        await other.until(lambda: len(audio_of(other)) >= 540 * 8)
        assert audio_of(other)[:160] == LOUD
        other.send(
            stt_pb2.RecognizeEvent(speech_started=stt_pb2.SpeechStarted(offset_ms=620)),
            final("my order", 620, 1150),
            ended("where is my order", 1300),
            ended("where is my order", 1300, turn=1),
        )
        assert (await owner.next("speech", 4)).speech.turn_ended.text == "where is my order"
        await phone.speak(100)
        kinds = [e.speech.WhichOneof("event") for e in owner.events("speech")]
        assert kinds == ["speech_started", "final", "final", "turn_ended"]
        assert [e.speech.turn for e in owner.events("speech")] == [1] * 4
        await phone.hang_up()


async def test_speech_heard_for_the_second_time_does_not_silence_the_bot(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner, ears = await house.mind.call(), await house.stt.call()
    await phone.speak(600)
    await ears.until(lambda: len(audio_of(ears)) >= 540 * 8)
    ears.fail(Unavailable("gone"))
    other = await house.stt.call(2)
    owner.say(1, "one two three", turn=1)
    await owner.next("utterance_started")
    other.send(stt_pb2.RecognizeEvent(speech_started=stt_pb2.SpeechStarted(offset_ms=200)))
    await owner.next("speech")
    assert (await owner.next("heard")).heard.complete
    assert not owner.events("paused")
    await phone.hang_up()


async def test_ears_that_nobody_gives_are_a_trouble(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ears, "STREAMS", replace(ears.STREAMS, give_up_s=0.2))
    house.stt.refuse = Unavailable("starting")
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    trouble = (await owner.next("trouble")).trouble
    assert trouble.organ == conversation_pb2.Trouble.ORGAN_EARS
    await phone.hang_up()


async def test_a_voice_that_breaks_off_goes_on_at_the_next_word(tmp_path: Path) -> None:
    async with running(tmp_path, replicas=2) as house:
        for voice in house.voices:
            voice.words = [*TEN.split()]
        house.voices[0].broken = house.voices[1].broken = Unavailable("gone")
        house.voices[0].break_after = house.voices[1].break_after = 4
        phone = await Handset().dial(house.url)
        owner = await either(house, "mind")
        assert isinstance(owner, Owner)
        owner.say(1, TEN, turn=1)
        assert (await owner.next("heard")).heard == conversation_pb2.Heard(
            utterance=1, chars=len(TEN), complete=True, text=TEN
        )
        assert house.voice.heard(phone.played) == [(word, 100) for word in TEN.split()]
        await phone.hang_up()


async def test_an_utterance_nobody_can_speak_is_trouble_and_cut(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "STREAMS", replace(synthesis.STREAMS, give_up_s=0.2))
    house.voice.refuse = Unavailable("starting")
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "Hello there", turn=1)
    trouble = (await owner.next("trouble")).trouble
    assert (trouble.organ, trouble.utterance) == (conversation_pb2.Trouble.ORGAN_MOUTH, 1)
    assert (await owner.next("heard")).heard == conversation_pb2.Heard(
        utterance=1, chars=0, cut=True, failed=True, text="Hello there"
    )
    await phone.hang_up()


async def test_a_voice_that_stalls_is_left(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "STALL_S", 0.2)
    house.voice.stalls = True
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "Hello there", turn=1)
    stalled = await house.voice.call()
    await stalled.until(lambda: len(stalled.received) == 2)
    house.voice.stalls = False
    assert (await owner.next("heard")).heard.complete
    assert len(house.voice.talks) == 2
    await phone.hang_up()


async def test_marks_that_never_come_back_do_not_hold_the_call_up(house: House) -> None:
    phone = await Handset(Conditions(marks=False)).dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "one two three", turn=1)
    assert (await owner.next("heard")).heard.complete
    await phone.hang_up()


async def test_late_marks_do_not_make_the_bot_repeat_itself(house: House) -> None:
    phone = await Handset(Conditions(mark_delay_ms=600)).dial(house.url)
    owner, ears = await house.mind.call(), await house.stt.call()
    owner.say(1, TEN, turn=1)
    await phone.until(lambda: len(phone.played) > 750 * 8)
    ears.send(stt_pb2.RecognizeEvent(speech_started=stt_pb2.SpeechStarted(offset_ms=0)))
    await owner.next("paused")
    owner.command(1, resume=conversation_pb2.Resume())
    assert (await owner.next("heard")).heard.complete
    whole = [w for w, ms in house.voice.heard(phone.played) if ms >= 100]
    assert set(whole) == set(TEN.split())
    assert len(whole) <= 10 + 1
    await phone.hang_up()


async def test_an_orchestrator_that_dies_of_this_call_is_not_asked_for_ever(house: House) -> None:
    phone = await Handset().dial(house.url)
    await house.mind.call()

    async def kill() -> None:
        number = 1
        while True:
            owner: Owner = await house.mind.call(number)
            await asyncio.sleep(0.02)
            owner.fail(Unavailable("crashed"))
            number += 1

    killer = asyncio.ensure_future(kill())
    assert await phone.close_code() == 1013
    killer.cancel()
    assert len(house.mind.talks) == 30
    await phone.close()


async def test_a_voice_far_ahead_of_the_listener_is_held_back(house: House) -> None:
    words = " ".join(f"w{n % 90}" for n in range(900))
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, words, turn=1)
    await owner.next("utterance_started")
    (leg,) = house.gateway.house._legs
    track = leg.body.mouth._queue[0].track  # type: ignore[attr-defined]
    async with asyncio.timeout(PATIENCE_S):
        while track.size_ms < 30_000:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    sizes = []
    for _ in range(10):
        await asyncio.sleep(0.05)
        sizes.append(track.size_ms)
    assert max(sizes) <= 34_000
    owner.command(1, stop=conversation_pb2.Stop())
    assert (await owner.next("heard")).heard.cut
    talk = house.voice.talks[0]
    await talk.until(lambda: talk.received)
    await phone.hang_up()
