"""The sound of one utterance, and what is known of it."""

from __future__ import annotations

import numpy as np

from parley.audio import AudioFormat, to_pcm
from services.stt.contract import Final, Interim
from services.stt.whisper.pool import Job
from services.stt.whisper.prefix import StablePrefix
from services.stt.whisper.wire import Heard

CUT_FROM_MS = 15_000
_FRAME_MS = 20
_QUIET_FRAMES = 10
_LEAST_VOICE_MS = 64


class Utterance:
    """From a little before the voice on. Times in ms of leg time.

    `voice_end`: where the voice ended, as far as is known; None while it is heard. `heard`: the last decode for a
    voice that ended at `heard_end`.
    """

    def __init__(self, audio: AudioFormat, start_ms: int, sound: bytes, voice_from: int) -> None:
        self._format = audio
        self._resumed = voice_from
        self._voiced_ms = 0
        self.start_ms = start_ms
        self.sound = bytearray(sound)
        self.voice_from = voice_from
        self.voice_end: int | None = None
        self.asked_ms = voice_from
        self.asked_end: int | None = None
        self.job: Job | None = None
        self.heard: Heard | None = None
        self.heard_end: int | None = None
        self.prefix = StablePrefix()
        self.final: Final | Interim | None = None  # a second opinion on it is asked for
        self.seconded = False

    @property
    def end_ms(self) -> int:
        """Where its sound ends."""
        return self.start_ms + self._format.ms(len(self.sound))

    @property
    def voice_ms(self) -> int:
        """How much of it is voice."""
        return self._voiced_ms + (max(0, self.end_ms - self._resumed) if self.voice_end is None else 0)

    @property
    def is_voice(self) -> bool:
        return self.voice_ms >= _LEAST_VOICE_MS

    def stop(self, at_ms: int) -> None:
        if self.voice_end is None:
            self._voiced_ms += max(0, at_ms - self._resumed)
            self.voice_end = max(at_ms, self.voice_from)

    def resume(self, at_ms: int) -> None:
        self._resumed, self.voice_end = at_ms, None

    def answer(self) -> Heard | None:
        """What was heard of all of its voice; None: that is not known yet."""
        return self.heard if self.heard is not None and self.heard_end == self.voice_end else None

    def cut(self) -> Utterance:
        """Cut at its quietest place; gives the rest, in which the voice goes on."""
        place = self._quietest_ms()
        size = self._format.bytes_per_ms * place
        at_ms = self.start_ms + place
        rest = Utterance(self._format, at_ms, bytes(self.sound[size:]), at_ms)
        self.stop(at_ms)
        del self.sound[size:]
        return rest

    def _quietest_ms(self) -> int:
        """Middle of the 200 ms with the least energy, in what comes after the first 15 s."""
        samples = to_pcm(bytes(self.sound), self._format.encoding).astype(np.float32)
        size = self._format.rate * _FRAME_MS // 1000
        frames = samples[: len(samples) // size * size].reshape(-1, size)
        power = np.convolve((frames**2).mean(axis=1), np.ones(_QUIET_FRAMES), mode="valid")
        first = CUT_FROM_MS // _FRAME_MS
        return (first + int(np.argmin(power[first:])) + _QUIET_FRAMES // 2) * _FRAME_MS
