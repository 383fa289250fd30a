"""`agent.yaml`: what is written down of a call once it is over."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from parley.agents.strict import Strict

OUTCOMES = ("resolved", "unresolved", "transferred", "abandoned", "failed")
"""What any call may have come to."""
MAX_NAMES = 20
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Meaning = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Outcomes(Strict):
    """`by`: a `model` reads the transcript and writes summary, outcome and slots; `rules`: no model is asked. `models`:
    as the agent's own `models`, for this work only. `kinds`: further outcomes, and when a call has come to one.
    `slots`: what is to be found in the transcript, and what that is; none: the slots of `domain`.
    """

    by: Literal["model", "rules"] = "model"
    models: dict[str, str] = Field(default_factory=dict, max_length=MAX_NAMES)
    kinds: dict[_Name, _Meaning] = Field(default_factory=dict, max_length=MAX_NAMES)
    slots: dict[_Name, _Meaning] = Field(default_factory=dict, max_length=MAX_NAMES)
