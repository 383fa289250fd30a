"""What `@tool` says about a function, for tools that are described in YAML: those of `tools.yaml` and of `mcp`."""

from __future__ import annotations

from pydantic import Field, model_validator

from parley.agents.strict import Strict
from parley.tooling import ToolMarks


class Marks(Strict):
    """See docs/tools.md. None: as the tool's kind has it. `limit_s`: seconds until the caller is told."""

    effects: bool | None = None
    idempotent: bool | None = None
    consequential: bool | None = None
    confirm: str = Field("", max_length=300)
    slow: bool = False
    level: int = Field(0, ge=0, le=9)
    limit_s: float = Field(10.0, gt=0, le=600)

    @model_validator(mode="after")
    def _agree(self) -> Marks:
        if self.confirm and self.consequential is False:
            raise ValueError("confirm: is said before a consequential tool; take it out, or consequential: false")
        if self.effects is False and (self.consequential or self.confirm):
            raise ValueError("effects: a consequential tool has effects; take out effects: false")
        return self

    def as_marks(self, effects: bool, idempotent: bool = False, consequential: bool = False) -> ToolMarks:
        """With what holds where the file is silent."""
        asks = bool(self.confirm) if self.consequential is None else self.consequential
        asks = asks or (consequential and self.consequential is None)
        return ToolMarks(
            effects=asks or (effects if self.effects is None else self.effects),
            idempotent=idempotent if self.idempotent is None else self.idempotent,
            consequential=asks,
            confirm=self.confirm,
            slow=self.slow,
            level=self.level,
            limit_s=self.limit_s,
        )
