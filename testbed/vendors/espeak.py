"""Real speech for the stand-ins: eSpeak NG in a process of its own, one word at a time, the same sound every time.

The library's sound depends on all that it has spoken before (flutter, breath). So the process never speaks itself: it
forks a child for each request, from one and the same state.
"""

import atexit
import ctypes
import os
import struct
import subprocess
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_SYNCHRONOUS = 2
_CHUNK_MS = 60
_RATE_PARAMETER = 1
_UTF8 = 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
_REQUEST = struct.Struct("<HHH")  # lengths of text and voice, words per minute
_ANSWER = struct.Struct("<iI")  # rate in Hz (0: no such voice), bytes of sound that follow


class _Engine:
    """The library, in this process."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MS, data, 0)
        if self.rate <= 0:
            raise RuntimeError(f"eSpeak NG did not start (data folder {data.decode()}); reinstall espeakng-loader")
        self._chunks: list[bytes] = []
        self._callback = _CALLBACK(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if wave and count > 0:
            self._chunks.append(ctypes.string_at(wave, count * 2))
        return 0

    def speak(self, text: bytes, voice: bytes, wpm: int) -> bytes | None:
        """int16 samples; None for an unknown voice."""
        if self._library.espeak_SetVoiceByName(voice) != 0:
            return None
        self._library.espeak_SetParameter(_RATE_PARAMETER, wpm, 0)
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        self._library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8, None, None)
        return b"".join(self._chunks)


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """A child for each request, until the requests end."""
    engine = _Engine()
    while head := requests.read(_REQUEST.size):
        text_size, voice_size, wpm = _REQUEST.unpack(head)
        text, voice = requests.read(text_size), requests.read(voice_size)
        if child := os.fork():
            os.waitpid(child, 0)
            continue
        sound = engine.speak(text, voice, wpm)
        answers.write(_ANSWER.pack(0 if sound is None else engine.rate, len(sound or b"")) + (sound or b""))
        answers.flush()
        os._exit(0)


class _Speaker:
    """The process, and one request at a time."""

    def __init__(self) -> None:
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "testbed.vendors.espeak"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
        )
        self._lock = threading.Lock()
        atexit.register(self._process.kill)

    def speak(self, text: str, voice: str, wpm: int) -> tuple[bytes, int]:
        spoken, name = text.encode(), voice.encode()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(_REQUEST.pack(len(spoken), len(name), wpm) + spoken + name)
            self._process.stdin.flush()
            head = self._process.stdout.read(_ANSWER.size)
            if len(head) < _ANSWER.size:
                raise RuntimeError(f"eSpeak NG died of {text!r}; its own words are on stderr")
            rate, size = _ANSWER.unpack(head)
            return self._process.stdout.read(size), rate


@lru_cache(maxsize=1)
def _speaker() -> _Speaker:
    return _Speaker()


def speak(text: str, voice: str, wpm: int) -> tuple[NDArray[np.int16], int]:
    """Speaks a text: mono int16 samples and their rate in Hz. Raises ValueError for an unknown voice."""
    sound, rate = _speaker().speak(text, voice, wpm)
    if not rate:
        raise ValueError(f"voice: eSpeak NG has no voice {voice!r}; try 'en-us' or 'en-us+f3'")
    return np.frombuffer(sound, np.int16), rate


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
