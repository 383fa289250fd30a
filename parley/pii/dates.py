"""Dates, written and spoken, in four languages: where they stand. Pure. Whose day it is is for others to say."""

from __future__ import annotations

import re
from collections.abc import Set

from parley.pii.number_words import SMALL, TENS, WHOLE

_MONTHS = (
    "january february march april may june july august september october november december jan feb mar apr jun "
    "jul aug sept sep oct nov dec januar jänner februar märz maerz mai juni juli oktober dezember enero "
    "febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre janvier "
    "février fevrier mars avril juin juillet août aout septembre octobre novembre décembre decembre"
)
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth premier primero erste zweite "
    "dritte vierte fünfte sechste siebte siebente achte neunte zehnte elfte zwölfte dreizehnte "
    "vierzehnte fünfzehnte sechzehnte siebzehnte achtzehnte neunzehnte zwanzigste dreißigste "
    "einunddreißigste"
)


def _any(words: str) -> str:
    return "|".join(sorted({*words.split()}, key=len, reverse=True))


_MONTH = rf"(?:{_any(_MONTHS)})\.?"
_NUMBER = _any(" ".join((*SMALL, *TENS, *WHOLE)))
_ORDINAL = (
    rf"(?:(?:(?:twenty|thirty)[- ])?(?:{_any(_ORDINALS)})[nr]?|"
    rf"\w{{3,9}}und(?:zwanzig|drei(?:ß|ss)ig)ste[nr]?)"
)
_DAY = (
    rf"(?:\d{{1,2}}(?: ?(?:st|nd|rd|th)\b|er|\.|º)?(?!\d)|{_ORDINAL}|"
    rf"(?:twenty|thirty|treinta|veinte|vingt|trente)[- ](?:{_NUMBER})|(?:{_NUMBER}))"
)
_YEAR_WORD = rf"(?:\w*(?:hundert|tausend)\w*|hundred|thousand|mil|mille|cents?|novecientos|ochocientos|{_NUMBER})"
_YEAR = rf"(?:(?:19|20)\d{{2}}|'?\d{{2}}(?!\d)|{_YEAR_WORD}(?:[\s-]+(?:(?:and|y|et)[- ])?{_YEAR_WORD}){{0,6}})"
_SAID_ANEW = (
    r"(?:[,.]*\s+(?:no|not|wait|sorry|i mean|make that|actually|nein|nicht|perdón|perdon|non|pardon)\b[,.]*)+\s+"
)
_GAP = r"(?:\s+|\s?[-/.]\s?)"
_OF = r"(?:\s+day)?(?:\s+(?:of|de|del|d'))?"
_TAIL = rf"(?:,?(?:\s+(?:the|del?|of|in))?{_GAP}{_YEAR}\b(?:{_SAID_ANEW}{_YEAR}\b)?)?"
_DAYS = rf"{_DAY}(?!\w)(?:{_SAID_ANEW}(?:the\s+)?{_DAY}(?!\w))?"
_IN_FRONT = rf"(?:(?:19|20)\d{{2}}|(?:nineteen|twenty|two\s+thousand)(?:\s+{_YEAR_WORD}){{1,3}})"
_DATES = re.compile(
    rf"\b(?:"
    rf"\d{{4}}[-./]\d{{1,2}}[-./]\d{{1,2}}(?:T[\d:.+Z-]*)?"
    rf"|\d{{1,2}}\s?[-./]\s?\d{{1,2}}\s?[-./]\s?(?:\d{{4}}|\d{{2}})"
    rf"|{_DAYS}{_OF}{_GAP}{_MONTH}(?!\w)(?:{_SAID_ANEW}(?:(?:the\s+)?{_DAYS}{_OF}{_GAP})?{_MONTH}(?!\w))?{_TAIL}"
    rf"|(?:{_IN_FRONT},?\s+)?{_MONTH}(?!\w){_GAP}(?:the\s+)?{_DAYS}{_TAIL}"
    rf"|{_MONTH}(?!\w),?(?:\s+of)?{_GAP}(?:19|20)\d{{2}}"
    rf"|(?:{_ORDINAL}|\d{{1,2}}(?:st|nd|rd|th|\.))(?:\s+of)?(?:\s+the)?\s+(?:{_ORDINAL}|\d{{1,2}}(?:st|nd|rd|th|\.)),?\s+{_YEAR}"
    rf"|\d{{1,2}}/\d{{1,2}}"
    rf")(?!\w)",
    re.IGNORECASE,
)
_HINT = re.compile(r"\d/\d|\d\s?[-./]\s?\d{1,2}\s?[-./]\s?\d|(?:st|nd|rd|th) of the \w")
MONTHS = frozenset(_MONTHS.split())
ORDINALS = frozenset((*_ORDINALS.split(), *(word + end for word in _ORDINALS.split() for end in "nr")))
_FILLER = re.compile(r",?\s{1,4}(?:uh|um|er|erm|like|äh|ähm|eh|euh)\b,?", re.IGNORECASE)


def dates(text: str, words: Set[str]) -> list[tuple[int, int]]:
    """Where dates stand: with a day and a month, or a month and a year. `words`: those of the text, in lower case."""
    if MONTHS.isdisjoint(words) and len(ORDINALS & words) < 2 and _HINT.search(text) is None:
        return []
    text = _FILLER.sub(lambda filler: " " * len(filler[0]), text)
    return [match.span() for match in _DATES.finditer(text)]
