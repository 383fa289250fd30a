"""The ElevenLabs voice through the whole service, against a stand-in that speaks only what reached it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from parley.audio import BROWSER, TELEPHONE, AudioFormat
from parley.errors import AtCapacity, BadInput, Misconfigured, Unavailable
from services.tts.contract import TtsConfig
from services.tts.providers.elevenlabs import ElevenLabs
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.faults import Fault
from testbed.vendors.wordcodec import words_of
from tests.tts.line import ANSWER, config, service, settings, text

FORMATS = [TELEPHONE, BROWSER, AudioFormat("pcm_s16le", 8000)]
WORDS = words_of("".join(ANSWER))


@pytest.mark.parametrize("audio", FORMATS, ids=str)
async def test_the_caller_hears_every_word_and_is_told_when(audio: AudioFormat) -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        heard = await line.say(audio=audio)
    assert heard.spoken == WORDS
    heard.assert_times_are_sound()
    assert max(heard.sizes) <= 65536
    assert all(size % audio.sample_bytes == 0 for size in heard.sizes)


async def test_the_voice_is_asked_for_in_the_callers_own_format_and_without_delay() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        await line.say(("Hello. ",), voice="amy/1", language="en-US", speed=1.3)
        seen = sim.records[0]
    assert seen.voice == "amy/1"
    assert seen.query["output_format"] == "ulaw_8000"
    assert seen.query["auto_mode"] == seen.query["sync_alignment"] == "true"
    assert seen.query["language_code"] == "en"
    assert seen.messages[0] == {"text": " ", "voice_settings": {"speed": 1.2}}
    assert seen.messages[1:] == [{"text": "Hello. ", "flush": True}, {"text": ""}]


async def test_the_first_phrase_sounds_while_the_second_is_still_thought_of() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line, await line.open() as stream:
        await stream.write(config())
        await stream.write(text("One moment please. "))
        first = await stream.read()
        assert first.audio.data
        assert not sim.records[0].finished
        await stream.write(text("Here it is."))
        await stream.done_writing()
        assert [event async for event in stream]
        assert sim.records[0].spoken == ["One moment please. ", "Here it is. "]


async def test_the_socket_is_opened_before_there_is_text() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line, await line.open() as stream:
        await stream.write(config())
        await sim.until(lambda: sim.open_connections == 1)


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/text-to-speech"])
@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_the_address_may_be_written_in_any_way(scheme: str, suffix: str) -> None:
    async with ElevenLabsSim() as sim:
        url = sim.url.replace("http", scheme) + suffix
        async with service(settings(sim, ELEVENLABS_BASE_URL=url)) as line:
            assert (await line.say(("Hello.",))).spoken == ["hello"]


async def test_a_barge_in_ends_the_vendors_stream_within_100_ms() -> None:
    async with ElevenLabsSim(speed=1) as sim, service(settings(sim)) as line:
        stream = await line.open()
        await stream.write(config())
        await stream.write(text("This is a rather long answer that nobody will hear to its end. "))
        assert (await stream.read()).audio.data
        begun = time.perf_counter()
        stream.cancel()
        await sim.until(lambda: sim.open_connections == 0)
        assert time.perf_counter() - begun < 0.1
        assert not sim.records[0].finished
        await line.until_open(0)


async def test_a_refused_key_is_a_wrong_setting() -> None:
    async with ElevenLabsSim(api_key="right") as sim, service(settings(sim)) as line:
        with pytest.raises(Misconfigured, match="ELEVENLABS_API_KEY"):
            await line.refused(config())


async def test_a_barge_in_after_the_whole_text_was_sent_ends_it_as_quickly() -> None:
    async with ElevenLabsSim(speed=1) as sim, service(settings(sim)) as line:
        stream = await line.open()
        await stream.write(config())
        await stream.write(text("This is a rather long answer that nobody will hear to its end. "))
        await stream.done_writing()
        assert (await stream.read()).audio.data
        await sim.until(lambda: sim.records[0].messages[-1] == {"text": ""})
        begun = time.perf_counter()
        stream.cancel()
        await sim.until(lambda: sim.open_connections == 0)
        assert time.perf_counter() - begun < 0.1
        assert not sim.records[0].finished


@pytest.mark.parametrize("status", [401, 429])
async def test_a_socket_refused_for_the_accounts_sake_is_not_tried_by_http(status: int) -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("refuse", status=status, only="stream-input"))
        with pytest.raises(AtCapacity if status == 429 else Misconfigured):
            await line.refused(config())
        assert not sim.records


@pytest.mark.parametrize("audio", FORMATS, ids=str)
async def test_where_no_socket_is_let_through_http_speaks(audio: AudioFormat) -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("refuse", status=403, only="stream-input"))
        for _ in range(2):
            heard = await line.say(audio=audio)
            assert heard.spoken == WORDS
            heard.assert_times_are_sound()
        assert all(seen.path.endswith("/stream/with-timestamps") for seen in sim.records)


async def test_a_server_with_plain_streaming_only_is_enough() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("refuse", status=404, only="stream-input"))
        sim.faults.add(Fault("refuse", status=404, only="with-timestamps"))
        heard = await line.say()
        assert heard.spoken == WORDS
        heard.assert_times_are_sound()
        assert {seen.path.rpartition("/")[2] for seen in sim.records} == {"stream"}


async def test_a_vendor_that_was_away_is_spoken_to_by_socket_again() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("refuse", status=503))
        with pytest.raises(Unavailable):
            await line.refused(config(), text("Hello. "))
        sim.faults.clear()
        assert (await line.say()).spoken == WORDS
        assert sim.records[-1].path.endswith("/stream-input")


async def test_http_refusals_keep_their_meaning() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("refuse", status=503, only="stream-input"))
        sim.faults.add(Fault("refuse", status=429, only="with-timestamps", times=1))
        with pytest.raises(AtCapacity):
            await line.refused(config(), text("Hello. "))


async def test_a_barge_in_ends_the_http_request_too() -> None:
    async with ElevenLabsSim(speed=1) as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("refuse", status=403, only="stream-input"))
        stream = await line.open()
        await stream.write(config())
        await stream.write(text("This is a rather long answer that nobody will hear to its end. "))
        assert (await stream.read()).audio.data
        begun = time.perf_counter()
        stream.cancel()
        await sim.until(lambda: sim.open_connections == 0)
        assert time.perf_counter() - begun < 0.1


async def test_a_voice_without_a_key_does_not_start() -> None:
    with pytest.raises(Misconfigured, match="ELEVENLABS_API_KEY"):
        ElevenLabs(settings(None, PARLEY_TTS="elevenlabs"))


async def test_a_format_the_vendor_does_not_have_is_refused_by_name() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        with pytest.raises(BadInput, match="format"):
            await line.refused(config(AudioFormat("pcm_s16le", 32000)))


async def test_nobody_at_the_address_is_a_lost_vendor() -> None:
    nowhere = {"PARLEY_TTS": "elevenlabs", "ELEVENLABS_API_KEY": "k", "ELEVENLABS_BASE_URL": "http://127.0.0.1:1"}
    async with service(settings(None, **nowhere)) as line:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await line.refused(config())


async def _never() -> AsyncIterator[str]:
    yield "Hello. "
    raise RuntimeError("the mind broke")


async def test_a_text_that_fails_ends_the_speech_with_its_own_error() -> None:
    async with ElevenLabsSim() as sim:
        provider = ElevenLabs(settings(sim))
        with pytest.raises(RuntimeError, match="the mind broke"):
            [chunk async for chunk in provider.synthesize(_never(), TtsConfig())]
        await sim.until(lambda: sim.open_connections == 0)
        await provider.aclose()
