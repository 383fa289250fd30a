"""Real speech for the stand-ins: eSpeak NG, loaded into this process, one word at a time."""

import ctypes
import threading
from functools import lru_cache

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

_SYNCHRONOUS = 2
_CHUNK_MS = 60
_RATE_PARAMETER = 1
_UTF8 = 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _Engine:
    """The library keeps one global voice and aborts when two threads enter it: hence one instance and one lock."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MS, data, 0)
        if self.rate <= 0:
            raise RuntimeError(f"eSpeak NG did not start (data folder {data.decode()}); reinstall espeakng-loader")
        self._chunks: list[bytes] = []
        self._callback = _CALLBACK(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)
        self._lock = threading.Lock()

    def _collect(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if wave and count > 0:
            self._chunks.append(ctypes.string_at(wave, count * 2))
        return 0

    def speak(self, text: str, voice: str, wpm: int) -> NDArray[np.int16]:
        data = text.encode()
        with self._lock:
            self._chunks.clear()
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ValueError(f"voice: eSpeak NG has no voice {voice!r}; try 'en-us' or 'en-us+f3'")
            self._library.espeak_SetParameter(_RATE_PARAMETER, wpm, 0)
            self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # the same words sound the same every time
            self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
            return np.frombuffer(b"".join(self._chunks), np.int16)


@lru_cache(maxsize=1)
def _engine() -> _Engine:
    return _Engine()


def speak(text: str, voice: str, wpm: int) -> tuple[NDArray[np.int16], int]:
    """Speaks a text: mono int16 samples and their rate in Hz. Raises ValueError for an unknown voice."""
    engine = _engine()
    return engine.speak(text, voice, wpm), engine.rate
