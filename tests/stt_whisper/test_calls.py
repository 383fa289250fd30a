"""Whole calls: sound in, words out, through the VAD, the turns and a real model."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import numpy as np
import pytest

from parley.audio import AudioFormat
from parley.engines import Engine
from parley.errors import AtCapacity, BadInput, VendorLost
from services.stt.contract import (
    Endpointing,
    Expect,
    Final,
    Interim,
    SpeechStarted,
    SpeechStopped,
    SttConfig,
    TurnEnded,
    TurnKind,
)
from services.stt.providers.whisper import Whisper
from services.stt.recognition import EndOfTurn, Recognition, Request
from services.stt.vad import Detector
from tests.stt.test_recognition import Scripted
from tests.stt_whisper.calls import BROWSER, call, line, loaded, noise, say, sent, silence, texts

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("quick")]
ORDER = "I would like to know where my order is."


@pytest.mark.parametrize("form", [BROWSER, SttConfig().format], ids=["page", "telephone"])
async def test_a_sentence_of_no_domain_is_heard_on_both_lines(
    ears: Whisper, detector: Detector, form: AudioFormat
) -> None:
    said = say("please tell me a story about elephants", "en-us+m3")
    events = await call(ears, detector, line(said, form=form), SttConfig(format=form))
    (final,) = (event for event in events if isinstance(event, Final))
    assert final.text == "Please tell me a story about elephants."
    assert abs(final.start_ms - 500) < 150
    assert abs(final.end_ms - 500 - len(said) / 16) < 350
    begins = [word.start_ms for word in final.words]
    assert begins == sorted(begins)
    assert final.words[0].start_ms >= final.start_ms
    assert final.words[-1].end_ms <= final.end_ms
    assert [word.text for word in final.words][:2] == ["Please", "tell"]
    assert isinstance(events[-1], TurnEnded)


async def test_the_same_sound_gives_the_same_words(ears: Whisper, detector: Detector) -> None:
    audio = line(say(ORDER))
    first, second = [[e for e in await call(ears, detector, audio) if isinstance(e, Final)] for _ in range(2)]
    assert first == second
    assert [final.text for final in first] == [ORDER]


@pytest.mark.parametrize("said", ["stop", "yes", "thank you", "goodbye"])
async def test_a_single_word_is_a_word(ears: Whisper, detector: Detector, said: str) -> None:
    heard = texts(await call(ears, detector, line(say(said))))
    assert [text.lower().strip("!.?") for text in heard] == [said]


async def test_a_short_pause_does_not_cut_a_sentence(ears: Whisper, detector: Detector) -> None:
    first, second = say("thank you very much"), say("for your help")
    heard = texts(await call(ears, detector, line(first, silence(0.1), second)))
    assert len(heard) == 1
    assert heard[0].lower().startswith("thank you very much")


async def test_what_is_no_speech_is_acted_upon_by_nobody(ears: Whisper, detector: Detector) -> None:
    seconds = np.arange(32000) / 16000
    beeps = (4000 * np.sin(2 * np.pi * 440 * seconds) * (np.sin(2 * np.pi * 3 * seconds) > 0)).astype(np.int16)
    chord = sum(3000 * np.sin(2 * np.pi * hz * seconds) * np.exp(-2 * (seconds % 0.5)) for hz in (220, 277, 330, 440))
    for sound in (silence(2), noise(2, -30), beeps, np.asarray(chord, np.int16)):
        assert not any(texts(await call(ears, detector, line(sound))))


async def test_a_button_let_go_ends_the_sentence(ears: Whisper, detector: Detector) -> None:
    config = SttConfig(endpointing=Endpointing(Expect.BUTTON))
    audio = line(say(ORDER))
    spoken = audio[: -900 * config.format.bytes_per_ms]  # the button is let go 100 ms after the last word
    events = await call(ears, detector, spoken, config, EndOfTurn())
    assert texts(events) == [ORDER]
    ended = events[-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.kind, ended.text) == (TurnKind.CONFIRMED, ORDER)


async def test_a_button_let_go_in_silence_is_answered(ears: Whisper, detector: Detector) -> None:
    config = SttConfig(endpointing=Endpointing(Expect.BUTTON))
    events = await call(ears, detector, line(silence(0.5)), config, EndOfTurn())
    assert texts(events) == []


async def test_a_caller_who_speaks_is_guessed_at_before_the_end(ears: Whisper, detector: Detector) -> None:
    """The second half comes only when a guess at the first is told: on any machine as in real time."""
    said = say(ORDER)
    audio = line(said)
    half = (500 + len(said) // 32) * 8
    guessed = asyncio.Event()

    async def requests() -> AsyncIterator[Request]:
        async for piece in sent(audio[:half], SttConfig().format):
            yield piece
        async with asyncio.timeout(30):
            await guessed.wait()
        async for piece in sent(audio[half:], SttConfig().format):
            yield piece

    events = []
    recognition = Recognition(SttConfig(), [Engine("whisper", ears)], detector)
    async for event in recognition.events(requests()):
        events.append(event)
        if isinstance(event, Interim):
            guessed.set()
    guess = next(event for event in events if isinstance(event, Interim))
    assert guess.text
    assert guess.end_ms < 500 + len(said) / 16  # of half a sentence
    assert guess.stability == 0.0  # the first: nothing has confirmed it
    assert texts(events) == [ORDER]


async def test_two_who_speak_at_once_each_get_their_own_words(ears: Whisper, detector: Detector) -> None:
    one, two = line(say(ORDER)), line(say("thank you very much for your help"))
    heard = await asyncio.gather(call(ears, detector, one), call(ears, detector, two))
    assert [texts(events) for events in heard] == [[ORDER], ["Thank you very much for your help."]]
    assert ears.pool.speaking == 0


async def test_at_capacity_the_next_engine_hears_from_the_start(ears: Whisper, detector: Detector) -> None:
    ears.pool.decode_s = 10.0  # so slow that one caller is all
    ears.pool.begin()
    try:
        trigram = Scripted(Final("where is my order", 500, 1500))
        events = await call([Engine("whisper", ears), Engine("local", trigram)], detector, line(say(ORDER)))
        assert texts(events) == ["where is my order"]
        with pytest.raises(AtCapacity, match="at once"):
            await call(ears, detector, line(say(ORDER)))
    finally:
        ears.pool.end()
    assert ears.pool.speaking == 0


async def test_a_worker_dies_its_call_learns_it_and_the_next_call_is_served(ears: Whisper, detector: Detector) -> None:
    worker = ears.pool.workers[0]
    ears.pool.decode_s = 10.0  # so slow that there are no guesses: what it works on is the final
    os.kill(worker.pid, signal.SIGSTOP)  # it takes the sound, and never answers
    said = say(ORDER)
    voice_end = 500 + len(said) // 16

    async def told() -> AsyncIterator[bytes | SpeechStarted | SpeechStopped]:
        audio = line(said)
        yield audio[: 532 * 8]
        yield SpeechStarted(500)
        yield audio[532 * 8 : (voice_end + 192) * 8]
        yield SpeechStopped(voice_end)
        await asyncio.Event().wait()

    failing = asyncio.ensure_future(anext(aiter(ears.recognize_voice(told(), SttConfig()))))
    async with asyncio.timeout(30):
        while not worker.load:  # noqa: ASYNC110 - the pool tells nobody
            await asyncio.sleep(0.01)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(VendorLost, match="process died"):
        await failing
    await loaded(ears)
    ears.pool.decode_s = 0.1
    assert texts(await call(ears, detector, line(say(ORDER)))) == [ORDER]
    assert ears.pool.speaking == 0


async def test_a_caller_who_hangs_up_leaves_nothing_behind(ears: Whisper, detector: Detector) -> None:
    recognition = Recognition(SttConfig(), [Engine("whisper", ears)], detector)
    events = recognition.events(sent(line(say(ORDER)), SttConfig().format))
    assert isinstance(await anext(events), SpeechStarted)
    await events.aclose()
    assert ears.pool.speaking == 0
    assert texts(await call(ears, detector, line(say(ORDER)))) == [ORDER]


async def test_another_language_is_refused_by_name(ears: Whisper, detector: Detector) -> None:
    with pytest.raises(BadInput, match="English only, not 'fi'"):
        await call(ears, detector, line(silence(0.1)), SttConfig(language="fi"))


async def test_a_number_of_a_length_that_nobody_asked_for_is_heard_by_the_other_too(
    ears: Whisper, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked for is told in the middle of the call, as the bot's question begins to sound."""
    trigram = Scripted(Final("4421", 600, 1500, 0.9))
    monkeypatch.setattr(ears, "second", trigram)
    four = Endpointing(Expect.DIGITS, number_lengths=(4,))
    audio = line(say("three four five"))

    async def requests() -> AsyncIterator[Request]:
        yield four
        async for piece in sent(audio, SttConfig().format):
            yield piece

    recognition = Recognition(SttConfig(), [Engine("whisper", ears)], detector)
    events = [event async for event in recognition.events(requests())]
    (final,) = (event for event in events if isinstance(event, Final))
    assert final.text == "4421"
    assert abs(final.start_ms - 500) < 150
    (config,) = trigram.configs
    assert config.endpointing == four
    trigram.configs.clear()
    three = SttConfig(endpointing=Endpointing(Expect.DIGITS, number_lengths=(3,)))
    assert texts(await call(ears, detector, audio, three)) == ["345"]
    assert not trigram.configs


@pytest.mark.parametrize("expect", [Expect.DIGITS, Expect.SPELLING])
async def test_digits_said_slowly_are_heard_in_one_piece_where_they_were_asked_for(
    ears: Whisper, detector: Detector, expect: Expect
) -> None:
    """One alone is seldom understood; half a second between them is no end."""
    gap = silence(0.5)
    audio = line(say("three"), gap, say("four"), gap, say("five"))
    events = await call(ears, detector, audio, SttConfig(endpointing=Endpointing(expect, max_delay_ms=1500)))
    (heard,) = texts(events)
    assert "".join(heard.split()) == "345"
