"""How the recogniser stand-ins listen: words by the codec, voice by level, all on the audio's own timeline."""

import numpy as np

from parley.audio import to_pcm
from testbed.vendors import mulaw
from testbed.vendors.decoder import Decoder, Word
from testbed.vendors.mulaw import Pcm

ENCODINGS = ("mulaw", "alaw", "linear16")
_ONSET_BLOCKS = 3


class Ear:
    """Listens to one stream of mono audio.

    `gate_rms` (int16 units) tells voice from silence in blocks of 20 ms; speech begins with the third voiced block of
    four, and is over after 300 ms without one.
    """

    def __init__(self, encoding: str, rate: int, gate_rms: float = 200.0) -> None:
        self._encoding = encoding
        self._decoder = Decoder(rate)
        self._rate = rate
        self._block = rate // 50
        self._gate = float(gate_rms) ** 2
        self._odd = b""
        self._rest: Pcm = np.zeros(0, np.int16)
        self._blocks = 0
        self._recent = 0
        self._samples = 0
        self.last_voice_ms = 0.0
        self.onset_ms: float | None = None
        """When the speech now under way began, or None in silence."""

    @property
    def now_ms(self) -> float:
        """How much audio has arrived."""
        return self._samples * 1000 / self._rate

    @property
    def silence_ms(self) -> float:
        """Audio since the last voiced block."""
        return self.now_ms - self.last_voice_ms

    @property
    def in_word(self) -> bool:
        return self._decoder.partial() is not None

    def hear(self, data: bytes) -> list[Word]:
        """Takes raw audio in the stream's encoding; returns the words completed by it."""
        pcm = self._samples_of(data)
        self._samples += len(pcm)
        self._listen_for_voice(pcm)
        return self._decoder.feed(pcm)

    def finish(self) -> list[Word]:
        return self._decoder.finish()

    def _samples_of(self, data: bytes) -> Pcm:
        if self._encoding == "mulaw":
            return mulaw.to_pcm(data)
        if self._encoding == "alaw":
            return to_pcm(data, "alaw")
        data = self._odd + data
        whole = len(data) & ~1
        self._odd = data[whole:]
        return np.frombuffer(data[:whole], "<i2").astype(np.int16, copy=False)

    def _listen_for_voice(self, pcm: Pcm) -> None:
        pcm = np.concatenate([self._rest, pcm])
        count = len(pcm) // self._block
        self._rest = pcm[count * self._block :]
        if not count:
            return
        blocks = pcm[: count * self._block].reshape(count, self._block).astype(np.float32)
        power = np.einsum("ij,ij->i", blocks, blocks) / self._block
        for voiced in (power > self._gate).tolist():
            self._blocks += 1
            self._recent = (self._recent << 1 | voiced) & 0b1111
            at = self._blocks * 20.0
            if voiced:
                self.last_voice_ms = at
                if self.onset_ms is None and self._recent.bit_count() >= _ONSET_BLOCKS:
                    self.onset_ms = at - _ONSET_BLOCKS * 20.0
            elif self.onset_ms is not None and at - self.last_voice_ms >= 300:
                self.onset_ms = None
