"""The voice of this machine, for real: espeak-ng in its own process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import numpy as np
import psutil
import pytest

from parley.audio import BROWSER, TELEPHONE, TELEPHONE_ALAW, AudioFormat, to_pcm
from parley.errors import Misconfigured, Unavailable
from services.tts.local import client, pipe
from services.tts.local.client import VoiceProcess
from services.tts.providers.local import Local
from tests.tts.line import ANSWER, Heard, Line, config, service, settings, text

LONG = "This sentence is spoken again and again, without an end in sight; " * 50


def loudness(heard: Heard) -> float:
    samples = to_pcm(heard.audio, heard.format.encoding).astype(np.float64)
    return float(np.sqrt(np.mean(samples**2)))


def process_of(line: Line) -> VoiceProcess:
    provider = line.synthesis.engines[0].provider
    assert isinstance(provider, Local)
    return provider.process


@pytest.mark.parametrize("audio", [TELEPHONE, TELEPHONE_ALAW, BROWSER, AudioFormat("pcm_s16le", 48000)], ids=str)
async def test_it_speaks_in_the_callers_format_and_tells_when_each_word_sounds(audio: AudioFormat) -> None:
    async with service(settings()) as line:
        heard = await line.say(audio=audio)
    assert 3000 < audio.ms(len(heard.audio)) < 12000
    assert loudness(heard) > 1000
    heard.assert_times_are_sound()
    assert heard.words[-1].end_ms > audio.ms(len(heard.audio)) - 100


@pytest.mark.parametrize(
    "said",
    [
        "It costs $12.50 — or 50% less — at 3:30 p.m.; ask me@example.com!",
        "<speak>no &lt;markup&gt; [[h@'loU]] here</speak> \x01\x02 and \x00 there",
        "Café naïve 日本 “quoted” 😀 e.g. Dr. Smith (ext. 5).",
        "a " * 500,
    ],
)
async def test_any_text_can_be_spoken(said: str) -> None:
    async with service(settings()) as line:
        heard = await line.say((said[:100], said[100:]))
    assert heard.audio
    heard.assert_times_are_sound()


async def test_a_word_longer_than_a_breath_is_spoken_in_parts() -> None:
    async with service(settings()) as line:
        heard = await line.say(("donaudampfschifffahrt" * 40,))
    assert heard.words[0].char_start == 0
    assert heard.words[-1].char_end == len(heard.text)


async def test_a_quicker_voice_is_shorter_and_another_voice_sounds_different() -> None:
    async with service(settings()) as line:
        plain, quick = await line.say(), await line.say(speed=1.3)
        woman = await line.say(voice="elevenlabs=X1;local=en-us+f3")
        spanish = await line.say(language="es")
    assert len(quick.audio) < 0.85 * len(plain.audio)
    assert len({plain.audio, woman.audio, spanish.audio}) == 3


@pytest.mark.parametrize("voice", ["../../etc", "en-us+../x", "\0", "x" * 65])
async def test_a_voice_is_a_name_and_no_path(voice: str) -> None:
    async with service(settings()) as line:
        with pytest.raises(Misconfigured, match="no name of a voice"):
            await line.refused(config(voice=voice), text("Hello. "))


async def test_an_unknown_voice_is_named() -> None:
    async with service(settings()) as line:
        with pytest.raises(Misconfigured, match="no voice 'nobody'"):
            await line.refused(config(voice="nobody"), text("Hello. "))
        assert (await line.say()).audio


SPEAK = """
import asyncio
from pathlib import Path
from parley.settings import Settings
from services.tts.providers.local import Local

async def main():
    voice = Local(Settings.read())
    await voice.warm()
    for pid in ("self", voice.process.pid):
        print("libespeak" in Path(f"/proc/{pid}/maps").read_text())
    await voice.aclose()

asyncio.run(main())
"""


async def test_the_library_is_only_in_the_process_of_its_own() -> None:
    python = await asyncio.create_subprocess_exec(sys.executable, "-c", SPEAK, stdout=asyncio.subprocess.PIPE)
    out, _ = await python.communicate()
    assert out.decode().split() == ["False", "True"]


async def test_a_caller_is_not_kept_waiting_by_one_with_a_long_text() -> None:
    async with service(settings()) as line, await line.open() as other:
        await other.write(config())
        await other.write(text(LONG))
        assert (await other.read()).audio.data
        heard = await line.say(("Hello.",))
        assert heard.first_ms < 200


async def test_a_barge_in_stops_synthesis_at_once() -> None:
    async with service(settings()) as line:
        worker = psutil.Process(process_of(line).pid)
        stream = await line.open()
        await stream.write(config())
        await stream.write(text(LONG))
        assert (await stream.read()).audio.data
        stream.cancel()
        await line.until_open(0)
        await line.say(("Hello.",))
        before = sum(worker.cpu_times()[:2])
        await asyncio.sleep(0.1)
        assert sum(worker.cpu_times()[:2]) - before < 0.05


async def test_when_its_process_dies_in_mid_sentence_it_is_started_again_and_no_word_is_lost() -> None:
    async with service(settings()) as line, await line.open() as stream:
        process = process_of(line)
        first = process.pid
        await stream.write(config())
        await stream.write(text(ANSWER[0]))
        heard = Heard("".join(ANSWER), TELEPHONE)
        event = await stream.read()
        heard.audio, heard.words = event.audio.data, list(event.audio.words)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await stream.write(text(ANSWER[1] + ANSWER[2]))
        await stream.done_writing()
        async for event in stream:
            heard.audio += event.audio.data
            heard.words += event.audio.words
        assert process.pid not in (None, first)
    heard.assert_times_are_sound()


async def test_a_process_that_keeps_dying_is_not_started_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_MODULE", "this.is.no.module")
    async with service(settings()) as line:
        begun = time.perf_counter()
        for _ in range(6):
            with pytest.raises(Unavailable):
                await line.refused(config(), text("Hello. "))
        assert time.perf_counter() - begun < 5
        with pytest.raises(Unavailable, match="died 5 times"):
            await line.refused(config(), text("Hello. "))


async def test_it_leaves_no_process_behind() -> None:
    async with service(settings()) as line:
        worker = psutil.Process(process_of(line).pid)
        assert worker.is_running()
    assert not worker.is_running()


@pytest.mark.parametrize("head", [b"\x09" * 9, pipe.HEADER.pack(pipe.AUDIO, 1, 1 << 30)])
def test_a_pipe_that_carries_no_frames_is_broken(head: bytes) -> None:
    with pytest.raises(pipe.BrokenPipe):
        pipe.header(head)
