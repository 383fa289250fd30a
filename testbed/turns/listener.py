"""The caller's ear: what has sounded so far, as words and as runs of sound, while the call goes on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.telephone.heard import RATE, SILENCE, Heard, audible
from testbed.vendors import mulaw
from testbed.vendors.decoder import Decoder
from testbed.vendors.mulaw import Pcm

BREATH_S = 0.35
"""Silence up to this is part of what is being said."""
_BLOCK = RATE // 200


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word of the bot at the caller's ear; seconds of `time.monotonic()`."""

    text: str
    start: float
    end: float


@dataclass(slots=True)
class Run:
    """The bot is heard, from first to last audible sample (to 5 ms)."""

    start: float
    end: float


class Listener:
    """`listen(now)` hears what has sounded since the last time. `sound` has all of it, as µ-law."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._decoder = Decoder()
        self._piece = 0
        self.sound = bytearray()
        self.words: list[HeardWord] = []
        self.runs: list[Run] = []
        """Parted by silences of more than 350 ms."""
        self.fine: list[Run] = []
        """Parted by silences of more than 60 ms."""

    @property
    def broken(self) -> int:
        """Words of which only a part was heard."""
        return self._decoder.broken

    @property
    def last_sound(self) -> float:
        """End of the last sound; the call's beginning when there was none."""
        return self.fine[-1].end if self.fine else self._heard.born

    @property
    def broke_off(self) -> bool:
        """The last sound was cut short: the bot has not finished its sentence."""
        return any(clear.dropped_ms > 0 and abs(clear.at - self.last_sound) < 0.06 for clear in self._heard.clears[-2:])

    def listen(self, now: float) -> None:
        begin = len(self.sound)
        end = int((now - self._heard.born) * RATE)
        if end <= begin:
            return
        self.sound += SILENCE * (end - begin)
        pieces = self._heard.pieces
        for place in range(self._piece, len(pieces)):
            piece = pieces[place]
            if not piece.data:  # cleared before it sounded
                continue
            at = round((piece.start - self._heard.born) * RATE)
            if at >= end:
                break
            first, last = max(at, begin), min(at + len(piece.data), end)
            if last > first:
                self.sound[first:last] = piece.data[first - at : last - at]
            if at + len(piece.data) <= end:
                self._piece = place + 1
        self._take(bytes(self.sound[begin:]), begin)

    def echo(self, place: int, count: int) -> Pcm | None:
        """The samples from `place` on, as far as they have been heard; None when they are silent."""
        part = bytes(self.sound[max(0, place) : max(0, place + count)])
        return mulaw.to_pcm(part) if part and part.count(SILENCE) < len(part) else None

    def _take(self, data: bytes, begin: int) -> None:
        for word in self._decoder.feed(mulaw.to_pcm(data)):
            at = self._heard.born
            self.words.append(HeardWord(word.text, at + word.start_ms / 1000, at + word.end_ms / 1000))
        loud = np.frombuffer(audible(data), np.uint8).nonzero()[0]
        if not len(loud):
            return
        blocks = np.unique(loud // _BLOCK)
        for block in blocks.tolist():
            start = self._heard.born + (begin + block * _BLOCK) / RATE
            for runs, breath in ((self.runs, BREATH_S), (self.fine, 0.06)):
                if runs and start - runs[-1].end <= breath:
                    runs[-1].end = start + _BLOCK / RATE
                else:
                    runs.append(Run(start, start + _BLOCK / RATE))
