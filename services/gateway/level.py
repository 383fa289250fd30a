"""How loud a frame is, by table look-up, and when the level rises or falls. A frame costs about a microsecond."""

from __future__ import annotations

from math import log2

from parley.audio import AudioFormat

RISE, FALL = 14, 9
"""Above the noise floor, in level units (16 units = 6 dB), to count as sound, and to stay it."""
_FLOOR_UP = 0.08
_MIN_FLOOR = 16.0

# µ-law is logarithmic by itself: without its sign a code is the level in 6/16 dB, loudest at 0x00.
_MULAW_LEVEL = bytes(127 - (code & 0x7F) for code in range(256))
# The high byte of a 16-bit sample: the same scale from its magnitude. Below 256 (-42 dB) it is silence.
_PCM_LEVEL = bytes(
    min(127, int(16 * log2(high if high < 128 else 255 - high)) + 32) if 0 < high < 255 else 0 for high in range(256)
)


class Level:
    """Follows one caller's level. `heard(frame)` is True when the level has just risen or fallen."""

    def __init__(self, sound: AudioFormat) -> None:
        self._mulaw = sound.encoding == "mulaw"
        self._floor = 32.0
        self.voiced = False
        self.now = 0

    def heard(self, frame: bytes) -> bool:
        # Every fourth sample of PCM is enough for a mean; its high byte is the odd one.
        levels = frame.translate(_MULAW_LEVEL) if self._mulaw else frame[1::8].translate(_PCM_LEVEL)
        self.now = level = sum(levels) // (len(levels) or 1)
        self._floor = max(_MIN_FLOOR, min(float(level), self._floor + _FLOOR_UP))
        voiced = level > self._floor + (FALL if self.voiced else RISE)
        if voiced == self.voiced:
            return False
        self.voiced = voiced
        return True
