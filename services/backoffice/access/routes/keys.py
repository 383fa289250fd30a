"""`/api/keys`: API keys of machines, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.backoffice.access.admission import needs
from services.backoffice.access.keys import LONGEST_DAYS, Key
from services.backoffice.access.roles import Role, Who
from services.backoffice.access.routes.bodies import Body, when
from services.backoffice.api.requests.problems import answers
from services.backoffice.parts import Parts

Admin = Annotated[Who, Depends(needs("admin"))]


class Shown(BaseModel):
    id: str = Field(examples=["0123456789ab"])
    name: str = Field(examples=["nightly report"])
    role: Role
    scopes: list[str] = Field(examples=[["calls:read"]])
    made_by: str
    made_at: str | None
    ends_at: str | None
    used_at: str | None


class Keys(BaseModel):
    items: list[Shown]


class NewKey(Body):
    name: str = Field(min_length=1, max_length=100, examples=["nightly report"])
    role: Role = Field("viewer", description="The most it may within its scopes")
    scopes: list[str] = Field(min_length=1, max_length=50, examples=[["calls:read", "statistics:read"]])
    days: int | None = Field(None, ge=1, le=LONGEST_DAYS, description="How long it is good; null: without an end")


class Made(Shown):
    """`key` is shown now and never again."""

    key: str = Field(examples=["parley_0123456789ab_…"])


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/keys", tags=["keys"], responses=answers(401, 403, 404, 422, 503))
    keys = parts.access.keys

    @routes.get("")
    async def all_of_them(_: Admin) -> Keys:
        return Keys(items=[Shown(**_shown(each)) for each in await keys.list()])

    @routes.post("", status_code=201)
    async def make(body: NewKey, who: Admin) -> Made:
        text, key = await keys.make(body.name, body.role, body.scopes, who.name, body.days)
        await parts.access.note(who.name, "key.made", key.id, {"name": key.name, "scopes": " ".join(key.scopes)})
        return Made(key=text, **_shown(key))

    @routes.delete("/{id}", status_code=204)
    async def revoke(id: str, who: Admin) -> None:
        """It is nobody's from the next request on."""
        await keys.revoke(id)
        await parts.access.note(who.name, "key.revoked", id, {})

    return routes


def _shown(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "scopes": list(key.scopes),
        "made_by": key.made_by,
        "made_at": when(key.made_ms),
        "ends_at": when(key.ends_ms),
        "used_at": when(key.used_ms),
    }
