"""Sound as bytes: G.711 in both laws, and formats on the wire."""

from __future__ import annotations

import numpy as np
import pytest

from parley.audio import BROWSER, TELEPHONE, TELEPHONE_ALAW, AudioFormat, EncodingName, from_pcm, to_pcm
from parley.audio.wire import from_wire, to_wire
from parley.errors import BadInput
from parley.v1 import audio_pb2
from services.gateway.ears.level import level_of


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
def test_every_code_of_a_law_is_itself_again(law: EncodingName) -> None:
    codes = bytes(range(256))
    again = from_pcm(to_pcm(codes, law), law)
    same = [a for a, b in zip(codes, again, strict=True) if a != b]
    assert same in ([], [0x7F]), "µ-law has two zeros"


@pytest.mark.parametrize(
    ("sample", "code"), [(0, 0xD5), (8, 0xD5), (-8, 0x55), (255, 0xDA), (256, 0xC5), (32767, 0xAA), (-32768, 0x2A)]
)
def test_a_law_is_that_of_g_711(sample: int, code: int) -> None:
    assert from_pcm(np.array([sample], np.int16), "alaw") == bytes([code])


def test_a_law_loses_no_more_than_its_steps() -> None:
    samples = np.arange(-32768, 32768).astype(np.int16)
    error = np.abs(to_pcm(from_pcm(samples, "alaw"), "alaw").astype(np.int32) - samples)
    assert (error <= np.maximum(8, np.abs(samples.astype(np.int32)) // 32 + 1)).all()


@pytest.mark.parametrize("audio", [TELEPHONE, TELEPHONE_ALAW, BROWSER, AudioFormat("pcm_s16le", 8000)])
def test_a_format_is_itself_again_behind_the_wire_and_its_silence_is_silent(audio: AudioFormat) -> None:
    assert from_wire(to_wire(audio), "format") == audio
    assert len(audio.silence(20)) == 20 * audio.bytes_per_ms
    assert level_of(audio)(audio.silence(20)) <= 1, "A-law has no zero"
    assert np.abs(to_pcm(audio.silence(20), audio.encoding)).max() <= 8


def test_a_level_is_the_same_in_both_laws() -> None:
    for amplitude in (100, 1000, 8000, 30000):
        tone = (np.sin(np.arange(1600) / 5) * amplitude).astype(np.int16)
        one, other = (level_of(AudioFormat(law))(from_pcm(tone, law)) for law in ("mulaw", "alaw"))
        assert abs(one - other) <= 3, amplitude


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (audio_pb2.AudioFormat(sample_rate_hz=8000), "format.encoding: must be one of ENCODING_MULAW, ENCODING_ALAW"),
        (audio_pb2.AudioFormat(encoding=audio_pb2.ENCODING_ALAW, sample_rate_hz=11025), "it is 11025"),
    ],
)
def test_what_is_no_format_is_named(audio: audio_pb2.AudioFormat, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        from_wire(audio, "format")
