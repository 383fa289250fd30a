"""A model of the end of a turn, plugged in by its file. The files are made here: louder means "not over"."""

import asyncio
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from parley.audio import TELEPHONE, AudioFormat
from parley.engines import Engine
from parley.errors import Misconfigured
from parley.rpc import Admission, Server
from services.stt import turn_model
from services.stt.__main__ import wire
from services.stt.contract import Endpointing, Final, SttConfig
from services.stt.logmel import filters, log_mel
from services.stt.turn_model import TurnModel
from services.stt.turn_sound import TurnSound
from services.stt.vad import Detector
from testbed.vendors.deepgram.sim import DeepgramSim
from tests.stt.line import line, noise, settings, silence, spoken
from tests.stt.test_recognition import Scripted

SAMPLES, FEATURES = [1, 128_000], [1, 80, 800]
PCM = AudioFormat("pcm_s16le", 16000)


def model(folder: Path, shape: list[Any], *, probability: bool = True, inputs: int = 1) -> Path:
    """sigmoid(-mean |x|), or the mean itself."""
    names = [f"x{n}" for n in range(inputs)]
    nodes = [
        helper.make_node("Abs", [names[0]], ["loud"]),
        helper.make_node("ReduceMean", ["loud"], ["mean"], keepdims=0),
        helper.make_node("Neg", ["mean"], ["calm"]),
        helper.make_node("Sigmoid", ["calm"], ["over"]),
    ]
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names]
    out = helper.make_tensor_value_info("over" if probability else "calm", TensorProto.FLOAT, [])
    graph = helper.make_graph(nodes, "turn", given, [out])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / "turn.onnx"
    onnx.save(made, str(path))
    return path


@pytest.mark.parametrize("shape", [SAMPLES, ["batch", 128_000], FEATURES, ["batch", 80, 800]])
async def test_a_model_is_asked_for_its_opinion(tmp_path: Path, shape: list[Any]) -> None:
    judge = TurnModel(model(tmp_path, shape))
    opinion = await judge.opinion(noise(1000, 3000), TELEPHONE)
    assert opinion is not None
    assert 0 < opinion < 1
    await judge.aclose()


async def test_the_sound_of_the_turn_stands_at_the_end_of_eight_seconds(tmp_path: Path) -> None:
    judge = TurnModel(model(tmp_path, SAMPLES))
    hush, short, long = [await judge.opinion(noise(ms, 3000), TELEPHONE) for ms in (0, 1000, 9000)]
    assert hush == 0.5
    assert long is not None
    assert short is not None
    assert 8 * (0.5 - short) == pytest.approx(0.5 - long, rel=0.1)
    await judge.aclose()


def test_a_file_that_is_not_there_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"PARLEY_TURN_MODEL: there is no file .*nothing.onnx"):
        TurnModel(tmp_path / "nothing.onnx")


def test_a_file_that_is_no_model_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"hello")
    with pytest.raises(Misconfigured, match="is no model that onnxruntime reads"):
        TurnModel(tmp_path / "x.onnx")


@pytest.mark.parametrize(
    ("shape", "more", "says"),
    [
        ([1, 16_000], {}, "cannot be run on 8 s of audio"),
        ([1, 1, 1, 4], {}, r"must take one float32 tensor, \(1, 128000\) or \(1, 80, 800\)"),
        (SAMPLES, {"inputs": 2}, "must take one float32 tensor"),
    ],
)
def test_a_model_of_another_shape_says_what_is_needed(
    tmp_path: Path, shape: list[Any], more: dict[str, Any], says: str
) -> None:
    with pytest.raises(Misconfigured, match=says):
        TurnModel(model(tmp_path, shape, **more))


async def test_an_answer_that_is_no_probability_is_no_opinion(tmp_path: Path) -> None:
    judge = TurnModel(model(tmp_path, SAMPLES, probability=False))
    before = turn_model.MISSED.labels("failed")._value.get()
    assert await judge.opinion(noise(4000, 3000), TELEPHONE) is None
    assert turn_model.MISSED.labels("failed")._value.get() == before + 1
    await judge.aclose()


async def test_a_slow_model_holds_nobody_up_and_a_queue_is_not_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = TurnModel(model(tmp_path, SAMPLES))
    monkeypatch.setattr(turn_model, "BOUND_S", 0.05)
    monkeypatch.setattr(judge, "_run", lambda *_: time.sleep(0.1))
    begin = time.monotonic()
    told = await asyncio.gather(*(judge.opinion(b"", PCM) for _ in range(turn_model.WAITING + 3)))
    assert time.monotonic() - begin < 0.1
    assert told == [None] * (turn_model.WAITING + 3)
    assert turn_model.MISSED.labels("busy")._value.get() >= 3
    await judge.aclose()


async def test_the_service_does_not_start_with_a_model_that_is_not_there(sim: DeepgramSim) -> None:
    server = Server("stt", "127.0.0.1:0", Admission(1))
    with pytest.raises(Misconfigured, match="PARLEY_TURN_MODEL"):
        await wire(server, settings(sim, PARLEY_TURN_MODEL="/nowhere/turn.onnx"))


class Opinionated:
    """Answers at once, and keeps what it was asked."""

    def __init__(self, over: float) -> None:
        self._over = over
        self.asked: list[bytes] = []

    async def opinion(self, audio: bytes, format_: AudioFormat) -> float | None:
        self.asked.append(audio)
        return self._over


@pytest.mark.parametrize(("over", "least", "most"), [(0.95, 250, 600), (0.05, 1100, 1500)])
async def test_the_opinion_shortens_or_lengthens_the_wait(
    detector: Detector, over: float, least: int, most: int
) -> None:
    judge = Opinionated(over)
    first, rest = spoken("the blue one", after_ms=250), silence(1500)
    engine = Scripted(*[None] * 20, Final("the blue one", 0, len(first) // 8 - 250))
    config = SttConfig(endpointing=Endpointing(policy="meaning"))
    async with line(Engine("scripted", engine), detector=detector, judge=judge, config=config) as call:
        call.say(first)
        turn = asyncio.ensure_future(call.turn())
        await call.listened(len(first) // 8)
        for at in range(0, len(rest), 480):
            call.say(rest[at : at + 480])
            await call.listened((len(first) + at) // 8)
        ended = await turn
    assert len(judge.asked) == 1
    assert least <= ended.offset_ms - ended.speech_end_ms <= most


async def test_the_model_hears_its_own_turn_only() -> None:
    sound = TurnSound(TELEPHONE, 0)
    for voice_ms in (2000, 5000):
        sound.push(silence(2000))
        sound.begins(voice_ms)
        sound.push(silence(1000))
        sound.falls_silent(voice_ms + 500)
        at_ms, audio = await sound.asked()
        assert at_ms == voice_ms + 500
        sound.over()
    assert TELEPHONE.ms(len(audio)) == 1300


async def test_eight_seconds_are_kept_however_long_the_call() -> None:
    sound = TurnSound(TELEPHONE, 1000)
    sound.begins(1000)
    for _ in range(60):
        sound.push(silence(1000))
    sound.falls_silent(60_000)
    at_ms, audio = await sound.asked()
    assert at_ms == 60_000
    assert len(audio) == 8 * 8000


def test_mel_bands_are_those_of_their_pitch() -> None:
    times = np.arange(128_000) / 16_000
    loudest = [
        int(np.argmax(log_mel(np.sin(2 * np.pi * hz * times).astype(np.float32)).mean(axis=1)))
        for hz in (200, 1000, 4000)
    ]
    assert log_mel(np.zeros(128_000, np.float32)).shape == (80, 800)
    assert loudest == [int(np.argmax(filters()[round(hz / 40)])) for hz in (200, 1000, 4000)]
    assert float(filters().max()) == pytest.approx(0.0259, rel=0.05)
