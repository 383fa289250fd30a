"""Whether digits and letters can be what they seem to be. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from stdnum import luhn
from stdnum.us import rtn

_MBI_LETTER = "AC-HJKMNP-RT-Y"
MBI = re.compile(
    rf"[1-9][{_MBI_LETTER}][0-9{_MBI_LETTER}]\d[{_MBI_LETTER}][0-9{_MBI_LETTER}]\d[{_MBI_LETTER}]{{2}}\d{{2}}"
)
_SSN = re.compile(r"(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}")
_BRANDS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|3[47]\d{13}|"
    r"(?:6011|65\d{2}|64[4-9]\d|62\d{2})\d{12}(?:\d{3})?|35(?:2[89]|[3-8]\d)\d{12}|(?:30[0-5]|3095|36|38|39)\d{11,12}|"
    r"(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"
)


def is_card(digits: str) -> bool:
    """A card's number: prefix and length of a brand, and the check digit."""
    return _BRANDS.fullmatch(digits) is not None and bool(luhn.is_valid(digits))


def is_ssn(digits: str) -> bool:
    return _SSN.fullmatch(digits) is not None


def is_routing(digits: str) -> bool:
    return len(digits) == 9 and bool(rtn.is_valid(digits))


def is_iban(code: str) -> bool:
    """Length by country, structure and check digits."""
    from stdnum import iban

    try:
        return bool(iban.is_valid(code, check_country=False))
    except Exception:  # a country that it does not know
        return False


@lru_cache(maxsize=1)
def _numbers():  # type: ignore[no-untyped-def]
    """Loaded when the first number that may be one comes: its tables take a while."""
    import phonenumbers

    return phonenumbers


def is_phone(text: str, region: str | None = "US") -> bool:
    """It can be dialled, as written: with + and a country, or as in `region`."""
    numbers = _numbers()
    try:
        return bool(numbers.is_possible_number(numbers.parse(text, region)))
    except numbers.NumberParseException:
        return False
