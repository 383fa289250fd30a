"""The recogniser stand-in, driven by Deepgram's own SDK."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
import websockets
from deepgram import AsyncDeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment

from testbed.patience import PATIENCE_S
from testbed.vendors import mulaw
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.faults import Fault
from testbed.vendors.wordcodec import render

PHONE: dict[str, Any] = {"model": "nova-3", "encoding": "mulaw", "sample_rate": 8000}
ORDER = "Where is my order 1234?"


def spoken(text: str, silence_ms: int = 0) -> bytes:
    pcm = np.concatenate([render(text).pcm, np.zeros(silence_ms * 8, np.int16)])
    return mulaw.from_pcm(pcm)


def client(sim: DeepgramSim, key: str = "k") -> AsyncDeepgramClient:
    env = DeepgramClientEnvironment(base=sim.url, production=sim.ws_url, agent=sim.ws_url, agent_rest=sim.url)
    return AsyncDeepgramClient(api_key=key, environment=env)


class Line:
    """An SDK connection with everything it received."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.errors: asyncio.Queue[Any] = asyncio.Queue()

    async def say(self, audio: bytes, frame: int = 160) -> None:
        for at in range(0, len(audio), frame):
            await self.socket.send_media(audio[at : at + frame])

    async def until(self, **wanted: Any) -> list[Any]:
        """All messages up to the first that has these values."""
        got = []
        async with asyncio.timeout(PATIENCE_S):
            while True:
                got.append(await self.messages.get())
                if all(getattr(got[-1], name, None) == value for name, value in wanted.items()):
                    return got


@asynccontextmanager
async def line(sim: DeepgramSim, version: str = "v1", **query: Any) -> AsyncIterator[Line]:
    listen = getattr(client(sim).listen, version)
    async with listen.connect(**query) as socket:
        got = Line(socket)
        socket.on(EventType.MESSAGE, got.messages.put_nowait)
        socket.on(EventType.ERROR, got.errors.put_nowait)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(socket.start_listening())
            yield got
            listening.cancel()


def transcript(message: Any) -> str:
    return str(message.channel.alternatives[0].transcript)


async def test_a_sentence_is_heard_word_by_word_and_ends_with_speech_final() -> None:
    async with (
        DeepgramSim() as sim,
        line(sim, **PHONE, interim_results=True, endpointing=300, vad_events=True) as phone,
    ):
        await phone.say(spoken(ORDER, 400))
        got = await phone.until(type="Results", speech_final=True)
    assert got[0].type == "SpeechStarted"
    interims = [transcript(m) for m in got if m.type == "Results" and not m.is_final]
    assert interims
    assert all("where is my order 1234".startswith(text) for text in interims)
    assert transcript(got[-1]) == "where is my order 1234"
    first = got[-1].channel.alternatives[0].words[0]
    assert first.word == "where"
    assert abs(first.start) < 0.03
    seen = sim.records[-1]
    assert seen.text == "where is my order 1234"
    assert [told.kind for told in seen.told] == ["SpeechStarted", "speech_final"]
    assert seen.told[-1].text == "where is my order 1234"
    assert "Authorization" not in seen.headers


async def test_words_that_never_arrived_are_not_returned() -> None:
    audio = spoken("cancel my order")
    cut = int(render("cancel my order").words[2].start_ms + 100) * 8
    async with DeepgramSim() as sim, line(sim, **PHONE, endpointing=200) as phone:
        await phone.say(audio[:cut])
        await phone.say(b"\xff" * 8000)
        got = await phone.until(type="Results", speech_final=True)
    assert transcript(got[-1]) == "cancel my"


async def test_a_cough_starts_speech_but_brings_no_words() -> None:
    cough = np.random.default_rng(3).normal(0, 2500, 2400).astype(np.int16)
    async with DeepgramSim() as sim, line(sim, **PHONE, endpointing=200, vad_events=True) as phone:
        await phone.say(mulaw.from_pcm(cough) + b"\xff" * 4000)
        got = await phone.until(type="Results", speech_final=True)
    assert [m.type for m in got] == ["SpeechStarted", "Results"]
    assert transcript(got[-1]) == ""


async def test_utterance_end_follows_the_last_word_even_in_noise() -> None:
    noise = mulaw.from_pcm(np.random.default_rng(4).normal(0, 300, 12000).astype(np.int16))
    async with (
        DeepgramSim() as sim,
        line(sim, **PHONE, endpointing=300, interim_results=True, utterance_end_ms=1000) as phone,
    ):
        await phone.say(spoken("Hello there.") + noise)
        got = await phone.until(type="UtteranceEnd")
    finals = [transcript(m) for m in got if m.type == "Results" and m.is_final]
    assert finals == ["hello there"]
    assert not any(getattr(m, "speech_final", False) for m in got)


async def test_finalize_flushes_and_close_stream_ends_with_metadata() -> None:
    async with DeepgramSim() as sim, line(sim, **PHONE, endpointing=False) as phone:
        await phone.say(spoken("Yes please."))
        await phone.socket.send_keep_alive()
        await phone.socket.send_finalize()
        flushed = await phone.until(type="Results", from_finalize=True)
        await phone.say(spoken("Thank you."))
        await phone.socket.send_close_stream()
        rest = await phone.until(type="Metadata")
    assert transcript(flushed[-1]) == "yes please"
    assert transcript(rest[0]) == "thank you"
    assert rest[-1].duration > 0.5
    assert sim.records[-1].close_code == 1000


async def test_long_speech_is_finalised_in_segments_that_add_up() -> None:
    text = " ".join(f"number {n} is fine" for n in range(10))
    async with DeepgramSim() as sim, line(sim, **PHONE, endpointing=300, smart_format=True) as phone:
        await phone.say(spoken(text, 400))
        got = await phone.until(type="Results", speech_final=True)
    assert len(got) > 1
    assert " ".join(transcript(m) for m in got).lower().rstrip(".") == text


async def test_sixteen_kilohertz_linear_audio_is_heard_too() -> None:
    pcm = np.concatenate([render(ORDER, rate=16000).pcm, np.zeros(8000, np.int16)]).tobytes()
    query = {**PHONE, "encoding": "linear16", "sample_rate": 16000}
    async with DeepgramSim() as sim, line(sim, **query, endpointing=300) as phone:
        await phone.say(pcm, frame=333)
        got = await phone.until(type="Results", speech_final=True)
    assert transcript(got[-1]) == "where is my order 1234"


async def test_finals_are_as_late_as_asked() -> None:
    loop = asyncio.get_running_loop()
    async with DeepgramSim(final_delay_ms=150) as sim, line(sim, **PHONE, endpointing=200) as phone:
        await phone.say(spoken("Hi.", 400))
        sent = loop.time()
        await phone.until(type="Results", speech_final=True)
        assert 0.12 < loop.time() - sent < 0.5


async def test_silence_on_the_wire_closes_1011_net0001() -> None:
    async with DeepgramSim(silence_limit_s=0.2) as sim, line(sim, **PHONE) as phone:
        async with asyncio.timeout(PATIENCE_S):
            error = await phone.errors.get()
        assert error.rcvd.code == 1011
        assert "net0001" in error.rcvd.reason


@pytest.mark.parametrize(
    ("query", "key", "status", "says"),
    [
        (PHONE, "wrong", 401, "credentials"),
        ({**PHONE, "encoding": "mp3"}, "k", 400, "encoding"),
        ({**PHONE, "utterance_end_ms": 500, "interim_results": "true"}, "k", 400, "1000"),
    ],
)
async def test_refusals_carry_dg_error(query: dict[str, Any], key: str, status: int, says: str) -> None:
    async with DeepgramSim(api_key="k") as sim:
        wire = "&".join(f"{name}={value}" for name, value in query.items())
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(
                f"{sim.ws_url}/v1/listen?{wire}", additional_headers={"Authorization": f"Token {key}"}
            )
        assert refused.value.response.status_code == status
        assert says in refused.value.response.headers["dg-error"]


async def test_too_many_connections_then_all_is_well() -> None:
    async with DeepgramSim() as sim:
        sim.faults.add(Fault("refuse", status=429, times=1))
        with pytest.raises(ApiError) as refused:
            async with line(sim, **PHONE):
                pass
        assert refused.value.status_code == 429
        async with line(sim, **PHONE, endpointing=200) as phone:
            await phone.say(spoken("Hello.", 300))
            await phone.until(speech_final=True)


async def test_a_vendor_that_dies_in_mid_stream() -> None:
    async with DeepgramSim() as sim:
        sim.faults.add(Fault("close", code=1011, after_bytes=1600, times=1))
        async with line(sim, **PHONE) as phone:
            await phone.say(b"\xff" * 3200)
            async with asyncio.timeout(PATIENCE_S):
                assert (await phone.errors.get()).rcvd.code == 1011


async def test_a_stalled_vendor_takes_audio_and_says_nothing() -> None:
    async with DeepgramSim() as sim:
        sim.faults.add(Fault("stall"))
        async with line(sim, **PHONE, endpointing=100) as phone:
            await phone.say(spoken("Hello.", 300))
            await phone.socket.send_close_stream()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await phone.messages.get()
        assert sim.records[-1].text == "hello"


async def test_flux_turn_from_start_to_end() -> None:
    async with (
        DeepgramSim() as sim,
        line(sim, "v2", model="flux-general-en", encoding="mulaw", sample_rate=8000, eager_eot_threshold=0.4) as phone,
    ):
        await phone.say(spoken("I would like", 450) + spoken("a refund", 900), frame=640)
        got = await phone.until(event="EndOfTurn")
    assert got[0].type == "Connected"
    events = [m.event for m in got[1:] if m.event != "Update"]
    assert events == ["StartOfTurn", "EagerEndOfTurn", "TurnResumed", "EagerEndOfTurn", "EndOfTurn"]
    assert got[-1].transcript == "i would like a refund"
    assert got[-1].trigger == "model"
    assert [m.sequence_id for m in got] == list(range(len(got)))


async def test_flux_turn_ended_by_hand() -> None:
    async with (
        DeepgramSim() as sim,
        line(sim, "v2", model="flux-general-en", encoding="mulaw", sample_rate=8000, eot_threshold=1.0) as phone,
    ):
        await phone.say(spoken("Hello there", 100))
        await phone.socket.send_force_end_turn()
        got = await phone.until(event="EndOfTurn")
    assert got[-1].trigger == "manual"
    assert got[-1].transcript == "hello there"
