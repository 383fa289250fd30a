"""The kinds of personal data that are looked for, and where one stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "ssn", "card", "cvv", "birthdate", "email", "phone", "iban", "account", "routing", "passport", "licence", "ip",
    "record", "mbi",
]  # fmt: skip
"""`ssn`: social security number (US); `cvv`: a card's security code; `licence`: to drive; `record`: medical record or
patient number; `mbi`: Medicare beneficiary identifier; `routing`: of a US bank; `account`: at a bank."""
KINDS: tuple[Kind, ...] = get_args(Kind)
ALL: frozenset[Kind] = frozenset(KINDS)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """text[start:end] is of this kind."""

    start: int
    end: int
    kind: Kind
