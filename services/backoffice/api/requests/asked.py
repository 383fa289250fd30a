"""Who may ask, by role; and what a request's body has in common."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict

from services.backoffice.access import Who, needs

Viewer = Annotated[Who, Depends(needs("viewer"))]
Supervisor = Annotated[Who, Depends(needs("supervisor"))]
Admin = Annotated[Who, Depends(needs("admin"))]


class Body(BaseModel):
    """Of a request. What it does not know is refused."""

    model_config = ConfigDict(extra="forbid")
