"""What a caller hears when the voice fails in the middle of a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from parley.audio import TELEPHONE
from parley.engines import Engine
from parley.errors import AtCapacity, BadInput, Misconfigured, TooLate, Unavailable, VendorLost
from parley.text.words import units
from services.tts.contract import AudioChunk, TtsConfig, WordTime
from services.tts.providers.elevenlabs import ElevenLabs
from services.tts.synthesis import Synthesis
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.faults import Fault
from testbed.vendors.wordcodec import words_of
from tests.tts.line import ANSWER, Heard, config, service, settings, text

WORDS = words_of("".join(ANSWER))
WORD_MS = 100


class Drone:
    """A second voice that needs no vendor: each word is 100 ms of one byte. `asked` is the text it was given."""

    def __init__(self) -> None:
        self.asked = ""
        self.voice = "?"
        self.begun = asyncio.Event()

    async def warm(self) -> None: ...

    async def aclose(self) -> None: ...

    async def synthesize(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncIterator[AudioChunk]:
        self.voice = config.voice
        self.begun.set()
        ms = 0
        async for piece in text:
            base = len(self.asked)
            self.asked += piece
            for begin, end in units(piece):
                word = WordTime(base + begin, base + end, ms, ms + WORD_MS)
                ms += WORD_MS
                yield AudioChunk(b"\x55" * WORD_MS * config.format.bytes_per_ms, (word,))


async def speak(synthesis: Synthesis, voice: str = "", hold: asyncio.Event | None = None, attempt: int = 0) -> Heard:
    """The answer through these engines; its text is complete only when `hold` is set."""

    async def phrases() -> AsyncIterator[str]:
        for phrase in ANSWER:
            yield phrase
        if hold is not None:
            await hold.wait()

    heard = Heard("".join(ANSWER), TELEPHONE)
    async for chunk in synthesis.speak(phrases(), TtsConfig(voice=voice, attempt=attempt)):
        heard.audio += chunk.data
        heard.words += chunk.words  # type: ignore[arg-type]
    return heard


@pytest.mark.parametrize("code", [0, 1000, 1011])
@pytest.mark.parametrize("chunks", [0, 1, 3, 9])
async def test_the_other_voice_goes_on_at_the_word_where_the_first_was_cut_off(code: int, chunks: int) -> None:
    drone = Drone()
    async with ElevenLabsSim(speed=40) as sim:
        sim.faults.add(Fault("close", code=code, after_items=chunks))
        first = ElevenLabs(settings(sim))
        heard = await speak(Synthesis([Engine("elevenlabs", first), Engine("local", drone)]))
        await first.aclose()
    heard.assert_times_are_sound()
    by_first, by_second = heard.spoken, words_of(drone.asked)
    # A line cut before its first byte was read looks like a refused upgrade: the first voice goes on by HTTP.
    assert by_second or (code == 0 and by_first == WORDS)
    # A word cut in its last breath is understood all the same, and said again.
    repeated = len(by_first) + len(by_second) - len(WORDS)
    assert repeated in (0, 1)
    assert by_first + by_second[repeated:] == WORDS
    assert drone.asked == heard.text[len(heard.text) - len(drone.asked) :]


@pytest.mark.parametrize("kind", ["garbage", "error", "close"])
async def test_a_lone_voice_is_called_again_and_no_word_is_lost(kind: str) -> None:
    async with ElevenLabsSim(speed=40) as sim, service(settings(sim)) as line:
        sim.faults.add(Fault(kind, after_items=2, times=1))  # type: ignore[arg-type]
        heard = await line.say()
    assert heard.spoken == WORDS
    heard.assert_times_are_sound()


async def test_a_voice_that_is_lost_twice_is_reported_as_lost() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("close", code=1011))
        with pytest.raises(Unavailable):
            await line.refused(config(), text("Hello. "))


@pytest.mark.parametrize("chunks", [0, 2])
async def test_a_voice_that_stalls_is_left_after_a_while(chunks: int) -> None:
    drone = Drone()
    async with ElevenLabsSim() as sim:
        sim.faults.add(Fault("stall", after_items=chunks))
        first = ElevenLabs(settings(sim))
        heard = await speak(
            Synthesis([Engine("elevenlabs", first), Engine("local", drone)], stall_s=0.2), hold=drone.begun
        )
        await sim.until(lambda: sim.open_connections == 0)
        await first.aclose()
    heard.assert_times_are_sound()
    assert heard.spoken + words_of(drone.asked) == WORDS


async def test_a_lone_voice_that_stalls_is_reported_at_once_so_that_another_replica_can_take_over() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim), stall_s=0.1) as line:
        sim.faults.add(Fault("stall"))
        with pytest.raises(Unavailable, match="no audio for"):
            await line.refused(config(), text("Are you there? "))
        assert len(sim.records) == 1


async def test_a_lone_voice_that_is_slow_is_waited_for_the_next_time() -> None:
    """It would be left each time just before it speaks, and nobody would hear a word."""
    async with ElevenLabsSim(ttfb_ms=400) as sim:
        voice = ElevenLabs(settings(sim))
        synthesis = Synthesis([Engine("elevenlabs", voice)], stall_s=0.25)
        with pytest.raises(VendorLost, match="no audio for 0.25 s"):
            await speak(synthesis)
        assert (await speak(synthesis)).spoken == WORDS
        sim.ttfb_ms = 0
        assert (await speak(synthesis)).spoken == WORDS
        sim.ttfb_ms = 400
        with pytest.raises(VendorLost, match="no audio for 0.25 s"):
            await speak(synthesis)
        await voice.aclose()


async def test_a_lone_voice_is_given_time_when_another_replica_was_left_for_its_silence() -> None:
    async with ElevenLabsSim(ttfb_ms=1200) as sim:
        voice = ElevenLabs(settings(sim))
        assert (await speak(Synthesis([Engine("elevenlabs", voice)], stall_s=0.8), attempt=1)).spoken == WORDS
        drone = Drone()
        both = Synthesis([Engine("elevenlabs", voice), Engine("local", drone)], stall_s=0.8)
        await speak(both, attempt=1)
        assert words_of(drone.asked) == WORDS, "where there is another, nobody waits"
        await voice.aclose()


async def test_waiting_for_the_mind_is_no_stall() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim), stall_s=0.15) as line, await line.open() as stream:
        await stream.write(config())
        await stream.write(text("One moment please. "))
        heard = b""
        while len(heard) < 8000:
            heard += (await stream.read()).audio.data
        await asyncio.sleep(0.4)
        await stream.write(text("Thank you."))
        await stream.done_writing()
        rest = b"".join([event.audio.data async for event in stream])
    assert Heard("", TELEPHONE, heard + rest).spoken == words_of("One moment please. Thank you.")


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_any_refusal_lets_the_next_voice_speak(status: int) -> None:
    drone = Drone()
    async with ElevenLabsSim() as sim:
        sim.faults.add(Fault("refuse", status=status))
        first = ElevenLabs(settings(sim))
        await speak(Synthesis([Engine("elevenlabs", first), Engine("local", drone)]), voice="X1")
        await first.aclose()
    assert words_of(drone.asked) == WORDS
    assert drone.voice == ""


class Refuser(Drone):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.asked_times = 0

    async def synthesize(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncIterator[AudioChunk]:
        self.asked_times += 1
        raise self.error
        yield AudioChunk(b"")


@pytest.mark.parametrize("error", [Misconfigured("key"), AtCapacity("full"), VendorLost("gone")])
async def test_when_no_voice_is_left_the_last_error_is_told(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        await speak(Synthesis([Engine("a", Refuser(VendorLost("first"))), Engine("b", Refuser(error))]))


async def test_a_voice_that_fails_three_times_is_passed_over_and_is_the_last_resort() -> None:
    broken, drone = Refuser(VendorLost("gone")), Drone()
    synthesis = Synthesis([Engine("elevenlabs", broken), Engine("local", drone)])
    for _ in range(3):
        await speak(synthesis)
    assert synthesis.breakers.of("elevenlabs").is_open
    await speak(synthesis, voice="X1")
    assert broken.asked_times == 3
    assert drone.voice == ""  # the voice named is the preferred engine's, also when it does not speak
    only = Synthesis([Engine("elevenlabs", broken), Engine("local", Refuser(VendorLost("too")))], 2.5, 120.0)
    only.breakers = synthesis.breakers
    with pytest.raises(VendorLost):
        await speak(only)
    assert broken.asked_times == 4


async def test_a_caller_who_sends_no_text_says_nothing_about_the_voice() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim), idle_s=0.05) as line:
        for _ in range(3):
            with pytest.raises(TooLate):
                await line.refused(config())
            with pytest.raises(BadInput):
                await line.refused(config(), config())
        assert not line.synthesis.breakers.of("elevenlabs").is_open


async def test_a_silent_voice_is_a_failed_one() -> None:
    class Mute(Drone):
        async def synthesize(self, text: AsyncIterator[str], config: TtsConfig) -> AsyncIterator[AudioChunk]:
            [_ async for _ in text]
            yield AudioChunk(b"")

    drone = Drone()
    await speak(Synthesis([Engine("mute", Mute()), Engine("drone", drone)]))
    assert words_of(drone.asked) == WORDS


async def test_each_voice_is_told_its_own_name() -> None:
    drone = Drone()
    engines = [Engine("elevenlabs", Refuser(VendorLost("gone"))), Engine("local", drone)]
    await speak(Synthesis(engines), voice="elevenlabs=X1;local=en-us+f3")
    assert drone.voice == "en-us+f3"


async def test_a_wrong_request_is_nobody_elses_turn() -> None:
    drone = Drone()
    with pytest.raises(BadInput):
        await speak(Synthesis([Engine("a", Refuser(BadInput("format"))), Engine("b", drone)]))
    assert not drone.asked


async def test_requests_out_of_order_are_refused_with_the_remedy() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        for wrong, remedy in (
            ([text("Hello.")], "config: send it first"),
            ([config(), config()], "only text is due"),
            ([config(), text("a" * 4001)], "4,001 characters"),
            ([config(speed=2.0)], "speed: must be 0.7 to 1.3"),
        ):
            with pytest.raises(BadInput, match=remedy):
                await line.refused(*wrong)


async def test_a_stream_without_text_is_ended() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim), idle_s=0.1) as line:
        with pytest.raises(TooLate, match="nothing came"):
            await line.refused(config())


async def test_an_utterance_without_a_word_is_silence_and_no_error() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        for phrases in ((), ("",), (" ", "\n"), ("... -- ",)):
            heard = await line.say(phrases)
            assert heard.words == []


async def test_over_capacity_the_next_replica_is_asked() -> None:
    async with ElevenLabsSim() as sim, service(settings(sim), capacity=1) as line, await line.open() as stream:
        await stream.write(config())
        await line.until_open(1)
        with pytest.raises(AtCapacity):
            await line.refused(config())


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_what_the_caller_waited_for_and_what_failed_is_counted_by_engine() -> None:
    first_audio = ("voice_tts_ttfb_ms_count", {"engine": "elevenlabs"})
    failures = ("voice_tts_engine_failures_total", {"engine": "elevenlabs", "error": "VendorLost"})
    before = counted(first_audio[0], **first_audio[1]), counted(failures[0], **failures[1])
    async with ElevenLabsSim() as sim, service(settings(sim)) as line:
        sim.faults.add(Fault("close", code=1011, times=1))
        await line.say()
    assert counted(first_audio[0], **first_audio[1]) >= before[0] + 1
    assert counted(failures[0], **failures[1]) == before[1] + 1
