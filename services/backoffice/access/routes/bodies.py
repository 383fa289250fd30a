"""What is sent and answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.backoffice.access.roles import Kind, Role, Who

Name = Annotated[str, Field(min_length=1, max_length=64, examples=["ada"])]
Password = Annotated[str, Field(max_length=200, examples=["four words nobody guesses"])]
Code = Annotated[str, Field(max_length=10, examples=["123456"])]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Me(BaseModel):
    """Who is logged in. `csrf` is what `X-CSRF-Token` of each change must say; empty for an API key."""

    name: str = Field(examples=["ada"])
    role: Role
    kind: Kind
    number: str = Field(examples=["+15550100199"])
    numbers: bool = Field(description="Whether callers' numbers are shown", examples=[True])
    totp: bool = Field(description="Whether a second factor is set up")
    scopes: list[str] | None = Field(description="Of an API key; null: a person")
    csrf: str = Field(examples=["9f2c"])


def me(who: Who, csrf: str = "", *, totp: bool = False) -> Me:
    return Me(
        name=who.name,
        role=who.role,
        kind=who.kind,
        number=who.number,
        numbers=who.sees_numbers,
        totp=totp,
        scopes=sorted(who.scopes) if who.scopes is not None else None,
        csrf=csrf,
    )


def when(ms: int | None) -> str | None:
    """ISO 8601 in UTC, with milliseconds."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
