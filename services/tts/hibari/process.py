"""The body of the voice's process: pieces of text from stdin, spoken by one thread per core, audio to stdout."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import BinaryIO

from parley.errors import Misconfigured
from parley.process.garbage import freeze
from services.tts.english.reading import reading
from services.tts.hibari import sound, voices
from services.tts.hibari.network import Network, batches
from services.tts.hibari.phonemes import Speller
from services.tts.hibari.turns import Stream, Turns
from services.tts.local import pipe
from services.tts.local.pieces import pause_ms
from services.tts.local.pipe import Piece

LONGEST_S = 1.5
"""Callers who would wait longer for their first sound are sent elsewhere."""
_BUSY = "too many callers wait for their first sound"
_MOST_VOICES = 4
_SAMPLE = "Thank you for calling. How can I help you today?"
_SLOWEST, _FASTEST = 0.5, 2.0


class Voice:
    """A voice and how loud it is made."""

    def __init__(self, file: voices.VoiceFile, speller: Speller) -> None:
        self.speller = speller
        self.network = Network(file)
        self.gain = 1.0
        sample = self.network.utter(speller.spell(reading(_SAMPLE)), 1.0)
        if sample is not None:
            self.gain = sound.gain_for(next(iter(sample.slices(first=1000)))[0])


class Voices:
    """Each is loaded once, when it is first asked for."""

    def __init__(self) -> None:
        self._voices: dict[str, Voice] = {}
        self._spellers: dict[bool, Speller] = {}
        self._loading = threading.Lock()

    def get(self, name: str) -> Voice:
        """Raises Misconfigured."""
        with self._loading:
            if name not in self._voices:
                if len(self._voices) == _MOST_VOICES:
                    raise Misconfigured(f"voice: {name!r} would be one more than {_MOST_VOICES} of hibari in use")
                file = voices.find(name)
                if file.british not in self._spellers:
                    self._spellers[file.british] = Speller(file.british)
                self._voices[name] = Voice(file, self._spellers[file.british])
                freeze()
            return self._voices[name]


class Mouth:
    """Speaks what `read` takes in. A stream that was stopped falls silent within a slice of sound."""

    def __init__(self, out: BinaryIO, cores: int, voices: Voices) -> None:
        self._out = out
        self._writing = threading.Lock()
        self._voices = voices
        self._turns = Turns(cores, LONGEST_S)
        self._streams: dict[int, Stream] = {}

    def read(self, source: BinaryIO) -> None:
        """Until stdin ends. A STOP is noticed in the middle of a piece."""
        while len(head := source.read(pipe.HEADER.size)) == pipe.HEADER.size:
            kind, number, size = pipe.header(head)
            payload = source.read(size)
            if kind == pipe.SAY:
                stream = self._streams.setdefault(number, Stream(number))
                if not self._turns.add(stream, self._say(stream, Piece.unpack(payload))):
                    self._send(pipe.DONE, number, pipe.refusal(pipe.BUSY, _BUSY))
            elif kind == pipe.STOP and (stopped := self._streams.pop(number, None)) is not None:
                stopped.live = False
        self._turns.close()

    def speak(self) -> None:
        """Runs in each of the threads."""
        while (job := self._turns.take()) is not None:
            number = job.stream.number
            try:
                next(job.steps)
            except StopIteration:
                continue
            except Misconfigured as e:
                self._send(pipe.DONE, number, pipe.refusal(pipe.WRONG, str(e)))
            except BrokenPipeError:  # the service has gone: nobody is left to be told
                return
            except Exception as e:
                traceback.print_exc()
                self._send(pipe.DONE, number, pipe.refusal(pipe.BROKEN, type(e).__name__))
            else:
                self._turns.again(job)

    def _say(self, stream: Stream, piece: Piece) -> Iterator[None]:
        """One piece, a step for each portion of it."""
        voice = self._voices.get(piece.voice)
        said = reading(piece.text)
        speed = min(max(piece.speed, _SLOWEST), _FASTEST)
        pause, told_ms = piece.pause_ms, 0
        begun = time.monotonic()
        for nth, portion in enumerate(batches(voice.speller.spell(said))):
            if nth:
                yield
                begun = time.monotonic()
            utterance = voice.network.utter(portion, speed)
            if utterance is None:
                continue
            begun_ms = told_ms
            for data, words in sound.chunks(utterance, said, voice.gain, piece.format, pause):
                if not stream.live:
                    return
                told_ms += piece.format.ms(len(data))
                self._turns.played(stream, piece.format.ms(len(data)))
                self._send(pipe.SPOKEN, stream.number, pipe.pack_spoken(words, begun_ms, data))
            pause = pause_ms(portion[-1].phonemes)
            self._turns.took(time.monotonic() - begun)
        self._send(pipe.DONE, stream.number)

    def _send(self, kind: int, number: int, payload: bytes = b"") -> None:
        frame = pipe.frame(kind, number, payload)
        with self._writing:
            self._out.write(frame)
            self._out.flush()


def main() -> None:
    # The frames have stdout to themselves; whatever else prints goes to stderr.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    cores = len(os.sched_getaffinity(0))
    mouth = Mouth(out, cores, Voices())
    threads = [threading.Thread(target=mouth.speak, daemon=True) for _ in range(cores)]
    for thread in threads:
        thread.start()
    with contextlib.suppress(BrokenPipeError):
        mouth.read(sys.stdin.buffer)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
