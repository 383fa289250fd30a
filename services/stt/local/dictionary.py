"""How words sound: CMUdict (as shipped with pocketsphinx) cut to the words of a model, and rules for the rest.

Phones are CMUdict's 39. The rules are rough: a word they get wrong is heard badly, so the log names each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_SOUNDS: dict[str, str] = {
    "tion": "SH AH N", "sion": "ZH AH N", "ture": "CH ER", "igh": "AY", "eigh": "EY", "ough": "OW", "augh": "AO",
    "tch": "CH", "dge": "JH", "sch": "SH", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "wh": "W", "ck": "K",
    "ng": "NG", "qu": "K W", "kn": "N", "wr": "R", "gh": "G", "ee": "IY", "ea": "IY", "ie": "IY", "ei": "EY",
    "ey": "IY", "ai": "EY", "ay": "EY", "oa": "OW", "oo": "UW", "ou": "AW", "ow": "OW", "oi": "OY", "oy": "OY",
    "au": "AO", "aw": "AO", "ew": "UW", "ue": "UW", "eu": "Y UW", "ar": "AA R", "er": "ER", "ir": "ER",
    "or": "AO R", "ur": "ER", "ce": "S", "ci": "S IH", "cy": "S IY", "ge": "JH", "gi": "JH IH", "a": "AE", "b": "B",
    "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L",
    "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W",
    "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_LONG = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW"}
_LETTERS = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip
_VOICELESS = frozenset((
    "P", "T", "K", "F", "TH",
))  # fmt: skip
_HISSING = frozenset((
    "S", "Z", "SH", "ZH", "CH", "JH",
))  # fmt: skip
_GRAPHEME = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))
_LEAST_PART = 3


def read_cmudict(path: Path) -> dict[str, list[str]]:
    """Word -> pronunciations, the usual one first."""
    words: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        word, _, phones = line.partition(" ")
        words.setdefault(re.sub(r"\(\d+\)$", "", word), []).append(phones.strip())
    return words


def pronounce(word: str, known: dict[str, list[str]]) -> list[str]:
    """Pronunciations of a word by dictionary, as a form or compound of known words, or by rules."""
    if word in known:
        return known[word]
    for ending, stem in (("'s", word[:-2]), ("s", word[:-1])):
        if word.endswith(ending) and stem in known:
            return [f"{p} {_plural(p)}" for p in known[stem]]
    for cut in range(len(word) - _LEAST_PART, _LEAST_PART - 1, -1):
        if word[:cut] in known and word[cut:] in known:
            return [f"{known[word[:cut]][0]} {known[word[cut:]][0]}"]
    return [_by_rules(word.replace("'", ""))]


def dictionary(words: Iterable[str], known: dict[str, list[str]]) -> tuple[str, list[str]]:
    """The dictionary file for `words`, and those words whose sound is a guess (not in CMUdict)."""
    lines: list[str] = []
    guessed: list[str] = []
    for word in sorted(set(words)):
        if word not in known:
            guessed.append(word)
        for n, phones in enumerate(dict.fromkeys(pronounce(word, known)), 1):
            lines.append(f"{word} {phones}" if n == 1 else f"{word}({n}) {phones}")
    return "\n".join(lines) + "\n", guessed


def _plural(phones: str) -> str:
    last = phones.split()[-1]
    return "AH Z" if last in _HISSING else "S" if last in _VOICELESS else "Z"


def _by_rules(word: str) -> str:
    if not re.search(r"[aeiouy]", word) or len(word) == 1:
        return " ".join(_LETTERS[c] for c in word if c in _LETTERS)
    if re.fullmatch(r".*[aeiou][^aeiouywx]e", word):  # a silent e makes the vowel before it long
        stem, vowel, consonant = word[:-3], word[-3], word[-2]
        soft = {"c": "S", "g": "JH", "s": "Z"}.get(consonant, _SOUNDS[consonant])
        return " ".join(filter(None, (_sounds(stem), _LONG[vowel], soft)))
    return _sounds(word)


def _sounds(word: str) -> str:
    word = re.sub(r"([^aeiou])\1", r"\1", word)
    return " ".join(_SOUNDS[g] for g in _GRAPHEME.findall(word))
