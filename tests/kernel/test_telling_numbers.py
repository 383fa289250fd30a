"""Numbers and money in words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from parley.text.telling import euros, money, number


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (0, "zero"),
        (7.2, "seven point two"),
        (-3.5, "minus three point five"),
        (-0.0001, "zero"),
        (88, "eighty eight"),
        (100, "one hundred"),
        (112, "one hundred and twelve"),
        (1250.25, "one thousand two hundred and fifty point two five"),
        (20_005, "twenty thousand and five"),
        (999_999, "nine hundred and ninety nine thousand nine hundred and ninety nine"),
        (Decimal("0.05"), "zero point zero five"),
    ],
)
def test_a_number(given: float | Decimal, words: str) -> None:
    assert number(given) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("89.50", "eighty nine dollars and fifty cents"),
        ("1", "one dollar"),
        ("0", "zero dollars"),
        ("0.01", "one cent"),
        ("1049.00", "one thousand and forty nine dollars"),
        ("12.345", "twelve dollars and thirty four cents"),
    ],
)
def test_an_amount(amount: str, words: str) -> None:
    assert money(Decimal(amount)) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("1", "un euro"),
        ("0", "cero euros"),
        ("0.90", "noventa céntimos"),
        ("21.35", "veintiún euros con treinta y cinco"),
        ("120.05", "120 euros con cinco"),
    ],
)
def test_an_amount_in_spanish(amount: str, words: str) -> None:
    assert euros(Decimal(amount)) == words
