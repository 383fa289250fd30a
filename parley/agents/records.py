"""`agent.yaml`: the agent's own data."""

from __future__ import annotations

from pydantic import Field

from parley.agents.strict import Strict


class Data(Strict):
    """`version`: raise it, and at the next start of the tools service all that tools have written is thrown away, and
    `data/` loaded as it stands. A lower one changes nothing.
    """

    version: int = Field(1, ge=1, le=1_000_000)
