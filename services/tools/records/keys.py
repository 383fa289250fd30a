"""Keys that are read out on the phone: confirmation numbers. Pure."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from typing import Literal

Kind = Literal["digits", "letters"]

LETTERS = "HKLQRWXY"
"""No two of them sound alike, and none looks like a digit."""
DIGITS = 6
"""Of kind `digits`: 387104, never a 0 in front, never three alike in a row."""
LETTERED_DIGITS = 4
"""Behind two letters: KR4821."""
TRIES = 8
"""Keys of one length that may be taken before a longer one is tried."""


def candidates(mark: str, kind: Kind) -> Iterator[str]:
    """Keys to try one after another, for ever. The same `mark` gives the same ones; empty: random ones."""
    mark = mark or secrets.token_hex(16)
    attempt = tried = 0
    while True:
        attempt += 1
        seed = int.from_bytes(hashlib.sha256(f"{kind}/{mark}/{attempt}".encode()).digest())
        key = _key(seed, kind, tried // TRIES)
        if not re.search(r"(.)\1\1", key):
            tried += 1
            yield key


def _key(seed: int, kind: Kind, longer: int) -> str:
    if kind == "digits":
        size = DIGITS + longer
        return str(10 ** (size - 1) + seed % (9 * 10 ** (size - 1)))
    seed, first = divmod(seed, len(LETTERS))
    seed, second = divmod(seed, len(LETTERS))
    size = LETTERED_DIGITS + longer
    return f"{LETTERS[first]}{LETTERS[second]}{seed % 10**size:0{size}d}"
