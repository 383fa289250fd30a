"""What each part of `agent.yaml` is made of: no field that is not known, and nothing changes afterwards."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
