"""What a caller may mean with the answer to a question about themselves, and what a record says. Pure.

Both are brought to one spelling. A caller's words may be read in several ways; each of them is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from parley.text.factors import dates, names, numbers

Kind = Literal["digits", "date", "name", "word", "phone", "postcode"]
KINDS: tuple[str, ...] = get_args(Kind)
MAX_READINGS = 4
MAX_SAID_CHARS = 200  # of an answer; what comes behind is not looked at


@dataclass(frozen=True, slots=True)
class Ways:
    """How numbers are written here. `country`: telephone code. `last`: how many of a number's last digits are asked."""

    order: dates.Order = "mdy"
    country: str = "1"
    last: int = 0


def readings(kind: Kind, said: str, ways: Ways) -> tuple[str, ...]:
    """At most MAX_READINGS, the likeliest first; () for words that are no such thing."""
    said = said[:MAX_SAID_CHARS]
    match kind:
        case "digits":
            found = numbers.said_digits(said, ways.last)
        case "date":
            found = dates.days(said, ways.order)
        case "name":
            found = names.names(said)
        case "word":
            found = names.words(said)
        case "phone":
            found = numbers.phones(said, ways.country)
        case "postcode":
            found = numbers.postcodes(said)
    return found[:MAX_READINGS]


def written(kind: Kind, value: str, ways: Ways) -> str:
    """What a record's field says; "" for what is no such thing, which no answer matches."""
    match kind:
        case "digits":
            return numbers.digits(value, ways.last)
        case "date":
            return dates.day(value, ways.order)
        case "name":
            return names.name(value)
        case "word":
            return names.word(value)
        case "phone":
            return numbers.phone(value, ways.country)
        case "postcode":
            return numbers.postcode(value)
