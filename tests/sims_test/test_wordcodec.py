"""Words in audio: spoken, damaged on the way, and read back."""

import importlib.util
import itertools
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest

from parley import audio
from testbed.vendors import espeak, mulaw
from testbed.vendors.recorder import heard_words
from testbed.vendors.wordcodec import Decoder, Word, render, words_of

TEXT = (
    "Hello, I'd like to know where my order 1234 is; it should have arrived on Friday. Can you tell me the address of "
    "the office in Massachusetts? Aaa, bookkeeper committee, 7 77 777, a caf\u00e9."
)
WORDS = words_of(TEXT)
CLEAN = render(TEXT)


def texts(words: list[Word]) -> list[str]:
    return [word.text for word in words]


def in_pieces(pcm: np.ndarray, size: int, rate: int = 8000) -> list[str]:
    decoder = Decoder(rate)
    words = [word for at in range(0, len(pcm), size) for word in decoder.feed(pcm[at : at + size])]
    return texts([*words, *decoder.finish()])


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000])
@pytest.mark.parametrize("size", [37, 160, 480, 8000])
def test_every_word_is_read_back_however_the_frames_are_cut(rate: int, size: int) -> None:
    assert in_pieces(render(TEXT, rate=rate).pcm, size, rate) == WORDS


@pytest.mark.parametrize("level", [1.0, 0.316, 0.1])
def test_every_word_survives_mulaw_at_another_level(level: float) -> None:
    assert texts(heard_words(mulaw.from_pcm((CLEAN.pcm * level).astype(np.int16)))) == WORDS


@pytest.mark.parametrize(("voice", "wpm"), [("en-us+f3", 170), ("en", 130), ("en-us+m7", 240), ("es", 170)])
def test_other_voices_and_speeds_carry_the_words_too(voice: str, wpm: int) -> None:
    assert in_pieces(render(TEXT, voice=voice, wpm=wpm).pcm, 160) == WORDS


def test_words_survive_noise_fifteen_decibels_below() -> None:
    random = np.random.default_rng(1)
    noise = float(np.sqrt(np.mean(CLEAN.pcm.astype(float) ** 2))) * 10 ** (-15 / 20)
    for _ in range(5):
        noisy = CLEAN.pcm + random.normal(0, noise, len(CLEAN.pcm))
        got = texts(heard_words(mulaw.from_pcm(np.clip(noisy, -32768, 32767).astype(np.int16))))
        matched = sum(block.size for block in SequenceMatcher(None, WORDS, got, autojunk=False).get_matching_blocks())
        assert matched >= 0.98 * len(WORDS)
        assert matched == len(got)


def test_the_times_are_those_of_the_audio() -> None:
    for heard, spoken in zip(heard_words(CLEAN.pcm), CLEAN.words, strict=True):
        assert heard.start_ms == pytest.approx(spoken.start_ms, abs=15)
        assert heard.end_ms == pytest.approx(spoken.end_ms, abs=15)
        assert words_of(TEXT[spoken.begin : spoken.end]) == [spoken.text]


EDGE_MS = 32  # START and END are so long, and known by a part of it


def test_a_word_cut_at_either_end_is_not_heard() -> None:
    random = np.random.default_rng(2)
    for _ in range(40):
        begin, end = sorted(random.integers(0, len(CLEAN.pcm), 2).tolist())
        got = texts(heard_words(CLEAN.pcm[begin:end]))
        inside = [w for w in CLEAN.words if w.start_ms >= begin / 8 - EDGE_MS and w.end_ms <= end / 8 + EDGE_MS]
        surely = [w.text for w in inside if w.start_ms >= begin / 8 and w.end_ms <= end / 8]
        assert " ".join(surely) in " ".join(got), "whole words are heard"
        assert " ".join(got) in " ".join(w.text for w in inside), "of a cut word, at most its edge is missing"


def test_a_hole_costs_the_words_it_touches_and_invents_none() -> None:
    random = np.random.default_rng(5)
    for _ in range(60):
        begin = int(random.integers(0, len(CLEAN.pcm) - 2000))
        end = begin + int(random.integers(80, 2000))
        got = texts(heard_words(np.concatenate([CLEAN.pcm[:begin], CLEAN.pcm[end:]])))
        touched = [w for w in CLEAN.words if w.end_ms > begin / 8 and w.start_ms < end / 8]
        following = iter(WORDS)
        assert all(word in following for word in got)
        assert len(got) >= len(WORDS) - len(touched)


def test_letters_so_far_of_the_word_under_way() -> None:
    word = next(w for w in CLEAN.words if w.text == "massachusetts")
    decoder = Decoder()
    decoder.feed(CLEAN.pcm[: int((word.start_ms + word.end_ms) / 2 * 8)])
    partial = decoder.partial()
    assert partial is not None
    assert "massachusetts".startswith(partial.text)
    assert len(partial.text) >= 4
    decoder.feed(np.zeros(1600, np.int16))
    assert decoder.partial() is None
    assert decoder.broken == 1


def test_silence_noise_and_bare_speech_hold_no_words() -> None:
    random = np.random.default_rng(7)
    assert heard_words(np.zeros(16000, np.int16)) == []
    assert heard_words(random.normal(0, 3000, 80000).astype(np.int16)) == []
    speech, rate = espeak.speak("The quick brown fox jumps over the lazy dog again and again.", "en-us", 160)
    assert heard_words(speech, rate) == []


def test_mulaw_is_g711() -> None:
    assert mulaw.from_pcm(np.array([0, -1, 32767, -32768, 1000], np.int16)) == bytes([0xFF, 0x7F, 0x80, 0x00, 0xCE])
    for code in range(256):
        again = mulaw.from_pcm(mulaw.to_pcm(bytes([code])))[0]
        assert again == code or {again, code} == {0x7F, 0xFF}


def test_the_product_and_the_stand_ins_agree_on_mulaw() -> None:
    samples = np.arange(-32768, 32768).astype(np.int16)
    assert audio.pcm_to_mulaw(samples) == mulaw.from_pcm(samples)
    assert np.array_equal(audio.mulaw_to_pcm(bytes(range(256))), mulaw.to_pcm(bytes(range(256))))


def test_speech_with_words_is_speech_to_a_voice_detector() -> None:
    ort = pytest.importorskip("onnxruntime")
    # The package itself would import torch; only its model file is needed.
    silero = importlib.util.find_spec("silero_vad")
    if silero is None or silero.origin is None:
        pytest.skip("pip install --no-deps silero-vad")
    model = ort.InferenceSession(str(Path(silero.origin).parent / "data" / "silero_vad.onnx"))
    quiet = np.zeros(8000, np.float32)
    wave = np.concatenate([quiet, CLEAN.pcm.astype(np.float32) / 32768])
    state, context, heard = np.zeros((2, 1, 128), np.float32), np.zeros(32, np.float32), []
    for at in range(0, len(wave) - 256, 256):
        window = np.concatenate([context, wave[at : at + 256]])[None]
        chance, state = model.run(None, {"input": window, "state": state, "sr": np.array(8000, np.int64)})
        context = wave[at + 224 : at + 256]
        heard.append(float(chance[0, 0]) > 0.5)
    assert not any(heard[:30])
    assert any(heard[32:36])
    assert sum(heard[32:]) > 0.8 * len(heard[32:])
    assert max(len(list(run)) for voiced, run in itertools.groupby(heard[32:]) if not voiced) < 14
