"""Words as they are spoken: one spelling for matching, and numbers that are said word by word. Pure."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = {
    "oh": 0, "o": 0, "nought": 0, "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4,
    "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "niner": 9,
}  # fmt: skip
_TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES = {"hundred": 2, "thousand": 3}
_REPEATS = {"double": 2, "triple": 3}
_SPOKEN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

_NUMBER_WORD = "|".join([*_DIGITS, *_TEENS, *_TENS])
_NUMBER = rf"(?:(?:double |triple )?(?:\d+|{_NUMBER_WORD})(?: hundred| thousand)?)"
NUMBER_RUN = rf"{_NUMBER}(?:(?: and)? {_NUMBER})*"
"""Regex source, no groups: digits and number words in a row, in normalised text."""

_WHOLE = {
    "won't": "will not", "can't": "cannot", "let's": "let us", "y'all": "you all", "o'clock": "oclock",
    "whats": "what is", "wheres": "where is", "hows": "how is", "whos": "who is", "thats": "that is", "dont": "do not",
    "doesnt": "does not", "didnt": "did not", "isnt": "is not", "cant": "cannot", "im": "i am", "ive": "i have",
    "couldnt": "could not", "wasnt": "was not", "hasnt": "has not", "havent": "have not", "wanna": "want to",
    "gonna": "going to", "gotta": "got to", "gimme": "give me", "lemme": "let me", "ok": "okay",
}  # fmt: skip
_ENDINGS = {"n't": " not", "'m": " am", "'re": " are", "'ve": " have", "'ll": " will", "'d": " would"}
_IS = frozenset(
    [
        "what",
        "where",
        "who",
        "how",
        "when",
        "why",
        "that",
        "it",
        "there",
        "here",
        "he",
        "she",
        "everything",
        "something",
    ]
)


def normalise(text: str) -> str:
    """Lower case, no punctuation, contractions written out ("Where's it?" -> "where is it"), single spaces."""
    text = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'").replace("\u2018", "'")
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    words = re.sub(r"[^\w']|_", " ", text).split()
    return " ".join(filter(None, map(_word, words))).replace("can not", "cannot")


def _word(word: str) -> str:
    word = word.strip("'")
    if word in _WHOLE:
        return _WHOLE[word]
    for ending, full in _ENDINGS.items():
        if word.endswith(ending):
            return word.removesuffix(ending) + full
    if word.endswith("'s") and word[:-2] in _IS:
        return word[:-2] + " is"
    return word.replace("'", "")


def words_to_digits(text: str) -> str:
    """What was said as digits: "one two double four oh" -> "12440", "ten forty two" -> "1042", "12 34" -> "1234",
    "double 591" (as recognisers write "double five nine one") -> "5591".

    "" when a word is no number. Numbers run on as callers read them out; "hundred" and "thousand" fill with zeros.
    """
    words = [w for w in normalise(text).split() if w != "and"]
    digits, i = "", 0
    while i < len(words):
        repeat = _REPEATS.get(words[i], 0)
        i += 1 if repeat else 0
        figures = i < len(words) and words[i].isdigit()
        part, i = _number(words, i)
        if not part or (repeat and len(part) > 1 and not figures):
            return ""
        digits += part[0] * (repeat - 1) + part if repeat else part
    return digits


def _number(words: list[str], i: int) -> tuple[str, int]:
    """The number that starts at words[i] and the index after it; "" if there is none."""
    part, j = _below_hundred(words, i)
    for scale, zeros in _SCALES.items():
        if part and j < len(words) and words[j] == scale:
            rest, k = _number(words, j + 1)
            if len(rest) <= zeros and (rest != "0" or k == j + 1):
                return part + rest.rjust(zeros, "0"), k
            return part + "0" * zeros, j + 1
    return part, j


def _below_hundred(words: list[str], i: int) -> tuple[str, int]:
    if i >= len(words):
        return "", i
    word = words[i]
    if word.isascii() and word.isdigit():
        return word, i + 1
    if word in _TENS:
        unit = _DIGITS.get(words[i + 1], 0) if i + 1 < len(words) else 0
        return str(_TENS[word] + unit), i + (2 if unit else 1)
    number = _DIGITS.get(word, _TEENS.get(word))
    return ("" if number is None else str(number)), i + 1


def spoken_digits(text: str) -> str:
    """Letters and digits one by one: "1234" -> "one two three four", "B-10" -> "b one zero". The rest is dropped."""
    return " ".join(_SPOKEN[int(c)] if c.isdecimal() else c.lower() for c in text if c.isascii() and c.isalnum())
