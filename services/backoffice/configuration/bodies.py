"""What the routers of this folder share: who may, and how a change is noted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, ConfigDict

from services.backoffice.access import Who, needs
from services.backoffice.parts import Parts

Viewer = Annotated[Who, Depends(needs("viewer"))]
Supervisor = Annotated[Who, Depends(needs("supervisor"))]
Admin = Annotated[Who, Depends(needs("admin"))]


class Body(BaseModel):
    """Of a request. What it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


async def note(parts: Parts, who: Who, kind: str, subject: str, detail: dict[str, Any]) -> None:
    """For the audit; never a secret."""
    await parts.access.note(who, kind, subject, detail)
