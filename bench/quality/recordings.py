"""People: recordings that come in packages of the system, with what is said in them. None of it is in this project."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from bench.quality.callers import WHERE, NotInstalled, levelled, read_wav
from services.stt.contract import Endpointing, Expect

Samples = NDArray[np.int16]
RATE = 16000
ASTERISK = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
ASTERISK_SAYS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
LIBRIVOX = Path("/usr/share/pocketsphinx/test/data/librivox")
PROMPTS, NUMBERS, SPELLINGS = 40, 30, 12
NUMBER_LENGTH, SPELLING_LENGTH = 4, 5
GAP_S = 0.15
_SENTENCE = re.compile(r"[A-Za-z ,'.!?-]+[.!?]\s*")
_FEWEST, _MOST = 4, 25  # words of a prompt


@dataclass(frozen=True, slots=True)
class Recording:
    """`wish`: what the bot has just asked for, where that changes how it is heard."""

    said: str
    sound: Samples
    wish: Endpointing = Endpointing()

    def heard(self, text: str) -> str:
        """What was heard, in the spelling of `said`."""
        if self.wish.expect is not Expect.SPELLING:
            return text
        return " ".join(sign for sign in text.lower() if sign.isalpha())


def people() -> tuple[dict[str, list[Recording]], list[str]]:
    """By kind; and what is to be installed for those that are not here."""
    kinds: dict[str, Callable[[], Iterator[Recording]]] = {
        "prompts, one woman (Asterisk)": _prompts,
        "numbers of four digits, the same woman": _numbers,
        "spelled letters, the same woman": _letters,
        "read aloud (LibriVox)": _librivox,
    }
    found: dict[str, list[Recording]] = {}
    missing = []
    for kind, read in kinds.items():
        try:
            found[kind] = list(read())
        except NotInstalled as e:
            missing.append(f"{kind}: not measured: {e}")
    return found, missing


def _prompts() -> Iterator[Recording]:
    """Whole sentences, evenly taken from all that there are; the package says what is said."""
    _asterisk()
    told = [line.partition(": ") for line in gzip.decompress(ASTERISK_SAYS.read_bytes()).decode().splitlines()]
    whole = [
        (ASTERISK / f"{name}.wav", text.strip())
        for name, _, text in told
        if _SENTENCE.fullmatch(text.strip()) and "..." not in text and _FEWEST <= len(text.split()) <= _MOST
    ]
    there = [(path, text) for path, text in whole if path.exists()]
    for path, text in there[:: max(1, len(there) // PROMPTS)][:PROMPTS]:
        yield Recording(text, levelled(*read_wav(path)))


def _numbers() -> Iterator[Recording]:
    wish = Endpointing(Expect.DIGITS, number_lengths=(NUMBER_LENGTH,))
    return _joined("digits", "0123456789", NUMBERS, NUMBER_LENGTH, wish)


def _letters() -> Iterator[Recording]:
    return _joined("letters", ascii_lowercase, SPELLINGS, SPELLING_LENGTH, Endpointing(Expect.SPELLING))


def _joined(folder: str, signs: str, count: int, length: int, wish: Endpointing) -> Iterator[Recording]:
    """Signs drawn by chance, GAP_S apart; their files have their names."""
    _asterisk()
    rng = random.Random(folder)
    gap = np.zeros(int(GAP_S * RATE), np.int16)
    for _ in range(count):
        drawn = [rng.choice(signs) for _ in range(length)]
        parts = [part for sign in drawn for part in (levelled(*read_wav(ASTERISK / folder / f"{sign}.wav")), gap)]
        yield Recording(" ".join(drawn), np.concatenate(parts[:-1]), wish)


def _librivox() -> Iterator[Recording]:
    if not (LIBRIVOX / "transcription").exists():
        raise NotInstalled(f"install pocketsphinx-testdata (apt); {WHERE}")
    for line in (LIBRIVOX / "transcription").read_text("utf-8").splitlines():
        if match := re.fullmatch(r"<s> (.*?) </s> \((.*)\)", line.strip()):
            yield Recording(match[1], levelled(*read_wav(LIBRIVOX / f"{match[2]}.wav")))


def _asterisk() -> None:
    if not ASTERISK.exists() or not ASTERISK_SAYS.exists():
        raise NotInstalled(f"install asterisk-core-sounds-en-wav (apt); {WHERE}")
