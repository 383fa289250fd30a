"""Where sentences and clauses end, in any script. Pure."""

from __future__ import annotations

SPACED_ENDS = ".!?…\u037e"
"""End a sentence when white space follows: inside a word they are a decimal point, an address, an abbreviation."""
ENDS = "。！？｡．؟۔।॥։።፧፨၊။។៕᙮᠃᱾꓿"
"""End a sentence wherever they stand: full-width and Arabic marks, dandas, and those of scripts without spaces."""
SPACED_CLAUSES = ",;:–—"
CLAUSES = "，、；：､،؛፣፤፥"
"""End a clause wherever they stand."""
CLOSING = "\"')]}*_~`”’»›）］｝」』】〉》〕"
"""May stand behind the end of a sentence and belongs to it."""
UNMARKED = "\u0e01-\u0e5b\u0e81-\u0edf"
"""Thai and Lao, for a class of a regular expression: no mark ends their sentences, a space ends a clause or more."""
UNMARKED_ENDS = "ครับ|ค่ะ|คะ|จ้ะ|จ้า"
"""What ends a Thai sentence to a stranger, as alternatives of a regular expression; a space follows."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ABBREVIATIONS = _words(
    """
    mr mrs ms dr prof rev gen col capt lt sgt st ave blvd nr nos vs e.g i.e approx dept tel ext vol bzw z.b d.h u.a
    zzgl str hr fr sr sra dr dra srta ud uds pág mme mlle p.ej г ул д кв डॉ प्रो ডা ড டாக்டர் திரு ד״ר κ κα
    """
)
"""Words before a full stop that hardly ever ends a sentence; in small letters, without the last stop."""
_AFTER_ORDINAL = _words(
    """
    januar februar märz april mai juni juli august september oktober november dezember jahrhundert stock etage klasse
    januára februára marca apríla mája júna júla ledna února března dubna května června července srpna září října
    """
)
"""Words before which `3.` is a date or an ordinal."""
_EITHER = _words("no etc inc ltd corp co jr a.m p.m u.s u.k usw т.д т.п руб")
"""The same, but it may be the end: what follows tells."""


def ends_sentence(text: str, at: int, sure: bool = True) -> bool:
    """Whether the full stop `text[at]`, one of `SPACED_ENDS`, ends a sentence: not behind an abbreviation, an initial,
    or a number that is all there is so far (of a list), nor when a small letter follows.

    `sure`: more may follow, so what can be either is not an end. Otherwise nothing came for a while, and it is one.
    """
    if text[at] != ".":
        return True
    following = text[at + 1 :].lstrip()
    follows = following[:1]
    before = text[:at].rsplit(maxsplit=1)
    last = before[-1].lower().lstrip("(\"'“„«[*_") if before else ""
    if last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha() and last not in "iя"):
        return False
    if not follows:
        return not (sure and (last in _EITHER or (last.isdigit() and len(before) == 1)))
    if follows.islower() or (last in _EITHER and follows.isdigit()):
        return False
    return not last.isdigit() or (len(before) > 1 and not (len(last) < 3 and _dates(following.lower())))


def _dates(following: str) -> bool:
    """Whether a word begins that makes the number before it an ordinal."""
    word = following.split(maxsplit=1)[0].strip(",.;:!?")
    whole = len(word) < len(following)
    return word in _AFTER_ORDINAL if whole else any(each.startswith(word) for each in _AFTER_ORDINAL)
