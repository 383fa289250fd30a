"""Who calls: synthetic voices that no recogniser was made with. One that is not installed is left out, and says how."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from bench.quality.voicebox import Voicebox
from parley.errors import ParleyError
from testbed.voice import voice as espeak

Samples = NDArray[np.int16]
RATE = 16000
LEVEL_DB = -20.0  # of speech, as the tests' callers have it
_LOUD = 0.02  # of the peak: where speech begins and ends
WHERE = "docs/quality.md says how"


class NotInstalled(ParleyError):
    """A voice or a recording that is not on this machine; the message says what to install."""


class Speaker(Protocol):
    def __call__(self, text: str) -> tuple[NDArray[np.float32], int]:
        """Sound of any level, and its rate."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`accent` is for the reader of the tables."""

    name: str
    accent: str
    speak: Speaker


def roster(voices_python: Path | None) -> tuple[list[Caller], list[str]]:
    """Those that are installed, and what is to be installed for the others. Always in the same order."""
    box = Voicebox(voices_python)
    made: list[tuple[str, str, Callable[[], Speaker]]] = [
        ("heart (hibari)", "American", _hibari),
        ("joe (Piper)", "American", lambda: _boxed(box, "piper", "")),
        ("slt (flite)", "American", lambda: _flite("slt")),
        ("awb (flite)", "Scottish", lambda: _flite("awb")),
        ("alpha (Kokoro)", "British, Japanese speaker", lambda: _boxed(box, "kokoro", "jf_alpha")),
        ("kumo (Kokoro)", "British, Japanese speaker", lambda: _boxed(box, "kokoro", "jm_kumo")),
    ]
    callers, missing = [], []
    for name, accent, make in made:
        try:
            callers.append(Caller(name, accent, make()))
        except NotInstalled as e:
            missing.append(f"{name}: not measured: {e}")
    return callers, missing


class Said:
    """What callers say, at one level and rate; kept in `folder`, so that it is made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = asyncio.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    async def say(self, caller: Caller, text: str) -> Samples:
        """One speaks at a time, beside the loop."""
        async with self._turn:
            return await asyncio.to_thread(self._said, caller, text)

    def _said(self, caller: Caller, text: str) -> Samples:
        key = hashlib.sha256(f"{caller.name}|{caller.accent}|{text}".encode()).hexdigest()[:24]
        path = self._folder / f"{key}.npy"
        if not path.exists():
            np.save(path, levelled(*caller.speak(text)))
        kept: Samples = np.load(path)
        return kept


def espeak_caller(name: str, wpm: int) -> Caller:
    """One of eSpeak NG's voices."""
    return Caller(f"{name} {wpm}", "eSpeak NG", lambda text: (_floats(espeak().say(text, name, wpm)), RATE))


def levelled(sound: NDArray[np.float32], rate: int) -> Samples:
    """16 kHz, without silence around it, speech at LEVEL_DB. In floats: 16-bit samples would get dither."""
    samples = np.asarray(soxr.resample(sound.astype(np.float32), rate, RATE), np.float32)
    loud = np.flatnonzero(np.abs(samples) > _LOUD * max(float(np.abs(samples).max(initial=0.0)), 1e-6))
    samples = samples[loud[0] : loud[-1] + 1] if len(loud) else samples
    power = np.sort(samples**2)[len(samples) // 2 :]  # its louder half: pauses do not count
    gain = 10 ** (LEVEL_DB / 20) / max(float(np.sqrt(power.mean())) if len(power) else 0.0, 1e-6)
    rounded: Samples = np.clip(np.rint(samples * gain * 32768), -32768, 32767).astype(np.int16)
    return rounded


def read_wav(path: Path) -> tuple[NDArray[np.float32], int]:
    """16-bit mono."""
    with wave.open(str(path)) as file:
        return _floats(np.frombuffer(file.readframes(file.getnframes()), "<i2")), file.getframerate()


def _floats(samples: Samples) -> NDArray[np.float32]:
    return samples.astype(np.float32) / np.float32(32768)


def _hibari() -> Speaker:
    try:
        from hibari import SAMPLE_RATE, Hibari
    except ImportError as e:
        raise NotInstalled(f"install the extra local (hibari-tts); {WHERE}") from e
    speech = Hibari()
    return lambda text: (np.asarray(speech(text, seed=1), np.float32).ravel(), SAMPLE_RATE)


def _flite(name: str) -> Speaker:
    program = shutil.which("flite")
    if program is None:
        raise NotInstalled(f"install flite (apt); {WHERE}")
    known = subprocess.run([program, "-lv"], capture_output=True, text=True, check=False).stdout.split()
    if name not in known:
        raise NotInstalled(f"this flite has no voice {name!r}; install flite (apt); {WHERE}")

    def speak(text: str) -> tuple[NDArray[np.float32], int]:
        with tempfile.NamedTemporaryFile(suffix=".wav") as out:
            subprocess.run([program, "-voice", name, "-t", text, "-o", out.name], check=True)
            return read_wav(Path(out.name))

    return speak


def _boxed(box: Voicebox, engine: str, name: str) -> Speaker:
    if (wanting := box.wanting(engine)) is not None:
        raise NotInstalled(f"{wanting}; {WHERE}")
    spell = _phonemes() if engine == "kokoro" else (lambda text: text)
    return lambda text: box.say(engine, name, spell(text))


def _phonemes() -> Callable[[str], str]:
    """British, in the alphabet that Kokoro was trained with."""
    try:
        from hibari.g2p import G2P
        from hibari.g2p.normalize import normalize
    except ImportError as e:
        raise NotInstalled(f"install the extra local (hibari-tts); {WHERE}") from e
    rules = G2P(british=True)

    def spell(text: str) -> str:
        found = rules(normalize(text))
        return str(found[0] if isinstance(found, tuple) else found)

    return spell


def names(callers: Sequence[Caller]) -> str:
    return ", ".join(f"{c.name}, {c.accent}" for c in callers)
