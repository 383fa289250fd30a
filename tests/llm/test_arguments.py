"""What a tool is given for the values of slots."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from parley.agents.agent import Agent
from services.llm.local.dialogue.arguments import NotTaken, given
from services.llm.local.understanding.domain import Domain

TODAY = date(2026, 11, 30)  # a Monday
SLOTS = {
    "day": {"kind": "day"}, "at": {"kind": "time"}, "number": {"kind": "number"}, "digits": {"kind": "digits"},
    "reason": {"kind": "text"},
}  # fmt: skip
DOMAIN = Domain(Agent.model_validate({"company": "A", "prompt": "A", "greeting": "Hi.", "domain": {"slots": SLOTS}}))
DATE = {"type": "string", "format": "date"}


@pytest.mark.parametrize(
    ("slot", "said", "schema", "taken"),
    [
        ("day", "friday", DATE, "2026-12-04"),
        ("day", "next tuesday", DATE, "2026-12-08"),
        ("day", "tomorrow", {"anyOf": [DATE, {"type": "null"}]}, "2026-12-01"),
        ("day", "2026-12-08", DATE, "2026-12-08"),
        ("day", "friday", {"type": "string"}, "friday"),
        ("reason", "tomorrow", DATE, "2026-12-01"),
        ("at", "15:30", {"type": "string", "format": "time"}, "15:30"),
        ("digits", "12", {"type": "integer"}, 12),
        ("digits", "0012", {"type": "string"}, "0012"),
        ("number", "2.5", {"type": "string"}, 2.5),
        ("number", "12", {}, 12),
        ("reason", "a flat tyre", {"type": "string"}, "a flat tyre"),
    ],
)
def test_a_value_is_given_as_the_tool_takes_it(slot: str, said: str, schema: dict[str, Any], taken: Any) -> None:
    assert given({slot: said, "more": "x"}, {slot: schema}, TODAY, DOMAIN) == {slot: taken}


@pytest.mark.parametrize("said", ["weekend", "february thirtieth", "easter"])
def test_a_day_that_is_no_date_is_not_given(said: str) -> None:
    with pytest.raises(NotTaken) as caught:
        given({"day": said}, {"day": DATE}, TODAY, DOMAIN)
    assert caught.value.slot == "day"
