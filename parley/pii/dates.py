"""Dates, written and spoken, in four languages: where they stand. Pure. Whose day it is is for others to say."""

from __future__ import annotations

import re

from parley.pii.number_words import SMALL, TENS, WHOLE

_MONTHS = (
    "january february march april may june july august september october november december jan feb mar apr jun "
    "jul aug sept sep oct nov dec januar jänner februar märz maerz mai juni juli oktober dezember enero "
    "febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre janvier "
    "février fevrier mars avril juin juillet août aout septembre octobre novembre décembre decembre"
)
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth premier primero ersten zweiten "
    "dritten vierten fünften sechsten siebten siebenten achten neunten zehnten elften zwölften dreizehnten "
    "vierzehnten fünfzehnten sechzehnten siebzehnten achtzehnten neunzehnten zwanzigsten dreißigsten "
    "einunddreißigsten"
)


def _any(words: str) -> str:
    return "|".join(sorted({*words.split()}, key=len, reverse=True))


_MONTH = rf"(?:{_any(_MONTHS)})\.?"
_NUMBER = _any(" ".join((*SMALL, *TENS, *WHOLE)))
_ORDINAL = rf"(?:(?:twenty|thirty)[- ])?(?:{_any(_ORDINALS)})|\w{{3,9}}und(?:zwanzigsten|dreißigsten)"
_DAY = (
    rf"(?:\d{{1,2}}(?:st|nd|rd|th|er|\.|º)?(?!\d)|(?:{_ORDINAL})|"
    rf"(?:twenty|thirty|treinta|veinte|vingt|trente)[- ](?:{_NUMBER})|(?:{_NUMBER}))"
)
_YEAR_WORD = rf"(?:\w*(?:hundert|tausend)\w*|hundred|thousand|mil|mille|cents?|novecientos|ochocientos|{_NUMBER})"
_YEAR = rf"(?:(?:19|20)\d{{2}}|'?\d{{2}}(?!\d)|{_YEAR_WORD}(?:(?:[- ]|[- ](?:and|y|et)[- ]){_YEAR_WORD}){{0,6}})"
_OF = r"(?:\s+(?:of|de|del|d'))?"
_TAIL = rf"(?:,?(?:\s+(?:the|del?|of|in))?\s+{_YEAR}\b)?"
_DATES = re.compile(
    rf"\b(?:"
    rf"\d{{4}}[-./]\d{{1,2}}[-./]\d{{1,2}}"
    rf"|\d{{1,2}}[-./]\s?\d{{1,2}}[-./]\s?(?:\d{{4}}|\d{{2}})"
    rf"|{_DAY}{_OF}\s+{_MONTH}(?!\w){_TAIL}"
    rf"|{_MONTH}(?!\w)\s+(?:the\s+)?{_DAY}(?!\w){_TAIL}"
    rf"|{_MONTH}(?!\w),?\s+(?:19|20)\d{{2}}"
    rf")(?!\w)",
    re.IGNORECASE,
)
HINT = re.compile(rf"\d[-./]\s?\d{{1,2}}[-./]\s?\d|\b{_MONTH}(?!\w)", re.IGNORECASE)
"""What no date is without."""


def dates(text: str) -> list[tuple[int, int]]:
    """Where dates stand: with a day and a month, or a month and a year."""
    return [match.span() for match in _DATES.finditer(text)]
