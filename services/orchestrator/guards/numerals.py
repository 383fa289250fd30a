"""Number words of Spanish, German and French in a text. Pure. Words are compared without accents, hyphens and spaces.

What is no figure by itself is left out: "un", "eine", "cada uno", "un vélo neuf", "mil gracias".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"[^\W\d_]+")
_GAP = re.compile(r"[\s\u2010\u2011-]*")
_LONGEST = 8  # words of a number below a thousand
MAX_TOKENS = 8_000  # of one text


@dataclass(frozen=True, slots=True)
class Run:
    """Numbers that follow each other without a mark between: "cuatro cuatro uno siete" has four."""

    begin: int
    end: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Language:
    """`small`: every number below a thousand, in all spellings. `alone`: words that are no figure by themselves, but
    before `measures`; `thanks`: behind these no number is meant."""

    small: dict[str, int]
    thousand: frozenset[str]
    million: frozenset[str]
    alone: frozenset[str]
    measures: frozenset[str] = frozenset()
    thanks: frozenset[str] = frozenset()


def runs(text: str, language: str) -> Iterator[Run]:
    """In their order; none in other languages."""
    known = _known(language.partition("-")[0].lower())
    if known is None:
        return
    tokens = _tokens(text, known)
    at, values, begin, end, figure = 0, list[str](), 0, 0, True
    while at < len(tokens):
        value, after = _number(tokens, at, text, known)
        if after == at:
            at += 1
            continue
        if values and not _GAP.fullmatch(text, end, max(end, tokens[at][0])):
            if figure or len(values) > 1:
                yield Run(begin, end, tuple(values))
            values = []
        if not values:
            begin, figure = tokens[at][0], after > at + 1 or not _is_no_figure(tokens, at, known)
        at, end = after, tokens[after - 1][1]
        values.append(str(value))
    if values and (figure or len(values) > 1):
        yield Run(begin, end, tuple(values))


Token = tuple[int, int, str]
"""Where it stands, and what it is without accents."""


def _tokens(text: str, known: _Language) -> list[Token]:
    found: list[Token] = []
    for _, match in zip(range(MAX_TOKENS), _TOKEN.finditer(text), strict=False):
        word = folded(match.group())
        thousand = next((each for each in known.thousand if each in word and each != word), "")
        before, _, after = word.partition(thousand) if thousand else ("", "", "")
        inside = thousand and all(not part or part in known.small for part in (before, after.removeprefix("und")))
        parts = [before, thousand, after.removeprefix("und")] if inside else [word]
        found += [(match.start(), match.end(), part) for part in parts if part]
    return found


def _number(tokens: list[Token], at: int, text: str, known: _Language) -> tuple[int, int]:
    """The number that begins there, and the token behind it; the same token: none does."""
    value, after = _scaled(tokens, at, text, known)
    if after < len(tokens) and tokens[after][2] in known.million and (after > at) and _joins(tokens, after, text):
        rest, behind = _scaled(tokens, after + 1, text, known) if _joins(tokens, after + 1, text) else (0, after + 1)
        return value * 1_000_000 + rest, behind
    return value, after


def _scaled(tokens: list[Token], at: int, text: str, known: _Language) -> tuple[int, int]:
    """Below a million."""
    value, after = _small(tokens, at, text, known)
    joined = after == at or _joins(tokens, after, text)
    if joined and after < len(tokens) and tokens[after][2] in known.thousand:
        rest, behind = _small(tokens, after + 1, text, known) if _joins(tokens, after + 1, text) else (0, after + 1)
        return (value if after > at else 1) * 1000 + rest, behind
    return value, after


def _small(tokens: list[Token], at: int, text: str, known: _Language) -> tuple[int, int]:
    value, after, squashed = 0, at, ""
    for end in range(at, min(len(tokens), at + _LONGEST)):
        if end > at and not _joins(tokens, end, text):
            break
        squashed += tokens[end][2]
        if squashed in known.small:
            value, after = known.small[squashed], end + 1
    return value, after


def _joins(tokens: list[Token], at: int, text: str) -> bool:
    """Nothing but spaces and hyphens before it."""
    return at >= len(tokens) or bool(_GAP.fullmatch(text, tokens[at - 1][1], max(tokens[at - 1][1], tokens[at][0])))


def _is_no_figure(tokens: list[Token], at: int, known: _Language) -> bool:
    follows = tokens[at + 1][2] if at + 1 < len(tokens) else ""
    around = {follows, *(word for _, _, word in tokens[max(0, at - 2) : at])}
    if around & known.thanks:
        return True
    return tokens[at][2] in known.alone and follows not in known.measures


def folded(word: str) -> str:
    """Small letters without accents."""
    if word.isascii():
        return word.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))


def _listed(text: str) -> list[str]:
    return text.split()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@lru_cache(maxsize=8)
def _known(language: str) -> _Language | None:
    made = _LANGUAGES.get(language)
    return made() if made is not None else None


def _all(
    tens: Callable[[int], list[str]], hundreds: Callable[[int], list[str]], between: tuple[str, ...] = ("",)
) -> dict[str, int]:
    small = {word: n for n in range(100) for word in tens(n)}
    for hundred in range(1, 10):
        for head in hundreds(hundred):
            small[head] = hundred * 100
            small |= {
                head + gap + word: hundred * 100 + n for n in range(1, 100) for word in tens(n) for gap in between
            }
    return small


def _spanish() -> _Language:
    first = _listed(
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis "
        "diecisiete dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro veinticinco "
        "veintiseis veintisiete veintiocho veintinueve"
    )
    by_ten = _listed("treinta cuarenta cincuenta sesenta setenta ochenta noventa")
    of_hundred = _listed(
        "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
    )

    def tens(n: int) -> list[str]:
        if n < 30:
            word = first[n]
            return [word, word[:-1], f"{word[:-1]}a"] if n in (1, 21) else [word]
        ten, unit = by_ten[n // 10 - 3], n % 10
        return [f"{ten}y{each}" for each in tens(unit)] if unit else [ten]

    def hundreds(n: int) -> list[str]:
        word = of_hundred[n - 1]
        return ["cien", word] if n == 1 else [word, f"{word[:-2]}as"]

    return _Language(
        _all(tens, hundreds), _words("mil"), _words("millon millones"), _words("un una uno"), thanks=_words("gracias")
    )


def _german() -> _Language:
    units = _listed("null eins zwei drei vier funf sechs sieben acht neun")
    heads = ["", "ein", *units[2:]]
    teens = _listed("zehn elf zwolf dreizehn vierzehn funfzehn sechzehn siebzehn achtzehn neunzehn")
    by_ten = _listed("zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig")

    def tens(n: int) -> list[str]:
        if n < 10:
            return [units[n], *({1: ["ein", "eine", "einen", "einem", "einer", "eines"], 2: ["zwo"]}.get(n, []))]
        if n < 20:
            return [teens[n - 10]]
        return [f"{heads[n % 10]}{'und' if n % 10 else ''}{by_ten[n // 10 - 2]}"]

    def hundreds(n: int) -> list[str]:
        return ["hundert", "einhundert"] if n == 1 else [f"{heads[n]}hundert"]

    alone = _words("ein eine einen einem einer eines eins")
    thanks = _words("geben gib gebt gibt dank")  # "geben Sie acht", "tausend Dank"
    small = _all(tens, hundreds, ("", "und"))
    return _Language(small, _words("tausend"), _words("million millionen"), alone, thanks=thanks)


def _french() -> _Language:
    first = _listed(
        "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize "
        "dixsept dixhuit dixneuf"
    )
    by_ten = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante"}
    others = {7: ["septante"], 8: ["octante", "huitante"], 9: ["nonante"]}

    def tens(n: int) -> list[str]:
        if n < 20:
            return [first[n], "une"] if n == 1 else [first[n]]
        ten, unit = divmod(n, 10)
        units = tens(unit) if unit else [""]
        found = [f"{head}{_and(unit)}{each}" for head in others.get(ten, []) for each in units]
        if ten in (7, 9):
            head = "soixante" if ten == 7 else "quatrevingt"
            return [*found, f"{head}{first[unit + 10]}", f"{head}et{first[unit + 10]}"]
        heads = ["quatrevingt", *(["quatrevingts"] if not unit else [])] if ten == 8 else [by_ten[ten]]
        ends = [f"{gap}{each}" for each in units for gap in ("", _and(unit))]
        return [*found, *(head + end for head in heads for end in ends)]

    def _and(unit: int) -> str:
        return "et" if unit == 1 else ""

    def hundreds(n: int) -> list[str]:
        return ["cent"] if n == 1 else [f"{first[n]}cent", f"{first[n]}cents"]

    return _Language(
        _all(tens, hundreds), _words("mille"), _words("million millions"), _words("un une neuf"),
        _words("euro euros heure heures jour jours cent mille"), _words("merci mercis"),
    )  # fmt: skip


_LANGUAGES: dict[str, Callable[[], _Language]] = {"es": _spanish, "de": _german, "fr": _french}
OTHERWISE = ("ten",)
"""Number words of English that are others in these languages."""


def knows(language: str) -> bool:
    return language.partition("-")[0].lower() in _LANGUAGES
