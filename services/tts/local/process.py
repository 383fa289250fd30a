"""The body of the local voice's process: pieces of text from stdin, spoken one at a time in turn, audio to stdout."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from typing import BinaryIO

import numpy as np

from parley.audio import Resampler, from_pcm
from services.tts.local import pipe
from services.tts.local.espeak import Espeak, UnknownVoice
from services.tts.local.pipe import Piece

# Calm, and clear over a telephone.
WORDS_PER_MINUTE = 155
_FIRST_MS, _NEXT_MS = 60, 240


class Mouth:
    """Speaks what `read` takes in, in the order it came. A stream that was stopped falls silent at once."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._engine = Espeak()
        # A stream sends its next piece when it has heard the last: there are never more than streams.
        self._pieces: queue.SimpleQueue[tuple[int, Piece] | None] = queue.SimpleQueue()
        self._live: set[int] = set()

    def read(self, source: BinaryIO) -> None:
        """Runs in a thread of its own, so that a STOP is noticed in the middle of a piece."""
        while len(head := source.read(pipe.HEADER.size)) == pipe.HEADER.size:
            kind, stream, size = pipe.header(head)
            payload = source.read(size)
            if kind == pipe.SAY:
                self._live.add(stream)
                self._pieces.put((stream, Piece.unpack(payload)))
            elif kind == pipe.STOP:
                self._live.discard(stream)
        self._pieces.put(None)

    def speak(self) -> None:
        """Until stdin ends."""
        while (item := self._pieces.get()) is not None:
            stream, piece = item
            if stream in self._live:
                self._send(pipe.DONE, stream, self._say(stream, piece).encode())

    def _say(self, stream: int, piece: Piece) -> str:
        sound = _Sound(piece, self._engine.rate)

        def heard(data: bytes, words: list[tuple[int, int]]) -> bool:
            if part := sound.push(data, words):
                self._send(pipe.AUDIO, stream, part)
            return stream in self._live

        try:
            self._engine.speak(piece.text, piece.voice, round(WORDS_PER_MINUTE * piece.speed), heard)
        except UnknownVoice:
            return f"voice: espeak-ng has no voice {piece.voice!r}; try en-us or en-us+f3"
        if part := sound.rest():
            self._send(pipe.AUDIO, stream, part)
        return ""

    def _send(self, kind: int, stream: int, payload: bytes) -> None:
        self._out.write(pipe.frame(kind, stream, payload))
        self._out.flush()


class _Sound:
    """espeak's samples in the caller's format, in few messages: a short one first, then longer ones."""

    def __init__(self, piece: Piece, rate: int) -> None:
        self._format = piece.format
        self._resampler = Resampler(rate, piece.rate)
        self._pause_ms = piece.pause_ms
        self._ready = self._format.silence(piece.pause_ms)
        self._words: list[tuple[int, int]] = []
        self._due = _FIRST_MS * self._format.bytes_per_ms

    def push(self, data: bytes, words: list[tuple[int, int]]) -> bytes:
        self._words += [(place, ms + self._pause_ms) for place, ms in words]
        self._ready += from_pcm(self._resampler.push(np.frombuffer(data, np.int16)), self._format.encoding)
        return self._packed() if len(self._ready) >= self._due else b""

    def rest(self) -> bytes:
        tail = self._resampler.push(np.zeros(0, np.int16), last=True)
        self._ready += from_pcm(tail, self._format.encoding)
        return self._packed() if self._ready or self._words else b""

    def _packed(self) -> bytes:
        packed = pipe.pack_audio(self._words, self._ready)
        self._ready, self._words = b"", []
        self._due = _NEXT_MS * self._format.bytes_per_ms
        return packed


def main() -> None:
    # The frames have stdout to themselves; whatever else prints goes to stderr.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    mouth = Mouth(out)
    reader = threading.Thread(target=mouth.read, args=(sys.stdin.buffer,), daemon=True)
    reader.start()
    # The service has gone: nobody is left to be told.
    with contextlib.suppress(BrokenPipeError):
        mouth.speak()


if __name__ == "__main__":
    main()
