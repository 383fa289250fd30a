"""One spelling for what was said and what was heard, so that only hearing is counted. Pure; in docs/quality.md."""

from __future__ import annotations

import re

from parley.text.spoken import NUMBER_RUN, normalise, words_to_digits
from services.stt.local.numbers import ORDINALS, TENS

_MONEY = re.compile(r"([$£€])(\d[\d,]*)(?:\.(\d\d)\b)?")
_UNITS = {"$": "dollars", "£": "pounds", "€": "euros"}
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_RUN = re.compile(rf"(?<!\S){NUMBER_RUN}(?!\S)")
_REPEATED = re.compile(r"\b(double|triple) (\d)(?=\d)")
_A_SCALE = re.compile(r"\ba (?=hundred\b|thousand\b)")
_SCALES = re.compile(r"\b(\w+) hundred thousand\b")
# British first: the recognisers write as they were taught.
_SPELLINGS = {
    "harbour": "harbor", "neighbour": "neighbor", "neighbours": "neighbors", "colour": "color", "colours": "colors",
    "favourite": "favorite", "grey": "gray", "tyre": "tire", "tyres": "tires", "centre": "center",
    "theatre": "theater", "metre": "meter", "metres": "meters", "litre": "liter", "litres": "liters",
}  # fmt: skip


def comparable(text: str) -> str:
    """Contractions written out, numbers read out in single digits, one spelling of what has two.

    "it's double four one two", "it is 4412" -> "it is 4 4 1 2"; "£38.50" -> "3 8 pounds 5 0". A wrong digit is one
    wrong word.
    """
    text = _MONEY.sub(lambda m: f"{m[2]} {_UNITS[m[1]]} {m[3] or ''}", text)
    words = normalise(_ORDINAL.sub(_ordinal, text.replace("%", " percent"))).replace("per cent", "percent")
    words = _SCALES.sub(_many, _A_SCALE.sub("one ", words))
    words = _RUN.sub(_figures, _REPEATED.sub(_repeat, words))
    return " ".join(_SPELLINGS.get(word, word) for word in words.split())


def digits(comparable_text: str) -> str:
    """All digits of a text that `comparable` has made, in order."""
    return "".join(word for word in comparable_text.split() if word.isdigit())


def _figures(run: re.Match[str]) -> str:
    """ "forty four twenty one" -> "4 4 2 1"; what is no number stays."""
    number = words_to_digits(run[0])
    return " ".join(number) if number else run[0]


def _repeat(match: re.Match[str]) -> str:
    """ "double 591" -> "5591", for "double five nine one" """
    return match[2] * (2 if match[1] == "double" else 3)


def _many(match: re.Match[str]) -> str:
    """ "one hundred thousand" -> "100000" """
    return f"{words_to_digits(match[1]) or match[1]}00000"


def _ordinal(match: re.Match[str]) -> str:
    """ "3rd" -> "third" """
    number = int(match[1])
    if 0 < number <= len(ORDINALS) - 1:
        return ORDINALS[number - 1]
    tens, unit = divmod(number, 10)
    if 2 <= tens <= 9 and unit:
        return f"{TENS[tens - 2]} {ORDINALS[unit - 1]}"
    return match[0]
