"""What a tool is given for the values of slots: in the form that its parameters say. Pure.

    a date      "next tuesday" -> "2026-12-08", as of the day of the call
    a number    "12" -> 12
    all else    as the slot has it, a `number` as one: what is read back can be put right
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from parley.text.days import day_said
from services.llm.local.understanding.domain import Domain

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class NotTaken(Exception):
    """`slot`: its value is none that the tool takes, as "the weekend" is no date."""

    def __init__(self, slot: str) -> None:
        super().__init__(slot)
        self.slot = slot


def given(values: Mapping[str, str], properties: Mapping[str, Any], today: date, domain: Domain) -> dict[str, Any]:
    """The arguments, of those slots that the tool knows. Raises NotTaken."""
    known = {name: value for name, value in values.items() if name in properties}
    return {name: _typed(name, value, properties[name], today, domain) for name, value in known.items()}


def _typed(name: str, value: str, schema: Any, today: date, domain: Domain) -> Any:
    kind = domain.slots[name].kind if name in domain.slots else "text"
    forms = list(_forms(schema))
    if any(form.get("format") == "date" for form in forms):
        day = day_said(value, today)
        if day is None and kind == "day":
            raise NotTaken(name)
        return day.isoformat() if day is not None else value
    numeric = kind == "number" or any(form.get("type") in ("integer", "number") for form in forms)
    if not numeric or not _NUMBER.fullmatch(value):
        return value
    number = float(value)
    return int(number) if number.is_integer() else number


def _forms(schema: Any) -> Iterator[Mapping[str, Any]]:
    """The kinds of value that a parameter may be."""
    if isinstance(schema, dict):
        yield schema
        for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from _forms(one)
