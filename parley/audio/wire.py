"""Audio formats on the wire and in Python: one mapping for all services."""

from __future__ import annotations

from parley.audio import AudioFormat, EncodingName
from parley.errors import BadInput
from parley.v1 import audio_pb2

_ENCODINGS: dict[EncodingName, audio_pb2.Encoding.ValueType] = {
    "mulaw": audio_pb2.ENCODING_MULAW,
    "alaw": audio_pb2.ENCODING_ALAW,
    "pcm_s16le": audio_pb2.ENCODING_PCM_S16LE,
}
_NAMES = {encoding: name for name, encoding in _ENCODINGS.items()}


def to_wire(audio: AudioFormat) -> audio_pb2.AudioFormat:
    return audio_pb2.AudioFormat(encoding=_ENCODINGS[audio.encoding], sample_rate_hz=audio.rate)


def from_wire(audio: audio_pb2.AudioFormat, field: str) -> AudioFormat:
    """Raises BadInput naming the field: no encoding, or a rate that is not whole kHz from 8 to 48."""
    if (name := _NAMES.get(audio.encoding)) is None:
        known = ", ".join(audio_pb2.Encoding.Name(encoding) for encoding in _NAMES)
        raise BadInput(f"{field}.encoding: must be one of {known}")
    rate = audio.sample_rate_hz
    if not 8000 <= rate <= 48000 or rate % 1000:
        raise BadInput(f"{field}.sample_rate_hz: must be whole kHz, 8000 to 48000; it is {rate}")
    return AudioFormat(name, rate)
