"""`agent.yaml`: the agent's own data."""

from __future__ import annotations

from pydantic import Field

from parley.agents.strict import Strict


class Data(Strict):
    """`version`: raise it, and at the next start of the tools service all that tools have written is thrown away, and
    `data/` loaded as it stands. A lower one changes nothing.

    `audit`: an entry is written for each use of `verify_customer`, `execute_query` and `analyze_data`: who, level,
    what, about, at, call; no factor and no value. The agent's own tools write theirs by `context.audit` in any case.
    """

    version: int = Field(1, ge=1, le=1_000_000)
    audit: bool = False
