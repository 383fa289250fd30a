"""Where sentences and clauses end, in any script. Pure."""

from __future__ import annotations

import unicodedata

SPACED_ENDS = ".!?…\u037e"
"""End a sentence when white space follows: inside a word they are a decimal point, an address, an abbreviation."""
ENDS = "。！？｡．؟۔।॥།༎։።፧፨၊။។៕᙮᠃᱾꓿"
"""End a sentence wherever they stand: full-width and Arabic marks, dandas, and those of scripts without spaces."""
SPACED_CLAUSES = ",;:–—"
CLAUSES = "，、；：､،؛፣፤፥"
"""End a clause wherever they stand."""
CLOSING = "\"')]}*_~`”’»›）］｝」』】〉》〕"
"""May stand behind the end of a sentence and belongs to it."""
UNSPACED = "\u3040-\u30ff\u3400-\u9fff"
"""Kana and Chinese characters, for a class of a regular expression: before them a mark needs no space."""
UNMARKED = "\u0e01-\u0e5b\u0e81-\u0edf"
"""Thai and Lao, for a class of a regular expression: no mark ends their sentences, a space ends a clause or more."""
POLITE = "(?:ค่ะ|คะ|ครับ|จ้ะ)"
"""Words that end a Thai sentence, for a regular expression."""
DECIMAL = "．，、："
"""Of these, those that stand inside of a number too: `３．５`, `9：30`."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER = _words(
    """
    mr mrs ms mx dr prof rev gen col capt lt sgt hon nos vs e.g i.e approx dept tel ext vol fig bzw z.b d.h u.a zzgl ca
    inkl bzgl evtl ggf str hr fr sr sra dra srta ud uds pág núm mme mlle p.ej sig dott dhr mevr bijv t.ex kl tj tzn ul г
    ул д кв рис стр डॉ प्रो ডা ড டாக்டர் திரு ד״ר
    """
)
"""Words before a full stop that does not end a sentence; in small letters, without the last stop."""
_EITHER = _words(
    """
    no nr art etc inc ltd corp co jr ave blvd rd apt a.m p.m u.s u.k usw ok min max std hrs т.д т.п руб
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun mo di mi do sa so
    """
)
"""The same, but it may be the end: what follows tells."""
_ORDINAL = _words("vom zum im der die das den dem des")
_MONTHS = (
    "januar",
    "februar",
    "märz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
)


def ends_sentence(text: str, at: int, sure: bool = True) -> bool:
    """Whether the full stop `text[at]`, one of `SPACED_ENDS`, ends a sentence: not behind an abbreviation, an initial,
    an ordinal, or a number that is all there is so far (of a list), nor when a small letter follows.

    `sure`: more may follow, so what can be either is not an end. Otherwise nothing came for a while, and it is one.
    """
    if text[at] != ".":
        return True
    follows = text[at + 1 :].lstrip()
    before = text[max(at - 80, 0) : at].rsplit(maxsplit=3)
    last = before[-1].lower().lstrip("(\"'“„«[*_") if before else ""
    small = follows[:1].islower() and not "\u10d0" <= follows[0] <= "\u10ff"  # Georgian begins sentences with these
    if small or last in _NEVER or _ordinal(before, last, follows):
        return False
    initial = len(last) == 1 and last.upper() != last and last not in "iя"
    if initial or last == "st" or (last.isdigit() and len(before) == 1):
        return not sure and len(before) > initial
    if last in _EITHER:
        return not follows[:1].isdigit() if follows else not sure
    return True


def _ordinal(before: list[str], last: str, follows: str) -> bool:
    """A German one: `am 3. Mai`, `im 2. Stock`."""
    if not last.isdigit() or len(before) < 2 or len(last) > 2:
        return False
    month = follows.split(maxsplit=1)[0].lower() if follows else ""
    if before[-2].lower() == "am":
        return before[-3:-2] != ["I"] and any(name.startswith(month) for name in _MONTHS)
    return before[-2].lower() in _ORDINAL


def width(text: str) -> int:
    """Length of what a text says, as if all were Latin letters: a wide sign, which is a syllable, counts for three."""
    if text.isascii():
        return len(text)
    return sum(3 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
