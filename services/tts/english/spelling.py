"""Letters and digits said one by one."""

from __future__ import annotations

import re
from itertools import pairwise

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RUN = re.compile(r"[A-Za-z]+|\d+")
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)
_GROUPS = {6: (3, 3), 7: (3, 4), 8: (4, 4), 9: (3, 3, 3), 10: (3, 3, 4), 11: (1, 3, 3, 4)}
_MOST_TOGETHER = 5
_GROUP = 4


def letter(char: str) -> str:
    """The name of a letter; a voice knows it by its brackets from the article "a" and the word "I"."""
    return f"‹{char.upper()}›"


def letters(run: str) -> str:
    return _row([letter(char) for char in run])


def digits(run: str) -> str:
    """Digit by digit; many of them in groups with a breath between."""
    return ", ".join(_row([DIGITS[int(digit)] for digit in group]) for group in _grouped(run))


def spelled(code: str) -> str:
    """A code, letter by letter and digit by digit; a part that is a word ("1-800-FLOWERS") is said as one."""
    said: list[str] = []
    at = 0
    for run in RUN.finditer(code):
        apart = any(char in "-./_ " for char in code[at : run.start()])
        said.append(("," if apart and said else "") + " " + _run(run.group()))
        at = run.end()
    return "".join(said).strip()


def reads_as_word(run: str) -> bool:
    """Whether letters in a row are a word, rather than initials."""
    return len(run) >= 4 and len(set(run.lower())) > 2 and _VOWEL.search(run) is not None


def _row(names: list[str]) -> str:
    """With a breath between two of the same, or "four four" is heard as one, or as three."""
    said = names[:1]
    for before, name in pairwise(names):
        said += ([","] if before == name else []) + [" ", name]
    return "".join(said)


def _run(run: str) -> str:
    if run.isdigit():
        return digits(run)
    return run.lower() if reads_as_word(run) else letters(run)


def _grouped(run: str) -> list[str]:
    if len(run) <= _MOST_TOGETHER:
        return [run]
    if sizes := _GROUPS.get(len(run)):
        groups, at = [], 0
        for size in sizes:
            groups.append(run[at : at + size])
            at += size
        return groups
    groups = [run[at : at + _GROUP] for at in range(0, len(run), _GROUP)]
    if len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups
