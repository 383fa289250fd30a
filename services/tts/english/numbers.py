"""Which numbers are codes, said digit by digit, and which are quantities or years."""

from __future__ import annotations

import re
from collections.abc import Sequence


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# After these, and the words in `_LINKS` between, a number is a name of something.
_CODED = _words(
    "order orders number numbers code codes reference references ref id ids pin pins account accounts invoice "
    "invoices ticket tickets confirmation booking bookings reservation case cases serial tracking card cards "
    "ending ends zip zipcode postcode extension ext passcode password policy member membership claim receipt sku "
    "vin otp cvv cvc iban routing license licence plate flight digits phone call dial fax mobile cell text repair "
    "rma"
)
_LINKS = _words("is was are the your a an my our no nr # in with of its under as last four at please says reads")
_SHORT_CODED = _words(
    "code codes pin pins extension ext passcode password otp cvv cvc zip zipcode digits ending ends reference ref id"
)
_CALLED = frozenset({"dial", "call", "text", "phone"})
_EMERGENCY = frozenset({"911", "112", "999"})
_MOST_BACK = 4
_MODERN = 1900
_BEFORE_MODEL = frozenset({"the", "a", "this", "that", "our", "your", "new"})
_MONTHS = _words(
    "january february march april may june july august september october november december jan feb mar apr jun "
    "jul aug sep sept oct nov dec"
)
_BEFORE_YEAR = (
    _words(
        "in since year years by until till before after during from through around circa early late mid spring "
        "summer fall autumn winter copyright © christmas q1 q2 q3 q4"
    )
    | _MONTHS
)
_AMOUNT_BEFORE = _words(
    "about over nearly almost approximately roughly around least most than costs cost pay paid worth only exactly "
    "total totals totaling total: another up"
)
_UNITS = _words(
    "people dollars dollar euros euro pounds pound yen cents percent % € $ £ miles mile kilometers kilometres km "
    "meters metres feet ft inches kg kilograms kilos grams g mg lbs lb oz ml liters litres gallons calories kcal "
    "rpm watts w kw kwh mah mhz ghz hz mb gb tb pixels points hours minutes seconds hrs mins days weeks months "
    "years times square cubic degrees thousand million billion customers bikes items pieces steps reviews words "
    "characters usd eur gbp"
)
# Third persons: they follow a code as often as plurals follow a quantity.
_NO_PLURALS = _words(
    "is was has does its this as us yes ships expires arrives works needs shows says includes looks belongs "
    "starts ends contains costs requires comes goes gets opens closes"
)
_PLURAL = re.compile(r"[a-z]{3,}(?<!s)s")


def is_code(number: str, before: Sequence[str], after: str) -> bool:
    """Whether plain digits are a name rather than an amount.

    `before`: the words before it in lower case, without punctuation, none of another clause; `after`: the next.
    """
    if len(number) > 1 and number[0] == "0":
        return True
    if after.lower() in _UNITS and len(number) >= 4:
        return False
    coded = _coded_by(before)
    if len(number) < 4:
        called = len(number) == 3 and coded in _CALLED
        return len(number) > 1 and (coded in _SHORT_CODED or called or number in _EMERGENCY)
    return bool(coded) or not (is_year(number, before, after) or is_amount(number, before, after))


def is_year(number: str, before: Sequence[str], after: str) -> bool:
    if len(number) != 4 or not 1100 <= int(number) <= 2099:
        return False
    last = before[-1] if before else ""
    if last == "year" or (int(number) >= _MODERN and last in _BEFORE_YEAR):
        return True
    # "May 5, 2025", "the 5th of May 2025", "the 2024 model".
    dated = bool(set(before[-2:]) & _MONTHS)
    model = last in _BEFORE_MODEL and after.isalpha() and after.islower()
    return dated or (model and int(number) >= _MODERN)


def is_amount(number: str, before: Sequence[str], after: str) -> bool:
    if before and before[-1] in _AMOUNT_BEFORE:
        return True
    after = after.lower()
    return after in _UNITS or (_PLURAL.fullmatch(after) is not None and after not in _NO_PLURALS)


def with_commas(number: str) -> str:
    """So that 1234 is no year: 1,234."""
    return f"{int(number):,}"


def coded(before: Sequence[str]) -> bool:
    return bool(_coded_by(before))


def _coded_by(before: Sequence[str]) -> str:
    """The word that makes a name of the number behind it; "" when there is none."""
    for back, word in enumerate(reversed(before[-_MOST_BACK - 1 :])):
        if word in _CODED:
            follows = before[len(before) - back] if back else ""
            if follows == "in" and word not in ("ending", "ends"):
                return ""  # "your order in 2024"
            if follows == "of":
                return ""  # "an order of 1500 bikes"
            return word
        if word not in _LINKS:
            return ""
    return ""
