"""`/api/users`: local accounts, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.backoffice.access.accounts import Account
from services.backoffice.access.admission import needs
from services.backoffice.access.roles import Role, Who
from services.backoffice.access.routes.bodies import Body, Name, Password, when
from services.backoffice.api.requests.problems import Problem, answers
from services.backoffice.parts import Parts

Admin = Annotated[Who, Depends(needs("admin"))]


class User(BaseModel):
    name: str = Field(examples=["ada"])
    role: Role
    number: str = Field(examples=["+15550100199"])
    totp: bool
    made_at: str | None


class Users(BaseModel):
    items: list[User]


class NewUser(Body):
    name: Name
    role: Role = "viewer"
    password: Password = Field("", description="Empty: one is made and told once in the answer")


class Made(User):
    """`password`: the one that was made; empty where one was given. It is not shown again."""

    password: str = Field(examples=["kV3…"])


class Change(Body):
    """What is left out stays. `totp`: only false, for somebody who has lost their authenticator."""

    role: Role | None = None
    number: str | None = Field(None, max_length=32, examples=["+15550100199"])
    password: Password | None = Field(None, description="Empty: one is made and told once in the answer")
    totp: bool | None = None


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/users", tags=["users"], responses=answers(401, 403, 404, 409, 422, 503))
    accounts = parts.access.accounts

    @routes.get("")
    async def all_of_them(_: Admin) -> Users:
        return Users(items=[User(**_shown(each)) for each in await accounts.list()])

    @routes.post("", status_code=201)
    async def add(body: NewUser, who: Admin) -> Made:
        password = await accounts.add(body.name, body.role, body.password)
        await parts.access.note(who.name, "user.added", body.name, {"role": body.role})
        shown = _shown(await accounts.find(body.name))
        return Made(password="" if body.password else password, **shown)

    @routes.patch("/{name}")
    async def change(name: Name, body: Change, who: Admin) -> Made:
        """A new password ends all sessions of the account; a role counts from the next request on."""
        if who.kind == "person" and who.name == name and body.role not in (None, who.role):
            raise Problem(409, "nobody changes their own role", field="body.role", remedy="ask another admin")
        if body.totp:
            raise Problem(422, "only people themselves set it up", field="body.totp", remedy="leave it out, or false")
        await accounts.find(name)
        password = ""
        if body.number is not None:
            await accounts.set_number(name, body.number)
        if body.role is not None:
            await accounts.set_role(name, body.role)
        if body.password is not None:
            made = await accounts.set_password(name, body.password)
            password = "" if body.password else made
        if body.totp is False:
            await accounts.second_factor.turn_off(name)
        changed = sorted(body.model_fields_set)
        await parts.access.note(who.name, "user.changed", name, {"fields": ",".join(changed), "role": body.role or ""})
        return Made(password=password, **_shown(await accounts.find(name)))

    @routes.delete("/{name}", status_code=204)
    async def remove(name: Name, who: Admin) -> None:
        """Its sessions end."""
        if who.kind == "person" and who.name == name:
            raise Problem(409, "nobody removes their own account", field="path.name", remedy="ask another admin")
        await accounts.remove(name)
        await parts.access.note(who.name, "user.removed", name, {})

    return routes


def _shown(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "role": account.role,
        "number": account.number,
        "totp": account.totp,
        "made_at": when(account.made_ms),
    }
