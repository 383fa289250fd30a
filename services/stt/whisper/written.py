"""Numbers and spelled names as the rest of the house wants them, where they were asked for. Pure.

The model writes what it heard as in a book: "4-4-2-1.", "For two one", "B-R-O-W-N.", "Are oh why". Only a text that
is nothing but digits or letters is written anew; any other word in it, and it stays as it is.
"""

from __future__ import annotations

import re

from parley.text.spoken import words_to_digits
from services.stt.contract import Expect

_DIGITS = {
    "to": "two", "too": "two", "for": "four", "fore": "four", "won": "one", "ate": "eight", "tree": "three", "o": "oh",
}  # fmt: skip
_LETTERS = {
    "be": "b", "bee": "b", "see": "c", "sea": "c", "dee": "d", "gee": "g", "aye": "a", "eye": "i", "jay": "j",
    "kay": "k", "okay": "k", "el": "l", "em": "m", "en": "n", "oh": "o", "pea": "p", "pee": "p", "queue": "q",
    "cue": "q", "are": "r", "ar": "r", "ess": "s", "tea": "t", "tee": "t", "you": "u", "vee": "v", "ex": "x",
    "why": "y", "zee": "z", "zed": "z", "ef": "f", "eff": "f", "aitch": "h",
}  # fmt: skip
_LEADS = re.compile(r"^(?:it is|it's|that is|that's|my name is|my number is|the number is)\b[\s:,]*", re.I)
_ZERO = re.compile(r"(?<=\d)o|o(?=\d)")
_WORDS = re.compile(r"[^\W_]+(?:['\u2019]\w+)?")


def written(text: str, expect: Expect) -> str:
    """The text; digits in one piece where digits are expected, letters one by one where a spelling is."""
    lead, signs = _read(text, expect)
    return lead + signs if signs else text


def spelled(text: str, expect: Expect) -> bool:
    """More than one letter where a spelling is expected, or digits where they are, and little else."""
    return len(_read(text, expect)[1].replace(" ", "")) > 1


def _read(text: str, expect: Expect) -> tuple[str, str]:
    """What leads to the letters or digits, and those; without any: it is words."""
    lead = _LEADS.match(text)
    start, rest = (lead[0], text[lead.end() :]) if lead else ("", text)
    return start, _signs(_WORDS.findall(rest.lower()), expect)


def _signs(words: list[str], expect: Expect) -> str:
    """Empty: they are words."""
    if expect is Expect.DIGITS:
        figures = [_DIGITS.get(word, _ZERO.sub("0", word)) for word in words]
        run = any(figure.isdigit() for figure in figures) or len(words) > 1
        return words_to_digits(" ".join(figures)) if run else ""
    if expect is Expect.SPELLING:
        letters = [_LETTERS.get(word, word) for word in words]
        few = len(words) > 1 and all(len(letter) == 1 for letter in letters)
        return " ".join(letters).upper() if few else ""
    return ""
