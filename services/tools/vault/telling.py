"""What a tool tells of a card: its token, never its number. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from services.tools.contract import Outcome

_LEAST = 6
"""Digits. A code is three or four: "it costs 123 dollars" is no code."""


def without(outcome: Outcome, tokens: Mapping[str, str]) -> Outcome:
    """The outcome with tokens where whole numbers stand, in groups or not. `tokens`: number -> token."""
    patterns = [(_grouped(number), token) for number, token in tokens.items() if len(number) >= _LEAST]
    if not patterns:
        return outcome
    told = Outcome()
    told.CopyFrom(outcome)
    for pattern, token in patterns:
        told.result_json = pattern.sub(token, told.result_json)
        told.message = pattern.sub(token, told.message)
        told.say.text = pattern.sub(token, told.say.text) if told.HasField("say") else ""
        for show in told.shows:
            show.json = pattern.sub(token, show.json)
    if not outcome.HasField("say"):
        told.ClearField("say")
    return told


def _grouped(number: str) -> re.Pattern[str]:
    return re.compile(r"[ -]?".join(number))
