"""Words that make no sound, and voices that make none for words: what is heard, and what is told of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from parley.errors import NoSound, Unavailable
from parley.rpc import Peers
from parley.v1 import audio_pb2, conversation_pb2, tts_pb2
from services.gateway.mouth.mouth import MAX_QUEUED, MAX_TEXT
from services.gateway.voice import prefetch, synthesis
from services.gateway.voice.phrase_cache import PhraseCache
from services.gateway.voice.prefetch import Prefetch
from tests.gateway.conftest import House
from tests.gateway.handset import Handset
from tests.gateway.organs import Owner

TEN = "one two three four five six seven eight nine ten"
SILENT = ["...", "\u2014", "?!", "\U0001f642", "***", " ", "", "\u2026 \u2022"]


def heard_of(owner: Owner, utterance: int) -> conversation_pb2.Heard | None:
    return next((e.heard for e in owner.events("heard") if e.heard.utterance == utterance), None)


@pytest.mark.parametrize("text", SILENT)
async def test_what_makes_no_sound_is_heard_at_once_and_costs_no_voice(house: House, text: str) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, text, turn=1)
    assert (await owner.next("heard")).heard == conversation_pb2.Heard(
        utterance=1, chars=len(text), complete=True, text=text
    )
    assert not house.voice.talks
    assert not owner.events("trouble")
    await phone.hang_up()


async def test_it_is_heard_at_its_place_behind_what_comes_before(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "one two three", turn=1)
    owner.say(2, "\u2026", turn=1)
    owner.say(3, "four", turn=1)
    assert (await owner.next("heard", 3)).heard.utterance == 3
    assert [e.heard.utterance for e in owner.events("heard")] == [1, 2, 3]
    assert all(e.heard.complete for e in owner.events("heard"))
    assert [word for word, _ in house.voice.heard(phone.played)] == ["one", "two", "three", "four"]
    assert len(house.voice.talks) == 2
    await phone.hang_up()


async def test_what_makes_no_sound_yet_waits_for_its_words(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "... ", turn=1, complete=False)
    owner.say(1, "one ", turn=1, complete=False)
    owner.say(1, "\u2014", turn=1)
    assert (await owner.next("heard")).heard.complete
    assert "one" in [word for word, _ in house.voice.heard(phone.played)]
    assert len(house.voice.talks) == 1
    await phone.hang_up()


async def test_a_filler_and_a_notice_without_words_are_heard_at_once_too(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    for n, kind in enumerate((conversation_pb2.Say.KIND_FILLER, conversation_pb2.Say.KIND_NOTICE), 1):
        owner.command(1, say=conversation_pb2.Say(utterance=n, kind=kind, text="\u2014", complete=True))
    await owner.next("heard", 2)
    assert not house.voice.talks
    await phone.hang_up()


async def test_a_voice_that_gave_no_sound_is_asked_once_more(house: House) -> None:
    house.voice.quits = [0]
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "Thank you for calling", turn=1)
    assert (await owner.next("heard")).heard.complete
    assert [word for word, _ in house.voice.heard(phone.played)] == ["Thank", "you", "for", "calling"]
    assert len(house.voice.talks) == 2
    await phone.hang_up()


@pytest.mark.parametrize("politely", [True, False])
async def test_one_that_never_does_is_told_of_and_the_words_were_not_heard(house: House, politely: bool) -> None:
    house.voice.quits = [0] * 50
    if not politely:
        house.voice.refuse = NoSound("no sound came")
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "Thank you for calling", turn=1)
    trouble = (await owner.next("trouble")).trouble
    assert (trouble.organ, trouble.utterance) == (conversation_pb2.Trouble.ORGAN_MOUTH, 1)
    heard = (await owner.next("heard")).heard
    assert (heard.chars, heard.cut, heard.complete) == (0, True, False)
    assert not phone.played
    if politely:
        assert len(house.voice.talks) == synthesis.MAX_SOUNDLESS
    await phone.hang_up()


async def test_a_voice_that_ends_in_the_middle_goes_on_at_the_next_word(house: House) -> None:
    house.voice.quits = [4]
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, TEN, turn=1)
    assert (await owner.next("heard")).heard.complete
    assert [word for word, _ in house.voice.heard(phone.played)] == TEN.split()
    assert len(house.voice.talks) == 2
    await phone.hang_up()


async def test_only_what_sounded_was_heard_of_one_that_never_comes_to_its_end(house: House) -> None:
    house.voice.quits = [4, 2, 1, 1, 1]
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, TEN, turn=1)
    heard = (await owner.next("heard")).heard
    said = [word for word, _ in house.voice.heard(phone.played)]
    assert said == TEN.split()[:6]
    assert heard.cut
    assert TEN[: heard.chars].split() == said
    await phone.hang_up()


async def test_without_word_times_what_was_heard_of_a_lost_voice_follows_from_its_pace(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthesis, "STREAMS", replace(synthesis.STREAMS, give_up_s=0.2))
    house.voice.untimed, house.voice.break_after, house.voice.then_refuses = True, 5, Unavailable("away")
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "a" * 400 + " b c d e f", turn=1)
    heard = (await owner.next("heard")).heard
    assert heard.cut
    assert heard.chars < 400, "half a second of sound is not all of it"
    await phone.hang_up()


async def test_what_follows_is_spoken_when_the_voice_is_back(house: House) -> None:
    house.voice.quits = [0, 0]
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "one two", turn=1)
    await owner.next("trouble")
    owner.say(2, "three four", turn=1)
    await owner.next("heard", 2)
    first, second = heard_of(owner, 1), heard_of(owner, 2)
    assert first is not None
    assert second is not None
    assert (first.cut, second.complete) == (True, True)
    assert [word for word, _ in house.voice.heard(phone.played)] == ["three", "four"]
    await phone.hang_up()


async def test_an_utterance_that_is_too_long_is_said_as_far_as_it_fits(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    owner.say(1, "a" * 15_000 + " ", turn=1, complete=False)
    owner.say(1, "b" * 5_000, turn=1)
    heard = (await owner.next("heard")).heard
    assert (heard.cut, heard.failed, heard.chars) == (True, False, MAX_TEXT)
    await phone.hang_up()


async def test_an_utterance_too_many_is_told_of_at_once(house: House) -> None:
    phone = await Handset().dial(house.url)
    owner = await house.mind.call()
    for n in range(MAX_QUEUED + 1):
        owner.say(n + 1, "one two three", turn=1)
    heard = (await owner.next("heard")).heard
    assert (heard.utterance, heard.cut, heard.failed) == (MAX_QUEUED + 1, True, True)
    await phone.hang_up()


async def test_sentences_without_words_are_not_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "AFTER_S", 0.0)
    config = tts_pb2.SynthesizeConfig(
        format=audio_pb2.AudioFormat(encoding=audio_pb2.ENCODING_MULAW, sample_rate_hz=8000)
    )
    async with Peers("tts", ["127.0.0.1:1"]) as peers:
        kept = Prefetch(peers, PhraseCache(1 << 20))
        kept.ask(config, SILENT)
        await asyncio.sleep(0)
        assert not kept._due
        await kept.close()
