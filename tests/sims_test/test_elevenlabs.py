"""The voice stand-in, driven by ElevenLabs' own SDK and, where that has no async client, by a bare WebSocket."""

import asyncio
import base64
import json
from typing import Any

import numpy as np
import pytest
import websockets
from elevenlabs.client import AsyncElevenLabs
from elevenlabs.core.api_error import ApiError

from testbed.patience import PATIENCE_S
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.faults import Fault
from testbed.vendors.recorder import heard_text, heard_words

ANSWER = "Your order has shipped, and it should arrive on Friday."
WORDS = "your order has shipped and it should arrive on friday"
HEADERS = {"xi-api-key": "k"}


def address(sim: ElevenLabsSim, path: str = "stream-input", **query: str) -> str:
    asked = "&".join(f"{k}={v}" for k, v in {"model_id": "m", "output_format": "ulaw_8000", **query}.items())
    return f"{sim.ws_url}/v1/text-to-speech/v/{path}?{asked}"


async def say(socket: Any, *messages: dict[str, Any]) -> None:
    for message in messages:
        await socket.send(json.dumps(message))


async def all_of(socket: Any) -> list[dict[str, Any]]:
    return [json.loads(text) async for text in socket]


def audio(messages: list[dict[str, Any]]) -> bytes:
    return b"".join(base64.b64decode(m["audio"]) for m in messages if m.get("audio"))


@pytest.mark.parametrize(
    ("name", "rate"), [("ulaw_8000", 8000), ("pcm_8000", 8000), ("pcm_16000", 16000), ("pcm_24000", 24000)]
)
async def test_the_sdk_streams_what_it_was_told_to_say(name: Any, rate: int) -> None:
    async with ElevenLabsSim() as sim:
        client = AsyncElevenLabs(api_key="k", base_url=sim.url)
        got = b"".join([b async for b in client.text_to_speech.stream("v", text=ANSWER, output_format=name)])
    assert heard_text(got if name.startswith("ulaw") else np.frombuffer(got, np.int16), rate) == WORDS


async def test_the_sdk_streams_with_timestamps() -> None:
    async with ElevenLabsSim() as sim:
        client = AsyncElevenLabs(api_key="k", base_url=sim.url)
        parts = [
            part
            async for part in client.text_to_speech.stream_with_timestamps("v", text=ANSWER, output_format="pcm_22050")
        ]
    chars = [char for part in parts if part.alignment for char in part.alignment.characters]
    assert "".join(chars) == ANSWER


async def test_the_sdk_hangs_up_and_is_noticed() -> None:
    async with ElevenLabsSim(speed=1, chunk_ms=40) as sim:
        client = AsyncElevenLabs(api_key="k", base_url=sim.url)
        stream = client.text_to_speech.stream("v", text=ANSWER, output_format="ulaw_8000")
        async for _ in stream:
            break
        await stream.aclose()
        await sim.until(lambda: sim.open_connections == 0)
        assert not sim.records[-1].finished


async def test_a_wrong_key_over_http() -> None:
    async with ElevenLabsSim(api_key="right") as sim:
        client = AsyncElevenLabs(api_key="wrong", base_url=sim.url)
        with pytest.raises(ApiError) as refused:
            async for _ in client.text_to_speech.stream("v", text="hi", output_format="ulaw_8000"):
                pass
        assert refused.value.status_code == 401


async def test_a_socket_speaks_the_text_and_says_when_each_character_sounds() -> None:
    async with (
        ElevenLabsSim() as sim,
        websockets.connect(address(sim, sync_alignment="true"), additional_headers=HEADERS) as socket,
    ):
        await say(socket, {"text": " "}, {"text": "Your order has shipped, and "}, {"text": "it should arrive "})
        await say(socket, {"text": "on Friday. ", "flush": True}, {"text": ""})
        got = await all_of(socket)
    assert socket.close_code == 1000
    assert heard_text(audio(got)) == WORDS
    assert got[-1]["isFinal"] is True
    assert got[-1]["audio"] is None
    offset, starts, chars = 0.0, [], ""
    for message in got[:-1]:
        alignment = message["alignment"]
        assert all(0 <= at <= 240 for at in alignment["charStartTimesMs"])
        starts += [offset + at for at in alignment["charStartTimesMs"]]
        chars += "".join(alignment["chars"])
        offset += len(base64.b64decode(message["audio"])) / 8
    arrive = next(word for word in heard_words(audio(got)) if word.text == "arrive")
    assert starts[chars.index("arrive")] == pytest.approx(arrive.start_ms, abs=15)
    assert sim.records[-1].spoken == ["Your order has shipped, and it should arrive on Friday. "]


async def test_no_audio_before_the_schedule_is_reached_or_flushed() -> None:
    async with ElevenLabsSim() as sim, websockets.connect(address(sim), additional_headers=HEADERS) as socket:
        await say(socket, {"text": " ", "generation_config": {"chunk_length_schedule": [50, 500]}})
        await say(socket, {"text": "Forty characters are not enough to go. "})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.1)
        await say(socket, {"text": "Now they are enough to be spo"})
        await asyncio.wait_for(socket.recv(), PATIENCE_S)
        assert sim.records[-1].spoken == ["Forty characters are not enough to go. Now they are enough to be "]
        await say(socket, {"text": "ken. "}, {"text": ""})
        assert heard_text(audio(await all_of(socket))).endswith("spoken")


async def test_auto_mode_speaks_each_sentence_at_once() -> None:
    async with (
        ElevenLabsSim() as sim,
        websockets.connect(address(sim, auto_mode="true"), additional_headers=HEADERS) as socket,
    ):
        await say(socket, {"text": " "}, {"text": "Yes. "})
        first = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))
        assert sim.records[-1].spoken == ["Yes. "]
        assert first["alignment"] is None
        await say(socket, {"text": ""})
        assert heard_text(audio([first, *await all_of(socket)])) == "yes"


async def test_audio_comes_late_and_paced_as_asked() -> None:
    loop = asyncio.get_running_loop()
    async with (
        ElevenLabsSim(ttfb_ms=100, speed=4, chunk_ms=240) as sim,
        websockets.connect(address(sim), additional_headers=HEADERS) as socket,
    ):
        begin = loop.time()
        await say(socket, {"text": " "}, {"text": "Your order has shipped. "}, {"text": ""})
        times = [loop.time() - begin async for _ in socket]
        assert times[0] == pytest.approx(0.1, abs=0.05)
        assert times[4] - times[0] == pytest.approx(4 * 0.06, abs=0.05)


async def test_a_wrong_key_is_told_after_the_upgrade() -> None:
    async with (
        ElevenLabsSim(api_key="right") as sim,
        websockets.connect(address(sim), additional_headers=HEADERS) as socket,
    ):
        await say(socket, {"text": " "})
        assert json.loads(await socket.recv())["error"] == "invalid_api_key"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


async def test_the_upgrade_is_refused_while_http_works() -> None:
    async with ElevenLabsSim() as sim:
        sim.faults.add(Fault("refuse", status=403, only="stream-input"))
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(address(sim), additional_headers=HEADERS)
        client = AsyncElevenLabs(api_key="k", base_url=sim.url)
        got = b"".join([b async for b in client.text_to_speech.stream("v", text="Yes.", output_format="ulaw_8000")])
        assert heard_text(got) == "yes"


async def test_a_socket_that_dies_stalls_or_babbles() -> None:
    async with ElevenLabsSim() as sim:
        for fault in (Fault("close", code=1011, after_items=2), Fault("stall", after_items=2), Fault("garbage")):
            sim.faults.clear()
            sim.faults.add(fault)
            async with websockets.connect(address(sim), additional_headers=HEADERS) as socket:
                await say(socket, {"text": " "}, {"text": "Your order has shipped. ", "flush": True})
                if fault.kind == "close":
                    with pytest.raises(websockets.ConnectionClosedError):
                        await all_of(socket)
                elif fault.kind == "stall":
                    await socket.recv()
                    await socket.recv()
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(socket.recv(), 0.1)
                else:
                    with pytest.raises(json.JSONDecodeError):
                        json.loads(await socket.recv())


async def test_a_socket_that_stands_still_goes_on_where_it_was() -> None:
    async with (
        ElevenLabsSim() as sim,
        websockets.connect(address(sim), additional_headers=HEADERS) as socket,
    ):
        await sim.until(lambda: bool(sim.live))
        sim.strike(Fault("slow", after_ms=300))
        await say(socket, {"text": " "}, {"text": "Your order has shipped. ", "flush": True})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.15):
                await socket.recv()
        async with asyncio.timeout(PATIENCE_S):
            assert json.loads(await socket.recv())["audio"]


async def test_an_idle_socket_is_ended() -> None:
    async with (
        ElevenLabsSim() as sim,
        websockets.connect(address(sim, inactivity_timeout="0.2"), additional_headers=HEADERS) as socket,
    ):
        await say(socket, {"text": " "})
        assert json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))["error"] == "input_timeout_exceeded"


async def test_the_default_format_is_not_for_telephones() -> None:
    async with ElevenLabsSim() as sim:
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(address(sim).replace("&output_format=ulaw_8000", ""), additional_headers=HEADERS)


async def test_contexts_of_one_socket_speak_apart_and_one_is_cut() -> None:
    async with (
        ElevenLabsSim() as sim,
        websockets.connect(address(sim, "multi-stream-input"), additional_headers=HEADERS) as socket,
    ):
        await say(socket, {"text": " ", "context_id": "a"})
        await say(socket, {"text": "First answer. ", "context_id": "a", "flush": True})
        await say(socket, {"text": "Never spoken. ", "context_id": "a"}, {"context_id": "a", "close_context": True})
        await say(socket, {"text": " ", "context_id": "b"}, {"text": "Second answer. ", "context_id": "b"})
        await say(socket, {"close_socket": True})
        got = await all_of(socket)
    by_context = {name: [m for m in got if m["contextId"] == name] for name in "ab"}
    assert heard_text(audio(by_context["a"])) == "first answer"
    assert heard_text(audio(by_context["b"])) == "second answer"
    assert all(messages[-1]["isFinal"] for messages in by_context.values())


async def test_the_context_socket_as_the_vendor_really_spells_it() -> None:
    async with (
        ElevenLabsSim(snake_case=True) as sim,
        websockets.connect(address(sim, "multi-stream-input"), additional_headers=HEADERS) as socket,
    ):
        await say(socket, {"text": "Yes. ", "context_id": "a", "flush": True}, {"close_socket": True})
        got = await all_of(socket)
    assert {message["context_id"] for message in got} == {"a"}
    assert got[-1]["is_final"] is True


async def test_the_sixth_context_kills_the_socket() -> None:
    async with (
        ElevenLabsSim() as sim,
        websockets.connect(address(sim, "multi-stream-input"), additional_headers=HEADERS) as socket,
    ):
        await say(socket, *({"text": " ", "context_id": str(n)} for n in range(6)))
        assert json.loads(await socket.recv())["error"] == "max_active_conversations"
