"""The service on loopback, over gRPC, as the gateway uses it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from parley.aio import background
from parley.errors import AtCapacity, BadInput, Misconfigured, ParleyError, Unavailable
from parley.rpc import Admission, CallStream, Peers, Server
from parley.settings import Settings
from parley.v1 import audio_pb2, call_pb2, stt_pb2, stt_pb2_grpc
from services.stt.__main__ import wire
from testbed.patience import PATIENCE_S
from testbed.vendors.deepgram.sim import DeepgramSim
from testbed.vendors.faults import Fault
from tests.stt.line import HEARD, ORDER, settings, silence, spoken

Req = stt_pb2.RecognizeRequest
PHONE = audio_pb2.AudioFormat(encoding=audio_pb2.ENCODING_MULAW, sample_rate_hz=8000)


@asynccontextmanager
async def serving(config: Settings, capacity: int = 100) -> AsyncIterator[tuple[Peers, Server]]:
    server = Server("stt", "127.0.0.1:0", Admission(capacity))
    close = await wire(server, config)
    await server.start()
    try:
        async with Peers("stt", [f"127.0.0.1:{server.port}"]) as peers:
            assert await peers.ready(PATIENCE_S)
            yield peers, server
    finally:
        await server.drain(2)
        await close()


@pytest.fixture
async def stt(sim: DeepgramSim) -> AsyncIterator[Peers]:
    async with serving(settings(sim)) as (peers, _):
        yield peers


async def call(peers: Peers, **config: Any) -> CallStream:
    stream = await peers.open(stt_pb2_grpc.SpeechToTextStub, "Recognize")
    await stream.write(Req(config=stt_pb2.RecognizeConfig(**{"call_id": "CA1", "format": PHONE, **config})))
    return stream


async def say(stream: CallStream, audio: bytes, frame: int = 480) -> None:
    for at in range(0, len(audio), frame):
        await stream.write(Req(audio=audio[at : at + frame]))


async def turn(stream: CallStream) -> tuple[stt_pb2.TurnEnded, list[str]]:
    kinds = []
    async with asyncio.timeout(PATIENCE_S):
        while (event := await stream.read()) is not None:
            kinds.append(event.WhichOneof("event"))
            if kinds[-1] == "turn_ended" and event.turn_ended.kind == stt_pb2.TurnEnded.KIND_CONFIRMED:
                return event.turn_ended, kinds
    raise AssertionError(f"no turn: {kinds}")


async def refusal(stream: CallStream, kind: type[ParleyError], audio: bytes = b"") -> str:
    with pytest.raises(kind) as failure:
        await everything(stream, audio)
    return str(failure.value)


async def everything(stream: CallStream, audio: bytes = b"") -> list[stt_pb2.RecognizeEvent]:
    async with asyncio.timeout(PATIENCE_S):
        await say(stream, audio)
        return [event async for event in stream]


async def test_a_call_is_heard_over_the_wire(stt: Peers) -> None:
    stream = await call(stt, offset_ms=1000, language="en-US", keyterms=["order"])
    await say(stream, spoken(ORDER, after_ms=700, before_ms=300))
    ended, kinds = await turn(stream)
    assert ended.text == HEARD
    assert ended.kind == stt_pb2.TurnEnded.KIND_CONFIRMED
    assert ended.speech_end_ms > 3000
    assert kinds[0] == "speech_started"
    assert {"interim", "final", "speech_stopped"} <= set(kinds)
    await stream.done_writing()
    async with asyncio.timeout(PATIENCE_S):
        assert [e async for e in stream] == []


@pytest.mark.parametrize("number", [0, 3])
async def test_events_carry_the_number_of_the_turn_over_the_wire(stt: Peers, number: int) -> None:
    said = stt_pb2.Final(text="tell me", start_ms=100, end_ms=1000)
    stream = await call(stt, offset_ms=1000, turn=number, said=said)
    await say(stream, spoken(ORDER, after_ms=900, before_ms=300))
    await stream.done_writing()
    events = await everything(stream)
    assert {event.turn for event in events} == {number}
    ended = events[-1].turn_ended
    assert (ended.kind, ended.text) == (stt_pb2.TurnEnded.KIND_CONFIRMED, f"tell me {HEARD}")


async def test_the_button_over_the_wire(stt: Peers) -> None:
    wish = stt_pb2.Endpointing(expect=call_pb2.EXPECT_BUTTON)
    stream = await call(stt, endpointing=wish)
    await say(stream, spoken("Hello there", after_ms=900))
    await stream.write(Req(end_of_turn=stt_pb2.EndOfTurn()))
    assert (await turn(stream))[0].text == "Hello there."
    stream.cancel()


async def test_a_new_endpointing_over_the_wire(stt: Peers) -> None:
    stream = await call(stt, endpointing=stt_pb2.Endpointing(expect=call_pb2.EXPECT_DIGITS, max_delay_ms=30_000))
    await say(stream, spoken("1 2 3", after_ms=900))
    await stream.write(Req(endpointing=stt_pb2.Endpointing(expect=call_pb2.EXPECT_FREE)))
    await say(stream, silence(100))
    assert (await turn(stream))[0].text == "1 2 3."
    stream.cancel()


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"format": audio_pb2.AudioFormat(sample_rate_hz=8000)}, "config.format.encoding"),
        (
            {"format": audio_pb2.AudioFormat(encoding=audio_pb2.ENCODING_MULAW, sample_rate_hz=44100)},
            "sample_rate_hz: 44100; use 8000 or",
        ),
        ({"endpointing": stt_pb2.Endpointing(policy="psychic")}, "there is no 'psychic'; known are dynamic, fixed"),
        ({"endpointing": stt_pb2.Endpointing(max_delay_ms=10**9)}, "endpointing.max_delay_ms"),
        ({"keyterms": ["word"] * 101}, "config.keyterms: 101"),
        ({"lead": bytes(65537)}, "config.lead: 65537 bytes; send at most 65536"),
        ({"said": stt_pb2.Final(text="a" * 16_001)}, "config.said.text: 16001 characters; send at most 16000"),
    ],
)
async def test_a_config_that_is_wrong_is_refused_by_field(stt: Peers, config: dict[str, Any], says: str) -> None:
    assert says in await refusal(await call(stt, **config), BadInput)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Req(audio=bytes(65537)), "audio: 65537 bytes in one message; send at most 65536"),
        (Req(config=stt_pb2.RecognizeConfig()), "config: came twice"),
        (Req(), "request: is empty"),
        (Req(endpointing=stt_pb2.Endpointing(policy="x")), "endpointing.policy"),
        (Req(endpointing=stt_pb2.Endpointing(expect=99)), "endpointing.expect: 99"),  # type: ignore[arg-type]
    ],
)
async def test_a_request_that_is_wrong_is_refused_by_field(stt: Peers, request_: Req, says: str) -> None:
    stream = await call(stt)
    await stream.write(request_)
    assert says in await refusal(stream, BadInput)


@pytest.mark.parametrize("first", [Req(audio=b"\xff" * 160), Req(end_of_turn=stt_pb2.EndOfTurn()), None])
async def test_a_stream_without_config_is_refused(stt: Peers, first: Req | None) -> None:
    stream = await stt.open(stt_pb2_grpc.SpeechToTextStub, "Recognize")
    if first is not None:
        await stream.write(first)
    await stream.done_writing()
    assert "config: is missing" in await refusal(stream, BadInput)


async def test_a_config_that_never_comes_is_not_waited_for(stt: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.stt.servicer.CONFIG_S", 0.1)
    stream = await stt.open(stt_pb2_grpc.SpeechToTextStub, "Recognize")
    assert "did not come" in await refusal(stream, BadInput)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("refuse", status=401), Misconfigured),
        (Fault("refuse", status=429), AtCapacity),
        (Fault("close", after_bytes=960), Unavailable),
        (Fault("close", code=1008, after_bytes=960), Misconfigured),
    ],
)
async def test_the_vendors_failures_reach_the_client_by_their_meaning(
    sim: DeepgramSim, stt: Peers, fault: Fault, kind: type[ParleyError]
) -> None:
    sim.faults.add(fault)
    stream = await call(stt)
    assert await refusal(stream, kind, spoken("Hello", after_ms=400))


async def test_one_stream_too_many_is_sent_to_the_next_replica(sim: DeepgramSim) -> None:
    async with serving(settings(sim), capacity=1) as (peers, server):
        first = await call(peers)
        await say(first, spoken("Hello", after_ms=500))
        await turn(first)
        with pytest.raises(AtCapacity, match="1 of 1"):
            await everything(await call(peers))
        first.cancel()
        await eventually(lambda: server.admission.active == 0)


async def test_fifty_calls_at_once_each_hear_their_own_words(sim: DeepgramSim) -> None:
    async def one(peers: Peers, n: int) -> str:
        stream = await call(peers, call_id=f"CA{n}")
        await say(stream, spoken(f"Order {n} please", after_ms=700, before_ms=n * 10), frame=960)
        ended, _ = await turn(stream)
        stream.cancel()
        return ended.text

    async with serving(settings(sim)) as (peers, _):
        texts = await asyncio.gather(*(one(peers, n) for n in range(50)))
    assert texts == [f"Order {n} please." for n in range(50)]


async def test_two_hundred_short_calls_leave_nothing_behind(sim: DeepgramSim) -> None:
    audio = silence(120)

    async def one(peers: Peers, n: int) -> None:
        stream = await call(peers)
        await say(stream, audio)
        if n % 2:
            await stream.done_writing()
            assert await everything(stream) == []
        else:
            stream.cancel()

    async with serving(settings(sim)) as (peers, server):
        await one(peers, 1)
        await eventually(lambda: server.admission.active == 0)
        before = len(asyncio.all_tasks())
        for _ in range(10):
            await asyncio.gather(*(one(peers, n) for n in range(20)))
        await eventually(lambda: server.admission.active == 0 and sim.open_connections == 0)
        await eventually(lambda: len(asyncio.all_tasks()) <= before)


async def test_ears_that_are_asked_to_stop_hear_the_caller_out_and_then_send_him_on(sim: DeepgramSim) -> None:
    async with serving(settings(sim)) as (peers, server):
        quiet, busy = await call(peers), await call(peers)
        await say(quiet, silence(300))
        sound = spoken(ORDER, after_ms=700)
        await say(busy, sound[: len(sound) // 2])
        async with asyncio.timeout(PATIENCE_S):
            while (event := await busy.read()).WhichOneof("event") != "interim":
                assert event is not None
        async with background(_drain(server)):
            assert "listen elsewhere" in await refusal(quiet, Unavailable)
            with pytest.raises(Unavailable, match="draining"):
                await everything(await call(peers))
            back = await call(peers, offset_ms=1000)
            with suppress(Unavailable):  # given away before its last silence came
                await say(back, spoken(ORDER, after_ms=700))
            with suppress(Unavailable):
                await say(busy, sound[len(sound) // 2 :])
            ended, _ = await turn(busy)
            assert ended.text == HEARD
            assert "listen elsewhere" in await refusal(busy, Unavailable)
            ended, _ = await turn(back)
            assert ended.text == HEARD
            back.cancel()


async def _drain(server: Server) -> None:
    await server.drain(20)


async def eventually(holds: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110  (tasks tell nobody when they are gone)
            await asyncio.sleep(0.01)
