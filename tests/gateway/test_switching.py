"""Ears and mouth that change replicas more than once, at bad moments, or hear from one that they have left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from parley.errors import Unavailable
from parley.v1 import conversation_pb2, stt_pb2
from services.gateway.doors import flood
from services.gateway.metrics import DROPPED_AUDIO_MS
from tests.gateway.conftest import House, running
from tests.gateway.handset import LOUD, Handset
from tests.gateway.organs import WORD_MS, Owner, Talk, audio_of
from tests.gateway.test_losses import TEN, either, ended, final

Event = stt_pb2.RecognizeEvent
QUIET = b"\xff" * 160


def started(offset_ms: int) -> Event:
    return Event(speech_started=stt_pb2.SpeechStarted(offset_ms=offset_ms))


def told(owner: Owner) -> list[str]:
    """What the mind was told of the caller's words, in order."""
    speech = [event.speech for event in owner.events("speech")]
    words = [s.final.text for s in speech if s.HasField("final")]
    return words + [f"[{s.turn_ended.text}]" for s in speech if s.HasField("turn_ended")]


async def heard_ms(ears: Talk, ms: int) -> None:
    await ears.until(lambda: len(audio_of(ears)) >= ms * 8)


async def test_ears_lost_twice_in_one_turn_make_one_turn_of_three_parts(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    first = await house.stt.call()
    await phone.speak(1600)
    await heard_ms(first, 1560)
    first.send(started(0), final("where", 0, 400))
    await owner.next("speech", 2)
    first.fail(Unavailable("gone"))
    second = await house.stt.call(2)
    assert second.received[0].config.offset_ms == 400
    await heard_ms(second, 1160)
    second.send(started(420), final("is my", 420, 900))
    await owner.next("speech", 3)
    second.fail(Unavailable("gone as well"))
    third = await house.stt.call(3)
    assert third.received[0].config.offset_ms == 900
    await heard_ms(third, 660)
    third.send(started(920), final("order", 920, 1400), ended("where is my order", 1900))
    await owner.next("speech", 5)
    assert told(owner) == ["where", "is my", "order", "[where is my order]"]
    await phone.hang_up()


async def test_ears_lost_while_they_hear_again_begin_again_where_they_began(house: House) -> None:
    """The second recogniser dies before it has made anything final: the third hears the very same audio."""
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    first = await house.stt.call()
    await phone.speak(1200)
    await heard_ms(first, 1140)
    first.send(started(0), final("where is", 0, 600))
    await owner.next("speech", 2)
    first.fail(Unavailable("gone"))
    second = await house.stt.call(2)
    second.fail(Unavailable("gone in the middle of the replay"))
    third = await house.stt.call(3)
    assert third.received[0].config.offset_ms == second.received[0].config.offset_ms == 600
    await heard_ms(third, 540)
    assert audio_of(third).startswith(LOUD)
    third.send(started(620), final("my order", 620, 1150), ended("where is my order", 1700))
    await owner.next("speech", 4)
    assert told(owner) == ["where is", "my order", "[where is my order]"]
    await phone.hang_up()


async def test_what_lost_ears_say_too_late_is_not_heard(tmp_path: Path) -> None:
    """A replica that answers no more is left; its last words, sent after it woke, reach nobody."""
    async with running(tmp_path, replicas=2) as house:
        phone = await Handset().dial(house.url)
        owner = await either(house, "mind")
        assert isinstance(owner, Owner)
        first = await either(house, "stt")
        await phone.speak(1200)
        await heard_ms(first, 1140)
        first.send(started(0))
        await owner.next("speech")
        (leg,) = house.gateway.house._legs
        leg.body.ears._writer.stream.lose()  # type: ignore[attr-defined]
        second = await either(house, "stt", 2)
        first.send(final("late words", 0, 1100), ended("late words", 1300))
        await heard_ms(second, 1140)
        second.send(started(0), final("where is my order", 0, 1100), ended("where is my order", 1300))
        await owner.next("speech", 3)
        assert told(owner) == ["where is my order", "[where is my order]"]
        await phone.hang_up()


async def test_the_caller_speaks_on_while_the_ears_change(house: House) -> None:
    """What comes during the replay is heard after it, without a gap and without a repetition."""
    phone = await Handset().dial(house.url)
    await house.mind.call()
    first = await house.stt.call()
    counted = [bytes([n]) * 160 for n in range(1, 101)]
    for frame in counted[:50]:
        await phone.speak(20, frame)
    await heard_ms(first, 900)
    first.fail(Unavailable("gone"))
    for frame in counted[50:]:
        await phone.speak(20, frame)
    second = await house.stt.call(2)
    await heard_ms(second, 1900)
    whole = b"".join(counted)
    assert second.received[0].config.offset_ms == 0
    assert whole.startswith(audio_of(second))
    await phone.hang_up()


async def test_a_minute_that_is_not_final_is_heard_again_faster_than_it_was_said(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is twice what a stream may have under way; what is older than a minute is gone, and counted."""
    monkeypatch.setattr(flood, "MAX_AHEAD_MS", 70_000.0)  # the test has no minute
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    first = await house.stt.call()
    before = DROPPED_AUDIO_MS._value.get()
    first.send(started(0))
    await owner.next("speech")
    for second in range(61):
        await phone.speak(1000, bytes([second + 1]) * 160)
        await heard_ms(first, second * 1000)
    first.fail(Unavailable("gone"))
    other = await house.stt.call(2)
    begun = asyncio.get_running_loop().time()
    offset_ms = other.received[0].config.offset_ms
    assert 800 <= offset_ms <= 1000
    await heard_ms(other, 59_900)
    assert asyncio.get_running_loop().time() - begun < 20
    assert DROPPED_AUDIO_MS._value.get() - before == offset_ms
    said = b"".join(bytes([second + 1]) * 8000 for second in range(61))
    assert said[offset_ms * 8 :].startswith(audio_of(other))
    await phone.hang_up()


async def test_the_next_ears_are_told_what_was_said_of_the_turn_and_how_the_caller_sounds(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    first = await house.stt.call()
    counted = [bytes([n]) * 160 for n in range(1, 101)]
    for frame in counted:
        await phone.speak(20, frame)
    await heard_ms(first, 1900)
    first.send(started(0), final("where is", 100, 800), final("my order", 900, 1610))
    await owner.next("speech", 3)
    first.fail(Unavailable("gone"))
    second = await house.stt.call(2)
    config = second.received[0].config
    assert config.said == stt_pb2.Final(text="where is my order", start_ms=100, end_ms=1610)
    assert config.turn == 1
    assert (config.offset_ms, config.lead) == (1610, b"".join(counted)[610 * 8 : 1610 * 8])
    await heard_ms(second, 300)
    assert audio_of(second).startswith(bytes([81]) * 80 + bytes([82]) * 160)
    second.send(ended("where is my order", 1900))
    await owner.next("speech", 4)
    second.fail(Unavailable("gone"))
    third = await house.stt.call(3)
    assert not third.received[0].config.HasField("said")
    assert third.received[0].config.turn == 2
    assert third.received[0].config.lead == config.lead
    assert told(owner) == ["where is", "my order", "[where is my order]"]
    await phone.hang_up()


async def test_ears_lost_while_the_bot_is_paused_still_say_why_it_was(house: House) -> None:
    """The pause holds while they change; the words that come of it are told once, and the bot goes on when it may."""
    house.voice.words = [*TEN.split()]
    phone = await Handset().dial(house.url)
    owner, first = await house.mind.call(), await house.stt.call()
    owner.say(1, TEN, turn=1)
    await phone.until(lambda: len(phone.played) > 250 * 8)
    await phone.speak(400)
    first.send(started(100))
    await owner.next("paused")
    first.fail(Unavailable("gone"))
    second = await house.stt.call(2)
    second.send(started(110), final("uh-huh", 110, 380), ended("uh-huh", 700))
    await owner.next("speech", 3)
    assert told(owner) == ["uh-huh", "[uh-huh]"]
    assert len([event for event in owner.events("speech") if event.speech.HasField("speech_started")]) == 1
    assert not owner.events("resumed")
    owner.command(1, resume=conversation_pb2.Resume())
    assert (await owner.next("heard")).heard.complete
    assert len(owner.events("paused")) == 1
    await phone.hang_up()


async def test_a_pause_whose_ears_were_lost_and_of_which_nothing_came_ends_by_itself(house: House) -> None:
    house.voice.words = [*TEN.split()]
    phone = await Handset().dial(house.url)
    owner, first = await house.mind.call(), await house.stt.call()
    owner.say(1, TEN, turn=1)
    await phone.until(lambda: len(phone.played) > 250 * 8)
    first.send(started(0))
    await owner.next("paused")
    first.fail(Unavailable("gone"))
    await house.stt.call(2)
    await phone.speak(3000, QUIET, paced=True)
    assert (await owner.next("heard")).heard.complete
    assert not told(owner)
    await phone.hang_up()


@pytest.mark.parametrize("after", [1, 4, 9])
async def test_a_voice_lost_twice_in_one_utterance_says_every_word_once(tmp_path: Path, after: int) -> None:
    async with running(tmp_path) as house:
        house.voice.words = [*TEN.split()]
        house.voice.broken = Unavailable("gone")
        house.voice.break_after = after
        phone = await Handset().dial(house.url)
        owner = await house.mind.call()
        owner.say(1, TEN, turn=1)
        await house.voice.call(2)
        house.voice.break_after = 1
        heard = (await owner.next("heard")).heard
        assert heard.complete
        assert house.voice.heard(phone.played) == [(word, WORD_MS) for word in TEN.split()]
        await phone.hang_up()


async def test_a_voice_lost_while_paused_goes_on_at_the_word_after_the_resume(house: House) -> None:
    """The mouth is paused by a sound, the voice dies, nothing came of the sound: the sentence is heard whole."""
    house.voice.words = [*TEN.split()]
    phone = await Handset().dial(house.url)
    owner, ears = await house.mind.call(), await house.stt.call()
    owner.say(1, "one two three four five ", turn=1, complete=False)
    await phone.until(lambda: len(phone.played) > 250 * 8)
    ears.send(started(0))
    await owner.next("paused")
    house.voice.broken, house.voice.break_after = Unavailable("gone"), 1
    owner.say(1, "six seven eight nine ten", turn=1)
    await house.voice.call(2)
    owner.command(1, resume=conversation_pb2.Resume())
    assert (await owner.next("heard")).heard.complete
    whole = [word for word, ms in house.voice.heard(phone.played) if ms >= WORD_MS]
    assert list(dict.fromkeys(whole)) == TEN.split()
    assert len(whole) <= 10 + 2  # the word where it paused is said again
    await phone.hang_up()


async def test_a_voice_that_was_left_says_nothing_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stalls, another takes over; when the first wakes, its sound is nobody's."""
    from services.gateway.voice import synthesis

    monkeypatch.setattr(synthesis, "STALL_S", 0.2)
    house.voice.words = [*TEN.split()]
    house.voice.stalls = True
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, TEN, turn=1)
    first = await house.voice.call()
    await first.until(lambda: len(first.received) == 2)
    house.voice.stalls = False
    second = await house.voice.call(2)
    assert second.received
    assert (await owner.next("heard")).heard.complete
    await asyncio.sleep(0.1)
    assert house.voice.heard(phone.played) == [(word, WORD_MS) for word in TEN.split()]
    await phone.hang_up()
