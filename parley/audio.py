"""Audio as bytes and numbers: µ-law, levels, resampling, rechunking. Mono everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]

EncodingName = Literal["mulaw", "pcm_s16le"]


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What a run of audio bytes is. `rate` in Hz; mono."""

    encoding: EncodingName = "mulaw"
    rate: int = 8000

    @property
    def sample_bytes(self) -> int:
        return 1 if self.encoding == "mulaw" else 2

    @property
    def bytes_per_ms(self) -> int:
        return self.rate * self.sample_bytes // 1000

    def ms(self, size: int) -> int:
        """Duration of `size` bytes in whole milliseconds."""
        return size // self.bytes_per_ms

    def silence(self, ms: int) -> bytes:
        return (b"\xff" if self.encoding == "mulaw" else b"\x00") * (ms * self.bytes_per_ms)


TELEPHONE = AudioFormat("mulaw", 8000)
BROWSER = AudioFormat("pcm_s16le", 16000)


def _decode_mulaw(byte: int) -> int:
    """One G.711 µ-law byte as a 16-bit sample (ITU-T G.711, table 2)."""
    byte = ~byte & 0xFF
    magnitude = (((byte & 0x0F) << 3) + 0x84) << ((byte >> 4) & 0x07)
    return (0x84 - magnitude) if byte & 0x80 else (magnitude - 0x84)


_MULAW = tuple(_decode_mulaw(b) for b in range(256))


def mulaw_to_pcm(data: bytes) -> Samples:
    """µ-law bytes to 16-bit samples, by table."""
    import numpy as np

    return _tables()[0][np.frombuffer(data, np.uint8)]


def pcm_to_mulaw(samples: Samples) -> bytes:
    """16-bit samples to µ-law bytes, by table."""
    import numpy as np

    encoded: bytes = _tables()[1][samples.view(np.uint16)].tobytes()
    return encoded


def to_pcm(data: bytes, encoding: EncodingName) -> Samples:
    import numpy as np

    return mulaw_to_pcm(data) if encoding == "mulaw" else np.frombuffer(data, np.int16)


def from_pcm(samples: Samples, encoding: EncodingName) -> bytes:
    return pcm_to_mulaw(samples) if encoding == "mulaw" else samples.tobytes()


_cached: tuple[Samples, NDArray[np.uint8]] | None = None


def _tables() -> tuple[Samples, NDArray[np.uint8]]:
    """Decoding table of 256 samples, encoding table indexed by the sample as an unsigned 16-bit number."""
    global _cached
    if _cached is None:
        import numpy as np

        samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
        magnitude = np.minimum(np.abs(samples), 32635) + 0x84
        exponent = np.maximum(np.floor(np.log2(magnitude)).astype(np.int32) - 7, 0)
        mantissa = (magnitude >> (exponent + 3)) & 0x0F
        encoded = ~(np.where(samples < 0, 0x80, 0) | (exponent << 4) | mantissa) & 0xFF
        _cached = (np.array(_MULAW, np.int16), encoded.astype(np.uint8))
    return _cached


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
