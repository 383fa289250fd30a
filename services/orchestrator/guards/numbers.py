"""Numbers in texts, however they are written or read out, so that one said can be looked for in what is known. Pure.

Digits in any script, number words of English and of the call's language (`numerals`). A number has several readings:
"twelve thirty four" is 1234, and 12 and 34; "18:30" is 18 and 30, and half past six. One of them must be known. What is
often no figure is let through: "one of us", "two questions", "the first".
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from parley.text.spoken import words_to_digits
from services.orchestrator.guards import numerals

MAX_CHARS = 40_000  # of one source that is looked at
_UNITS = "zero one two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINALS = {
    "first": "one", "second": "two", "third": "three", "fourth": "four", "fifth": "five", "sixth": "six",
    "seventh": "seven", "eighth": "eight", "ninth": "nine", "tenth": "ten", "eleventh": "eleven", "twelfth": "twelve",
    "thirteenth": "thirteen", "fourteenth": "fourteen", "fifteenth": "fifteen", "sixteenth": "sixteen",
    "seventeenth": "seventeen", "eighteenth": "eighteen", "nineteenth": "nineteen", "twentieth": "twenty",
    "thirtieth": "thirty",
}  # fmt: skip
_RANKS = ("first", "second", "third")
_WORD = "|".join((*_UNITS.split(), *_TEENS.split(), *_TENS.split(), *_ORDINALS))
_AFTER = "|".join(("hundred", "thousand", "million", "billion", "oh", "double", "triple", _WORD))
_SCALES = "hundred|thousand|million|billion"
_A = rf"an?(?=[ -]+(?:{_SCALES})(?![a-z]))"  # "a hundred and fifty"
_RUN = re.compile(
    rf"(?<![a-z])(?:(?:double|triple)[ -]+)?(?:{_A}|{_WORD})(?![a-z])"
    rf"(?:(?:[ -]+and)?[ -]+(?:{_AFTER})(?![a-z])){{0,40}}"
)
_DIGITS = re.compile(r"\d{1,40}(?:[.,:'\u2019]\d{1,40}){0,12}")
_ANY = re.compile(rf"\d|(?<![a-z])(?:{_WORD}|{_SCALES}|dozen)(?![a-z])")
_DOZEN = re.compile(r"(?<![a-z])(?:an? )?dozen(?![a-z])")
_GROUPS = re.compile(r"\d{1,40}(?:[\s().,/-]{1,3}\d{1,40}){1,11}")
_DECIMAL = re.compile(r"\d+[.,]\d{1,2}")
_BETWEEN = re.compile(r"[\s,.:;-]*(?:(?:and|then|next|followed by|y|luego|und|dann|et|puis)(?![^\W\d_])[\s,.:;-]*)*")
_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-4]):([0-5]\d)")
_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_BY_MONTH = re.compile(rf"(?:{_MONTH}) (?:the )?$")
_OF_MONTH = re.compile(rf"\s+of (?:{_MONTH})")
_WHOLE = re.compile(
    r"\s*(?:dollars?|cents?|euros?|pounds?|percent|o.?clock|[ap]\.?m\b|"
    r"(?:business |working )?(?:day|week|hour|month|year)s?)"
)
_OF_TALK = re.compile(
    r"\s+(?:quick |short |more |other |last )*(?:questions?|things?|options?|ways?|steps?|choices|of (?:us|them))\b"
)
_SCALE = {"million": 6, "billion": 9}
_POWERS = {"thousand": 3, **_SCALE}
_SCALED = re.compile(r"\s*(million|billion)\b")


@dataclass(frozen=True, slots=True)
class Number:
    """One in a text, at `begin` to `end`. `readings`: any of them says it; `parts`: or all of these."""

    begin: int
    end: int
    readings: frozenset[str]
    parts: tuple[str, ...] = ()


def has_any(text: str, language: str = "") -> bool:
    """Whether it is worth a look."""
    return _ANY.search(text.lower()) is not None or any(numerals.runs(text, language))


@lru_cache(maxsize=256)
def in_words(text: str, language: str = "") -> tuple[Number, ...]:
    """The numbers of a phrase that a bot is about to say, in their order."""
    plain = _plain(text)
    found = [_of_digits(match, plain) for match in _DIGITS.finditer(plain)]
    found += [number for match in _RUN.finditer(plain) if (number := _of_words(match, plain)) is not None]
    found += [Number(*match.span(), frozenset({"12"}), ("12",)) for match in _DOZEN.finditer(plain)]
    others = [_of_run(run) for run in numerals.runs(text, language)]
    if numerals.knows(language):  # where they speak English, too: "six euros" is one number, "ten cuidado" none
        there = [range(each.begin, each.end) for each in others]
        found = [each for each in found if not any(each.begin in span for span in there)]
        found = [each for each in found if plain[each.begin : each.end] not in numerals.OTHERWISE]
    found += others
    return tuple(sorted(found, key=lambda number: number.begin))


@lru_cache(maxsize=256)
def known_in(text: str, language: str = "") -> frozenset[str]:
    """Every reading of every number in a source; of JSON also how long its lists are."""
    plain = _plain(text[:MAX_CHARS])
    readings: set[str] = set()
    for match in _DIGITS.finditer(plain):
        number = _of_digits(match, plain, in_source=True)
        readings |= {*number.readings, *number.parts}
    for match in _GROUPS.finditer(plain):
        if _DECIMAL.fullmatch(match.group()):
            continue
        groups = re.findall(r"\d+", match.group())
        readings |= {"".join(groups[i:j]) for i in range(len(groups)) for j in range(i + 2, len(groups) + 1)}
    for match in _TIME.finditer(plain):
        readings |= _of_clock(int(match[1]), int(match[2]), 15 if language.startswith("de") else 31)
    for match in _RUN.finditer(plain):
        readings |= {reading for part in _parts(match.group()) for reading in _spellings(part)}
        readings |= _spellings(_joined(match.group())) | {_large(match.group())}
        readings |= _scaled(match.group(), plain[match.end() :])
    for number in map(_of_run, numerals.runs(text[:MAX_CHARS], language)):
        readings |= {*number.readings, *number.parts}
    readings |= {"12"} if _DOZEN.search(plain) else set()
    readings |= {str(length) for length in _lengths(text)}
    return frozenset(readings - {""})


def unsourced(text: str, sources: Iterable[str], language: str = "") -> list[Number]:
    """The numbers in `text` that no source has. Sources are looked at only as far as they are needed."""
    open_ones = list(in_words(text, language))
    known: set[str] = set()
    for source in sources if open_ones else ():
        known |= known_in(source, language)
        open_ones = [number for number in open_ones if not _is_known(number, known, text)]
        if not open_ones:
            break
    return open_ones


def tail_of(text: str, language: str = "") -> str:
    """The number that the text ends with, which the next words may go on with; "" if it ends with none."""
    plain, end = _plain(text), len(text.rstrip())
    found = [match.span() for regex in (_RUN, re.compile(r"\d+")) for match in regex.finditer(plain)]
    found += [(run.begin, run.end) for run in numerals.runs(text, language)]
    return text[min((begin for begin, last in found if last == end), default=len(text)) :]


def digit_runs(text: str, language: str = "") -> Iterator[tuple[int, int, str]]:
    """Digits that follow each other, in figures or words and whatever marks stand between: begin, end, digits."""
    plain = _plain(text)
    found = [(m.span(), m.group()) for m in re.finditer(r"\d+", plain)]
    others = [((run.begin, run.end), "".join(run.values)) for run in numerals.runs(text, language)]
    found += others or [(m.span(), words_to_digits(" ".join(_words(m.group())))) for m in _RUN.finditer(plain)]
    begin, end, digits = 0, -1, ""
    for (first, last), value in sorted(found):
        if digits and value and goes_on(plain[end:first]):
            end, digits = last, digits + value
            continue
        if digits:
            yield begin, end, digits
        begin, end, digits = first, last, value
    if digits:
        yield begin, end, digits


def goes_on(between: str) -> bool:
    """Whether digits before and behind these words may be one number: "four one one one, then one one"."""
    return _BETWEEN.fullmatch(between.lower()) is not None


def _plain(text: str) -> str:
    """Small letters and ASCII digits, at the places where they stood."""
    if text.isascii():
        return text.lower()
    return "".join(map(_plain_char, text))


def _plain_char(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    low = char.lower()
    return low if len(low) == 1 else char


def _of_digits(match: re.Match[str], plain: str, in_source: bool = False) -> Number:
    token = match.group()
    groups = re.split(r"[.,:'\u2019]", token)
    decimal = len(groups) == 2 and len(groups[-1]) < 3 and groups[0] != "0" and ":" not in token
    readings = {"".join(groups)} if ":" not in token and not decimal else set()
    parts = [_bare(group) for group in groups]
    if len(groups) > 1 and ":" not in token:
        whole, last = "".join(groups[:-1]), groups[-1]
        parts = [_bare(whole), *([] if not last.strip("0") else [last])]
        readings |= {_bare(whole)} if not last.strip("0") else set()
        readings |= {f"{_bare(whole)}.{last.rstrip('0')}"} if last.strip("0") else set()
        if len(last) == 1 and last != "0":
            parts.append(f"{last}0")
            parts = parts if in_source else []  # "3.5" is not a 3 here and a 5 there
    if ":" in token:
        parts = [part for part in parts if part != "0"] or parts[:1]
    if len(groups) == 1:
        readings |= {token, _bare(token)} | _scaled(token, plain[match.end() :])
    readings |= {_bare(reading) for reading in readings if "." not in reading}
    return Number(match.start(), match.end(), frozenset(readings), tuple(dict.fromkeys(parts)))


def _of_words(match: re.Match[str], plain: str) -> Number | None:
    run, after = match.group(), plain[match.end() :]
    alone = run.strip()
    if alone in _RANKS and not (_OF_MONTH.match(after) or _BY_MONTH.search(plain[: match.start()])):
        return None
    if (alone == "one" and not _WHOLE.match(after)) or _OF_TALK.match(after):
        return None
    if large := _large(run):
        return Number(match.start(), match.end(), frozenset({large}), (large,))
    readings = _spellings(_joined(run)) | _scaled(run, after)
    return Number(match.start(), match.end(), frozenset(readings - {""}), tuple(_parts(run)))


def _of_run(run: numerals.Run) -> Number:
    return Number(run.begin, run.end, frozenset({"".join(run.values)}), run.values)


def _is_known(number: Number, known: set[str], text: str) -> bool:
    told = [part for part in number.parts if part != "0"]  # "seven oh five" is 7:05, too
    if number.readings & known or (told and all(part in known for part in told)):
        return True
    at_an_edge = not text[: number.begin].strip() or not text[number.end :].strip(" ,")
    one_by_one = len(number.parts) > 1 and all(len(part) == 1 for part in number.parts)
    run = "".join(number.parts)  # a number that is read out goes on in the next phrase
    return at_an_edge and one_by_one and any(run in each for each in known if len(each) > len(run))


def _words(run: str) -> list[str]:
    words = [word for word in re.split(r"[ -]+", run) if word and word != "and"]
    return ["one" if word in ("a", "an") else _ORDINALS.get(word, word) for word in words if word not in _SCALE]


def _joined(run: str) -> str:
    return words_to_digits(" ".join(_words(run)))


def _large(run: str) -> str:
    """Of "two hundred thousand" and "one million five hundred thousand" the whole; of smaller and plainer ones ""."""
    words = re.split(r"[ -]+", run)
    scales = [word for word in words if word in _POWERS]
    if not ("hundred" in words[: _last(words, "thousand")] or (set(scales) & set(_SCALE) and len(scales) > 1)):
        return ""
    total = part = 0
    for word in words:
        if word in _POWERS:
            total, part = total + max(part, 1) * 10 ** _POWERS[word], 0
        elif word == "hundred":
            part = max(part, 1) * 100
        elif value := words_to_digits("one" if word in ("a", "an") else _ORDINALS.get(word, word)):
            part += int(value)
    return str(total + part)


def _last(words: list[str], wanted: str) -> int:
    return max((n for n, word in enumerate(words) if word == wanted), default=0)


def _parts(run: str) -> list[str]:
    """The numbers that stand beside each other in a run: "twelve thirty four" has 12 and 34."""
    parts: list[str] = []
    taken: list[str] = []
    for word in [*_words(run), ""]:
        more = words_to_digits(" ".join((*taken, word))) if word else ""
        alone = words_to_digits(word) if word else ""
        before = words_to_digits(" ".join(taken)) if taken else ""
        goes_on = more and word not in ("oh",) and (not before or not alone or more != before + alone)
        if taken and not goes_on:
            parts.append(before)
            taken = []
        if word:
            taken.append(word)
    return [part for part in parts if part]


def _scaled(run: str, after: str) -> set[str]:
    """Of "two million" 2 and 2000000."""
    word = next((each for each in _SCALE if each in run), "") or (m[1] if (m := _SCALED.match(after)) else "")
    if not word:
        return set()
    digits = run if run.isdigit() else _joined(run.split(word)[0])
    return {digits, digits + "0" * _SCALE[word]} if digits else set()


def _of_clock(hour: int, minute: int, next_from: int) -> set[str]:
    """How a time may be read: of 18:40 18, 6, 40, and "twenty to seven". `next_from`: the minute from which on the
    next hour may be named ("halb zehn")."""
    hours = {hour, hour % 12 or 12}
    if minute >= next_from:
        hours |= {(hour + 1) % 24, (hour + 1) % 12 or 12}
    minutes = {minute, 60 - minute} if minute else set()
    return {str(each) for each in hours | minutes}


def _spellings(digits: str) -> set[str]:
    return {digits, _bare(digits)} if digits else set()


def _bare(digits: str) -> str:
    return digits.lstrip("0") or "0" if digits else ""


def _lengths(text: str) -> Iterator[int]:
    if text[:1] not in ("{", "["):
        return
    try:
        todo: list[object] = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            todo.extend(value.values())
        elif isinstance(value, list):
            yield len(value)
            todo.extend(value)
