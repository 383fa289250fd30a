"""Text as a row of what may be part of a number or a code, each with its place. Pure, one pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import digit

from parley.pii.number_words import (
    ALONE,
    BETWEEN,
    FILLERS,
    HUNDRED,
    HUNDREDS,
    LETTERS,
    NUMBERS,
    OFTEN,
    REPEATS,
    SMALL,
    TENS,
    WHOLE,
)

_TOKEN = re.compile(r"[^\W_]+(?:(?<=[^\W\d_])['’][^\W\d_]+)?")
_BETWEEN = re.compile(r"[\s\-\u2010-\u2013.,/()]{0,4}")
_BANK = re.compile(r"[A-Z]{4}")
"""Of an IBAN that is written in groups."""
_PRICE = re.compile(r"[$€£]\s?$")
_HARD = re.compile(r"[^\w\s,.;:?!'’…-]")
_SAID = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_AS_IN = re.compile(r"\s+(?:as in|like|for|wie|comme|como)\s+\w+", re.IGNORECASE)
_KINDS = {**dict.fromkeys(FILLERS, "f"), **dict.fromkeys(HUNDRED, "h"), **dict.fromkeys(REPEATS, "r")}
_KINDS |= dict.fromkeys(NUMBERS, "w")
_SOFT = frozenset("wlf")
"""Kinds that depend on what is around."""
_OF_DIGITS = frozenset(("first", "next", "last", "final", "other", "letzten"))
MAX_BETWEEN = 48
"""Characters between two groups of a number."""
MAX_ITEMS = 80
"""Of one run; a longer row of numbers is read as several."""


@dataclass(frozen=True, slots=True)
class Item:
    """text[start:end] stands for `chars`. `kind`: `d` written digits, `w` spoken ones, `l` a letter, `m` letters and
    digits in one. `joined`: nothing but a hyphen is between it and the item before."""

    start: int
    end: int
    chars: str
    kind: str
    joined: bool = False

    @property
    def numeric(self) -> bool:
        return self.kind in "dw"


Run = list[Item]
Word = tuple[int, int, str, str, bool]
"""Start, end, the word, its kind (of `_kind`), joined."""


def runs(text: str, single: bool = False, loose: bool = False) -> Iterator[Run]:
    """Items that may be one number or one code: between them stand but spaces, marks and "and", "dash", "uh". `single`:
    also a number word by itself, if it is not often another word. `loose`: also what is said between two groups of a
    number ("no, wait", "and the last four are"), letters by code words and two in one."""
    words: list[Word] = []
    end, before = -1, ""
    for token in _TOKEN.finditer(text):
        begin = token.start()
        word = token.group()
        low = word.lower()
        kind = "d" if word.isdecimal() else _kind(word, low)
        if loose and begin >= end and (kind in _SOFT or not kind and (low in LETTERS or words and len(word) == 2)):
            kind, word = _loosely(text, token, kind, before, words, end)
        before = low
        if not kind and words and words[-1][3] == "m" and _BANK.fullmatch(word):
            kind = "l"
        if not kind or begin < end:
            continue
        if kind == "f":
            if words and _near(text, end, begin):
                end = token.end()
            continue
        together = bool(words) and (_near(text, end, begin) or (loose and _goes_on(text, words, end, begin)))
        if words and not (together and _may_follow(text, words[-1], begin, kind)) or len(words) >= MAX_ITEMS:
            if run := _read(words, single):
                yield run
            words = []
        glued = bool(words) and text[words[-1][1] : begin] in ("-", "")
        end = token.end()
        if loose and kind == "l" and (spelt := _AS_IN.match(text, end)):
            end = spelt.end()
        words.append((begin, end, low if kind in "wrh" else word, kind, glued))
    if words and (run := _read(words, single)):
        yield run


def _loosely(
    text: str, token: re.Match[str], kind: str, before: str, words: Sequence[Word], end: int
) -> tuple[str, str]:
    """The kind of a word, and what it stands for, as a caller says it who reads out a number."""
    word = token.group()
    low = word.lower()
    if kind == "w":
        return ("" if before in _OF_DIGITS and low in ("two", "three", "four", "vier") else kind), word
    if kind == "f":
        return ("l" if word == "Y" else kind), word
    if kind == "l":
        after = _TOKEN.match(text, token.end() + 1)
        is_word = after is not None and len(after[0]) > 1 and after[0].isalpha() and not _is_code(after[0])
        return ("" if low in "ia" and is_word and _AS_IN.match(text, token.end()) is None else kind), word
    if low in LETTERS:
        return "l", LETTERS[low]
    if word.isascii() and word.isalpha():
        after = _TOKEN.search(text, token.end())
        if low not in BETWEEN and _near(text, end, token.start()) and after is not None and _is_code(after[0]):
            return "l", word
    return "", word


def _is_code(word: str) -> bool:
    """A number, a letter by its code word, or letters and digits in one."""
    low = word.lower()
    return low in NUMBERS or low in REPEATS or low in LETTERS or not word.isalpha()


def _goes_on(text: str, words: Sequence[Word], end: int, begin: int) -> bool:
    """All that is said in between is what is said between two groups of one number."""
    if begin - end > MAX_BETWEEN or (len(words) == 1 and words[0][2] in OFTEN):
        return False
    gap = text[end:begin]
    if _HARD.search(gap) is not None:
        return False
    said = _SAID.findall(gap.lower())
    return bool(said) and BETWEEN.issuperset(said)


def _kind(word: str, low: str) -> str:
    """`w`, `l`, `m` as an item; `r` "double"; `h` "hundred"; `f` filler; "" another word."""
    if kind := _KINDS.get(low):
        return kind
    if word.isalpha():
        return "l" if len(word) == 1 and word.isascii() else ""
    return "m" if word.isascii() and any(c.isdecimal() for c in word) else ""


def _near(text: str, end: int, begin: int) -> bool:
    """Only spaces and marks are between, and few."""
    match = _BETWEEN.match(text, end)
    return match is not None and match.end() >= begin


def _may_follow(text: str, before: Word, begin: int, kind: str) -> bool:
    """A point or comma right between two digits is of an amount, unless both sides have two digits or more."""
    between = text[before[1] : begin]
    if kind == "d" and before[3] == "d" and between in (".", ","):
        after = _TOKEN.match(text, begin)
        return between == "." and before[1] - before[0] >= 2 and after is not None and after.end() - begin >= 2
    return not (kind == "d" and _PRICE.search(text, max(0, begin - 2), begin))


def _read(words: Sequence[Word], single: bool) -> Run:
    """Words to items: "forty five" is 45, "double four" 44, "eight hundred" 800."""
    run: Run = []
    n = 0
    while n < len(words):
        start, end, word, kind, glued = words[n]
        if kind == "r":
            item, n = _repeated(words, n)
            if item is not None:
                run.append(item)
            continue
        if kind == "h":
            if run and run[-1].kind == "w" and len(run[-1].chars) <= 2:
                item, n = _hundreds(run.pop(), words, n)
                run.append(item)
            else:
                n += 1
            continue
        if kind == "w":
            item, n = _spoken(words, n)
            run.append(item)
            continue
        chars = word.upper() if word.isascii() else "".join(str(digit(c)) for c in word)
        run.append(Item(start, end, chars, kind, glued))
        n += 1
    return _trimmed(run, words, single)


def _repeated(words: Sequence[Word], n: int) -> tuple[Item | None, int]:
    times, start = REPEATS[words[n][2]], words[n][0]
    if n + 1 < len(words):
        _, end, word, kind, _ = words[n + 1]
        if kind == "w" and SMALL.get(word, 10) < 10:
            return Item(start, end, str(SMALL[word]) * times, "w"), n + 2
        if kind == "d":
            return Item(start, end, word[0] * (times - 1) + word, "w"), n + 2
        if kind == "l":
            return Item(start, end, word.upper() * times, "l"), n + 2
    return None, n + 1


def _hundreds(head: Item, words: Sequence[Word], n: int) -> tuple[Item, int]:
    """Head and the n-th word, "eight" and "hundred"; with what follows, but for digits that are read out one by one."""
    _, end, word, _, _ = words[n]
    zeros, n = HUNDRED[word], n + 1
    if n < len(words) and words[n][3] == "w" and words[n][0] - end in (1, 5):  # " and "
        rest, after = _spoken(words, n)
        if after < len(words) and words[after][3] == "h" and HUNDRED[words[after][2]] < zeros:
            rest, after = _hundreds(rest, words, after)
        one_by_one = len(rest.chars) == 1 and after < len(words) and SMALL.get(words[after][2], 10) < 10
        if len(rest.chars) <= zeros and rest.chars != "0" and not one_by_one:
            return Item(head.start, rest.end, head.chars + rest.chars.rjust(zeros, "0"), "w"), after
    return Item(head.start, end, head.chars + "0" * zeros, "w"), n


def _spoken(words: Sequence[Word], n: int) -> tuple[Item, int]:
    start, end, word, _, glued = words[n]
    after = words[n + 1] if n + 1 < len(words) else None
    near = after is not None and after[3] == "w" and after[0] - end == 1
    if word == "quatre" and near and after is not None and after[2] in ("vingt", "vingts"):
        return _tens_and(80, start, words, n + 1)
    if word in TENS:
        return _tens_and(TENS[word], start, words, n)
    if word in HUNDREDS:
        rest, last = _spoken(words, n + 1) if near and after is not None and after[2] not in HUNDREDS else (None, n + 1)
        if rest is not None and len(rest.chars) <= 2:
            return Item(start, rest.end, str(HUNDREDS[word] + int(rest.chars)), "w", glued), last
        return Item(start, end, str(HUNDREDS[word]), "w", glued), n + 1
    value = WHOLE.get(word, SMALL.get(word, 0))
    if word == "dix" and near and after is not None and 7 <= SMALL.get(after[2], 0) <= 9:
        return Item(start, after[1], str(10 + SMALL[after[2]]), "w"), n + 2
    return Item(start, end, str(value), "w", glued), n + 1


def _tens_and(tens: int, start: int, words: Sequence[Word], n: int) -> tuple[Item, int]:
    """ "forty five", "treinta y cuatro", "soixante dix huit"."""
    _, end, word, _, glued = words[n]
    if n + 1 < len(words) and words[n + 1][3] == "w" and words[n + 1][0] - end in (1, 3, 4):  # two are a comma
        _, next_end, unit, _, _ = words[n + 1]
        if 0 < SMALL.get(unit, 0) < 10:
            return Item(start, next_end, str(tens + SMALL[unit]), "w"), n + 2
        if word in ("soixante", "vingt", "vingts") and tens in (60, 80) and 10 <= SMALL.get(unit, 0) <= 16:
            rest, after = _spoken(words, n + 1)
            return Item(start, rest.end, str(tens + int(rest.chars)), "w"), after
    return Item(start, end, str(tens), "w", glued), n + 1


def _trimmed(run: Run, words: Sequence[Word], single: bool) -> Run:
    """Without words at its ends that are more often something else."""
    if len(run) == 1 and run[0].kind in "wl" and len(run[0].chars) == 1:
        return run if single and run[0].kind == "w" and words[0][2] not in OFTEN else []
    weak = {start for start, _, word, _, _ in words if word in ALONE}
    while run and run[-1].kind == "w" and run[-1].start in weak and len(run) < 4:
        run.pop()
    return run
