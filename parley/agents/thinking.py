"""`agent.yaml`: the bounds of a call, and what the model is given to know."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from parley.agents.strict import Strict


class Limits(Strict):
    """Bounds of a call. `turn_s`: a caller who never stops talking is answered after this. `retry_s`: a model that is
    away is asked again for so long, before the caller is told that something went wrong; 0: one more time.
    """

    call_s: float = Field(1800.0, gt=0, le=14400)
    turn_s: float = Field(60.0, gt=0, le=600)
    retry_s: float = Field(5.0, ge=0, le=30)
    rounds: int = Field(3, ge=1, le=10)
    answer_tokens: int = Field(400, ge=1, le=4000)


class Knowledge(Strict):
    """`retrieve` `always`: passages for every turn; `never`. `wait_ms`: the model is asked without them after that."""

    retrieve: Literal["always", "never"] = "always"
    wait_ms: int = Field(80, ge=0, le=2000)
    limit: int = Field(3, ge=1, le=10)
    min_score: float = Field(0.0, ge=0, le=1)
