"""espeak-ng by ctypes. Loaded only in the process of `services.tts.local.process`: it is GPL, and bears one thread."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import espeakng_loader

_SYNCHRONOUS = 2
_CHUNK_MS = 60
_UTF8 = 1
_WORD_EVENT = 1
_RATE, _VOLUME = 1, 2
# Louder than this the telephone voices clip.
_LEVEL = 80
_SLOWEST, _FASTEST = 80, 450


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))

Heard = Callable[[bytes, list[tuple[int, int]]], bool]
"""Takes 16-bit samples and the words (character, ms) that begin in them; False stops the speech."""


class UnknownVoice(Exception):
    pass


class Espeak:
    """The library: one voice at a time. `rate` in Hz is that of its samples."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MS, data, 0)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng did not start: reinstall espeakng-loader")
        self._library.espeak_SetParameter(_VOLUME, _LEVEL, 0)
        # It would be the time: a process that says the same texts in the same order makes the same sound.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        self._voice = ""
        self._heard: Heard = lambda _data, _words: False
        self._callback = _Callback(self._on_audio)
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, words_per_minute: int, heard: Heard) -> None:
        """Speak plain text (no markup is understood in it). Raises UnknownVoice."""
        if voice != self._voice:
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                self._voice = ""
                raise UnknownVoice(voice)
            self._voice = voice
        self._library.espeak_SetParameter(_RATE, min(max(words_per_minute, _SLOWEST), _FASTEST), 0)
        self._heard = heard
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)

    def _on_audio(self, wave: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        words = []
        place = 0
        while (event := events[place]).type:
            if event.type == _WORD_EVENT:
                words.append((event.text_position - 1, event.audio_position))
            place += 1
        data = ctypes.string_at(wave, count * 2) if wave and count > 0 else b""
        return 0 if self._heard(data, words) else 1
