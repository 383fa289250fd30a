"""Letters that are said one by one: "B as in Bravo, r, o, double u, n". Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from parley.text.spoken import normalise

_ALPHABET = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo "
    "sierra tango uniform victor whiskey xray yankee zulu"
)


def words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CODE = {**{word: word[0] for word in _ALPHABET.split()}, "alfa": "a", "juliett": "j", "whisky": "w"}
_SOUNDS = {
    "are": "r", "ar": "r", "bee": "b", "be": "b", "see": "c", "sea": "c", "dee": "d", "ee": "e", "ef": "f", "eff": "f",
    "gee": "g", "aitch": "h", "eye": "i", "jay": "j", "kay": "k", "el": "l", "ell": "l", "em": "m", "en": "n",
    "oh": "o", "pea": "p", "pee": "p", "cue": "q", "queue": "q", "ess": "s", "es": "s", "tea": "t", "tee": "t",
    "you": "u", "vee": "v", "ex": "x", "why": "y", "zee": "z", "zed": "z",
}  # fmt: skip
"""What recognisers write for letters; believed only beside what surely is one."""
_TIMES = {"double": 2, "triple": 3}
_LIKE = re.compile(r"^(?:as in|like in|as|like|for|in)$")
_BETWEEN = words_of("then and hyphen dash apostrophe space capital letter dot um uh er")
_WRITTEN = {
    "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ŋ": "n",
}  # fmt: skip

Piece = tuple[str, bool]
"""A word, or letters that were said one by one: then True."""


def plain(text: str) -> str:
    """Letters and digits without case, accents and what stands between them. "ue" counts as "u": Müller, Mueller."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(_WRITTEN.get(char, char) for char in folded if char.isalnum())
    return re.sub("(?<=[aou])e", "", letters)


def pieces(said: str) -> list[Piece]:
    """What was said, word by word, with letters in a row put together. Hyphens and the like are dropped."""
    words = normalise(said).split()
    found: list[Piece] = []
    joins = False  # a letter belongs to the letters before it
    for text, spelled in _marked(words):
        if text in _BETWEEN and not spelled:
            continue
        if spelled and joins:
            found[-1] = found[-1][0] + text, True
        else:
            found.append((text, spelled))
        joins = spelled
    return found


def code_words(said: str) -> str:
    """The letters of a sentence that is nothing but code words: "victor oscar" may be a name, or two letters."""
    words = [word for word in normalise(said.replace("-ray", "ray")).split() if word not in _BETWEEN]
    return "".join(_CODE.get(word, "") for word in words) if all(word in _CODE for word in words) else ""


def code_letter(word: str) -> str:
    """Of a code word: b of "bravo"; "" for other words."""
    return _CODE.get(word, "")


def first_letters(text: str) -> frozenset[str]:
    """With which letter, or figure, what is said in these words may begin. The first four of them tell."""
    word, *rest = normalise(text).split()[:4] or [""]
    found = {plain(word)[:1], _SOUNDS.get(word, "")}
    if word in _TIMES and rest:
        found |= {"w", plain(rest[0])[:1], _SOUNDS.get(rest[0], "")}
    if _is_letter(word) or word in _SOUNDS:  # of "m as in november" the example is heard better
        found |= {plain(each)[:1] for each in rest}
    return frozenset(found) - {""}


def last_letters(word: str) -> frozenset[str]:
    """The same of the end of what is said, by its last word: "november" may be an n."""
    *_, last = normalise(word).split() or [""]
    return frozenset((plain(last)[-1:], plain(last)[:1], _SOUNDS.get(last, ""))) - {""}


def _marked(words: list[str]) -> Iterator[Piece]:
    """Words and letters as they come, with "double l" and "b as in bravo" resolved. What only sounds like a letter is
    one beside a letter; a code word is one behind a letter: "Mike B, r, o, w, n" is a name and letters."""
    tokens = list(_tokens(words))
    letters = [word if spelled else "" for word, spelled in tokens]
    grew = True
    while grew:
        grew = False
        for n, (word, _) in enumerate(tokens):
            behind, before = n > 0 and letters[n - 1], n + 1 < len(tokens) and letters[n + 1]
            letter = _SOUNDS.get(word, "") if behind or before else ""
            letter = letter or (_CODE.get(word, "") if behind else "")
            if letter and not letters[n]:
                letters[n], grew = letter, True
    yield from ((letter or word, bool(letter)) for letter, (word, _) in zip(letters, tokens, strict=True))


def _tokens(words: list[str]) -> Iterator[Piece]:
    n = 0
    while n < len(words):
        word, rest = words[n], words[n + 1 :]
        if word in _TIMES and rest and (again := _SOUNDS.get(rest[0]) or (rest[0] if _is_letter(rest[0]) else "")):
            yield ("w" if word == "double" and again == "u" else again * _TIMES[word]), True
            n += 2
        elif (example := _example(rest)) and (word in _SOUNDS or _is_letter(word)):
            yield rest[example][0], True  # of both the example is heard better
            n += 2 + example
        else:
            yield word, _is_letter(word)
            n += 1


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


def _example(rest: list[str]) -> int:
    """Where in `rest` the example stands for the letter before it; 0 if there is none."""
    for size in (2, 1):
        if len(rest) > size and _LIKE.match(" ".join(rest[:size])) and len(rest[size]) > 1:
            return size
    return 0
