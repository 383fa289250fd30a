"""Slips that beginners of Spanish make: articles and adjectives that do not go with their noun, verbs that do not go
with their subject, and whatever patterns an agent has. Pure.

Only what is surely wrong is told: what is not found may be wrong all the same. Accents may be left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Rows = Mapping[str, Mapping[str, Any]]

MAX_CHARS = 500
COUNTS = {"dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10}
COUNTS |= {str(n): n for n in range(2, 100)}
# Determiners: of which kind, by gender and number. Several share a form.
KINDS = {
    "un": ("un", "una", "unos", "unas"),
    "el": ("el", "la", "los", "las"),
    "este": ("este", "esta", "estos", "estas"),
    "ese": ("ese", "esa", "esos", "esas"),
    "otro": ("otro", "otra", "otros", "otras"),
    "mucho": ("mucho", "mucha", "muchos", "muchas"),
}
DETERMINERS = {form: (kind, n) for kind, forms in KINDS.items() for n, form in enumerate(forms)}
ADJECTIVES = {  # masculine and feminine, each with its plural by an s
    each: (masculine, feminine)
    for masculine, feminine in (
        ("frío", "fría"), ("pequeño", "pequeña"), ("rojo", "roja"), ("blanco", "blanca"), ("negro", "negra"),
        ("tinto", "tinta"), ("fresco", "fresca"), ("rico", "rica"), ("bueno", "buena"), ("solo", "sola"),
        ("descafeinado", "descafeinada"),
    )
    for each in (masculine, feminine)
}  # fmt: skip
PERSONS = {"yo": "yo", "tu": "tú", "el": "él", "ella": "él", "usted": "él", "nosotros": "nosotros"}
PERSONS |= {"nosotras": "nosotros", "vosotros": "vosotros", "ellos": "ellos", "ellas": "ellos", "ustedes": "ellos"}


@dataclass(frozen=True, slots=True)
class Slip:
    """A mistake in a sentence at `begin` to `end`: what should stand there, and why, in Spanish and in English."""

    begin: int
    end: int
    right: str
    why: str
    english: str


def of_patterns(text: str, patterns: Rows) -> Iterator[Slip]:
    """Rows with `pattern`, of small letters without accents, `right`, in which \\1 is what the first group holds, `why`
    and `english`.
    """
    plain = bare(text)
    for row in patterns.values():
        for found in re.finditer(bare(row["pattern"]), plain):
            right = str(row["right"])
            for n in range(1, (found.lastindex or 0) + 1):
                right = right.replace(rf"\{n}", text[found.start(n) : found.end(n)])
            yield Slip(found.start(), found.end(), right, row["why"], row["english"])


def of_verbs(text: str, verbs: Rows) -> Iterator[Slip]:
    """ "yo quiere", "nosotros quiero"; an infinitive in place of a verb, and "quiere un café" of oneself.

    `verbs`: present forms by infinitive and person (yo, tú, él, nosotros, vosotros, ellos); `english` is no form.
    """
    plain = bare(text)
    forms = {bare(form): name for name, row in verbs.items() for form in (name, *_forms(row))}
    some = "|".join(sorted(forms, key=len, reverse=True))
    for found in re.finditer(rf"\b({'|'.join(PERSONS)})( no | tambien | )({some})\b", plain):
        row, person = verbs[forms[found[3]]], PERSONS[found[1]]
        if found[3] != bare(row[person]):
            shown = "yo" if person == "yo" else text[found.start(1) : found.end(1)].lower()
            why = f"con «{shown}» el verbo es «{row[person]}»"
            yield Slip(found.start(3), found.end(3), row[person], why, f"With {shown}, the form is {row[person]}.")
    begin = r"^\W*(?:(?:hola|buenos dias|buenas tardes|buenas noches|perdon|por favor|si|para mi)\W+)*"
    infinitives = "|".join(name for name in verbs if name not in ("ser", "estar", "poder"))
    if begun := re.search(rf"{begin}({infinitives}) (?:un|una|el|la|los|las|dos|tres|pagar|con)\b", plain):
        right = verbs[begun[1]]["yo"]
        yield Slip(*begun.span(1), right, f"con «yo» el verbo es «{right}»", f"Use the form for I: {right}.")
    if "?" not in text and (begun := re.search(rf"{begin}(quieres?) (?:un|una|dos|tres)\b", plain)):
        yield Slip(*begun.span(1), "quiero", "si hablas de ti, es «quiero»", "Of yourself, say quiero.")


def of_articles(text: str, words: Rows) -> Iterator[Slip]:
    """Articles, numbers and adjectives that do not go with their noun.

    `words`: by noun its `plural` and `gender` (m, f; without one: passed over); `el`: it is feminine and takes "el".
    """
    plain = bare(text)
    nouns: dict[str, tuple[dict[str, Any], bool]] = {}
    for name, row in words.items():
        if "gender" in row:
            nouns |= {bare(name): ({**row, "one": name}, False), bare(row["plural"]): ({**row, "one": name}, True)}
    some = "|".join(sorted(nouns, key=len, reverse=True))
    before, behind = "|".join((*DETERMINERS, *COUNTS)), "|".join(map(bare, ADJECTIVES))
    for found in re.finditer(rf"\b(?:({before}) )?({some})\b(?: ({behind})(s?)\b)?", plain):
        row, plural = nouns[found[2]]
        many = (found[1] in COUNTS or DETERMINERS.get(found[1], ("", 0))[1] > 1) if found[1] else plural
        noun = row["plural"] if many else row["one"]
        feminine = row["gender"] == "f"
        gender, english = ("femenino", "feminine") if feminine else ("masculino", "masculine")
        right = noun
        why, shown = f"con «{found[1]}» es «{noun}»", f"With {found[1]} the word is {noun}."
        wrong = found[1] is not None and many != plural
        if found[1] in DETERMINERS:
            kind, _ = DETERMINERS[found[1]]
            as_masculine = not feminine or (row.get("el") and not many and kind in ("un", "el"))
            word = KINDS[kind][(0 if as_masculine else 1) + (2 if many else 0)]
            right = f"{word} {noun}"
            if word != found[1]:
                wrong, shown = True, f"{noun} is {english}: {right}."
                takes_el = row.get("el") and not many
                why = f"con «{noun}» decimos «el {noun}»" if takes_el else f"«{row['one']}» es {gender}"
        elif found[1]:
            right = f"{text[found.start(1) : found.end(1)]} {noun}"
        if wrong:
            yield Slip(found.start(1), found.end(2), right, why, shown)
        if found[3] and not re.search(r"\b(?:con|de|sin)(?: el| la)? $", plain[: found.start()]):
            fit = ADJECTIVES[next(a for a in ADJECTIVES if bare(a) == found[3])][feminine] + ("s" if many else "")
            if bare(fit) != found[3] + found[4]:
                why = f"«{row['one']}» es {gender}" + (" y plural" if many else "")
                shown = f"{noun} is {english}{', plural' if many else ''}: {fit}."
                yield Slip(found.start(3), found.end(4), fit, why, shown)


def apart(slips: list[Slip]) -> list[Slip]:
    """In order, without those that overlap one before."""
    kept: list[Slip] = []
    for slip in sorted(slips, key=lambda s: (s.begin, -s.end)):
        if not kept or slip.begin >= kept[-1].end:
            kept.append(slip)
    return kept


def mended(text: str, slips: list[Slip]) -> str:
    """The sentence with what should stand there."""
    for slip in reversed(slips):
        text = text[: slip.begin] + _in_case(slip.right, text[slip.begin]) + text[slip.end :]
    return text


def bare(text: str) -> str:
    """Small letters without accents, one for each, so that places stay the same."""
    return "".join(unicodedata.normalize("NFD", c.lower())[0] for c in text)


def plain_words(text: str) -> str:
    """The words alone, without accents and punctuation."""
    return " ".join(re.sub(r"[^\w']|_", " ", bare(unicodedata.normalize("NFC", text))).split())


def _forms(row: Mapping[str, Any]) -> list[str]:
    return [str(value) for key, value in row.items() if key != "english"]


def _in_case(right: str, first: str) -> str:
    return right[:1].upper() + right[1:] if first.isupper() else right
