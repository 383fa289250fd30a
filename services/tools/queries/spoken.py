"""Figures and periods in words fit to be spoken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from parley.agents.queries import QueryColumn

MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


def figure(value: Decimal, column: QueryColumn) -> str:
    """ "1,204.50 dollars"."""
    exact = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    text = f"{exact:,}"
    if column.type != "money" or exact == exact.to_integral():
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {column.unit}".strip()


def period(text: str) -> str:
    """ "2026-03" as "March 2026"."""
    year, _, month = text.partition("-")
    return f"{MONTHS[int(month) - 1]} {year}" if month else year


def label(name: str) -> str:
    return name.replace("_", " ")


def change(first: Decimal, second: Decimal) -> str:
    """ "up 12 percent"; empty where it cannot be told."""
    if first == second:
        return "no change"
    if first <= 0:
        return ""
    percent = ((second - first) / first * 100).quantize(Decimal(1), ROUND_HALF_UP)
    if percent == 0:
        return "nearly no change"
    return f"{'up' if percent > 0 else 'down'} {abs(percent):,} percent"


def listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
