"""Audio as bytes and numbers: G.711, resampling, rechunking. Mono everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]

EncodingName = Literal["mulaw", "alaw", "pcm_s16le"]
_SILENCE: dict[EncodingName, bytes] = {"mulaw": b"\xff", "alaw": b"\xd5", "pcm_s16le": b"\0\0"}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What a run of audio bytes is. `rate` in Hz; mono."""

    encoding: EncodingName = "mulaw"
    rate: int = 8000

    @property
    def sample_bytes(self) -> int:
        return len(_SILENCE[self.encoding])

    @property
    def bytes_per_ms(self) -> int:
        return self.rate * self.sample_bytes // 1000

    def ms(self, size: int) -> int:
        """Duration of `size` bytes in whole milliseconds."""
        return size // self.bytes_per_ms

    def silence(self, ms: int) -> bytes:
        return _SILENCE[self.encoding] * (ms * self.rate // 1000)


TELEPHONE = AudioFormat("mulaw", 8000)
TELEPHONE_ALAW = AudioFormat("alaw", 8000)
"""Outside America and Japan."""
BROWSER = AudioFormat("pcm_s16le", 16000)


def _decode_mulaw(byte: int) -> int:
    """One G.711 µ-law byte as a 16-bit sample (ITU-T G.711, table 2)."""
    byte = ~byte & 0xFF
    magnitude = (((byte & 0x0F) << 3) + 0x84) << ((byte >> 4) & 0x07)
    return (0x84 - magnitude) if byte & 0x80 else (magnitude - 0x84)


def _decode_alaw(byte: int) -> int:
    """One G.711 A-law byte as a 16-bit sample (ITU-T G.711, table 1)."""
    byte ^= 0x55
    exponent, mantissa = (byte >> 4) & 0x07, byte & 0x0F
    magnitude = (mantissa << 4) + 8 if not exponent else ((mantissa << 4) + 0x108) << (exponent - 1)
    return magnitude if byte & 0x80 else -magnitude


_DECODE = {"mulaw": _decode_mulaw, "alaw": _decode_alaw}


def to_pcm(data: bytes, encoding: EncodingName) -> Samples:
    """Bytes to 16-bit samples; G.711 by table."""
    import numpy as np

    if encoding == "pcm_s16le":
        return np.frombuffer(data, np.int16)
    return _tables(encoding)[0][np.frombuffer(data, np.uint8)]


def from_pcm(samples: Samples, encoding: EncodingName) -> bytes:
    """16-bit samples to bytes; G.711 by table."""
    import numpy as np

    if encoding == "pcm_s16le":
        return samples.tobytes()
    encoded: bytes = _tables(encoding)[1][samples.view(np.uint16)].tobytes()
    return encoded


def mulaw_to_pcm(data: bytes) -> Samples:
    return to_pcm(data, "mulaw")


def pcm_to_mulaw(samples: Samples) -> bytes:
    return from_pcm(samples, "mulaw")


@cache
def _tables(encoding: EncodingName) -> tuple[Samples, NDArray[np.uint8]]:
    """Decoding table of 256 samples, encoding table indexed by the sample as an unsigned 16-bit number."""
    import numpy as np

    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    decoded = np.array([_DECODE[encoding](byte) for byte in range(256)], np.int16)
    if encoding == "alaw":
        # Below zero the magnitude is that of the one's complement, as in the standard's table.
        magnitude = np.minimum(np.where(samples < 0, ~samples, samples), 32767)
        exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 7, 0)
        mantissa = (magnitude >> np.where(exponent > 0, exponent + 3, 4)) & 0x0F
        encoded = (np.where(samples < 0, 0, 0x80) | (exponent << 4) | mantissa) ^ 0x55
    else:
        magnitude = np.minimum(np.abs(samples), 32635) + 0x84
        exponent = np.maximum(np.floor(np.log2(magnitude)).astype(np.int32) - 7, 0)
        mantissa = (magnitude >> (exponent + 3)) & 0x0F
        encoded = ~(np.where(samples < 0, 0x80, 0) | (exponent << 4) | mantissa) & 0xFF
    return decoded, encoded.astype(np.uint8)


class Resampler:
    """Streaming change of rate (soxr). `push` returns what is ready; `push` of no samples with `last=True` the tail.

    The same sound gives the same samples: soxr's 16-bit output would have dither in it, of another seed each time.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._same = rate_in == rate_out
        if not self._same:
            import soxr

            self._stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")

    def push(self, samples: Samples, last: bool = False) -> Samples:
        if self._same:
            return samples
        import numpy as np

        out = self._stream.resample_chunk(samples.astype(np.float32), last=last)
        rounded: Samples = np.clip(np.rint(out), -32768, 32767).astype(np.int16)
        return rounded


class Rechunker:
    """Cuts a byte stream into pieces of exactly `size` bytes; `rest` holds what is left over."""

    def __init__(self, size: int) -> None:
        if size <= 0:
            raise ValueError("size must be at least 1 byte")
        self.size = size
        self.rest = b""

    def push(self, data: bytes) -> list[bytes]:
        data = self.rest + data if self.rest else data
        whole = len(data) - len(data) % self.size
        self.rest = data[whole:]
        return [data[i : i + self.size] for i in range(0, whole, self.size)]
