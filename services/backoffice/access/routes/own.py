"""`/api/session/...`: what people change of their own account: password, second factor, number, open sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.backoffice.access.admission import needs
from services.backoffice.access.roles import Who
from services.backoffice.access.routes.bodies import Body, Code, Password, when
from services.backoffice.api.requests.problems import Problem, answers
from services.backoffice.parts import Parts

ENDS = 16
"""Characters of a session's id that are shown, and name it."""


class NewPassword(Body):
    old: Password
    new: Password


class Number(Body):
    number: str = Field(max_length=32, examples=["+15550100199"])


class Begun(BaseModel):
    """Shown once: the secret, the same as an address for an authenticator, and as a QR code: SVG in a `data:` URI.
    `pending` is sent back with a code."""

    secret: str
    uri: str
    picture: str
    pending: str


class Confirmed(Body):
    pending: str = Field(max_length=500)
    code: Code


class Off(Body):
    password: Password


class Open(BaseModel):
    id: str
    here: bool
    address: str
    browser: str
    made_at: str | None
    seen_at: str | None
    ends_at: str | None


class Sessions(BaseModel):
    items: list[Open]


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api/session", tags=["session"], responses=answers(401, 403, 404, 422, 503))
    accounts, sessions = parts.access.accounts, parts.access.sessions

    @routes.post("/password", status_code=204)
    async def password(body: NewPassword, who: Annotated[Who, Depends(needs("viewer"))]) -> None:
        """Every other session of this account ends."""
        await _own(who, body.old, "body.old")
        await accounts.set_password(who.name, body.new or " ", keep=who.session)
        await parts.access.note(who.name, "password.changed", who.name, {})

    @routes.post("/number", status_code=204)
    async def number(body: Number, who: Annotated[Who, Depends(needs("viewer"))]) -> None:
        """Where calls are transferred to that this person takes over."""
        _check_local(who)
        await accounts.set_number(who.name, body.number)
        await parts.access.note(who.name, "number.changed", who.name, {})

    @routes.post("/totp")
    async def begin(who: Annotated[Who, Depends(needs("viewer"))]) -> Begun:
        """A new secret for an authenticator. It counts when `/totp/on` was given its first code."""
        _check_local(who)
        secret, uri, pending = accounts.second_factor.begin(who.name)
        picture = accounts.second_factor.picture(uri)
        return Begun(secret=secret, uri=uri, picture=picture, pending=pending)

    @routes.post("/totp/on", status_code=204)
    async def turn_on(body: Confirmed, who: Annotated[Who, Depends(needs("viewer"))]) -> None:
        _check_local(who)
        await accounts.second_factor.turn_on(who.name, body.pending, body.code)
        await parts.access.note(who.name, "totp.on", who.name, {})

    @routes.post("/totp/off", status_code=204)
    async def turn_off(body: Off, who: Annotated[Who, Depends(needs("viewer"))]) -> None:
        await _own(who, body.password, "body.password")
        await accounts.second_factor.turn_off(who.name)
        await parts.access.note(who.name, "totp.off", who.name, {})

    @routes.get("/mine")
    async def mine(who: Annotated[Who, Depends(needs("viewer"))]) -> Sessions:
        """One's open sessions."""
        return Sessions(
            items=[
                Open(
                    id=each.id[:ENDS],
                    here=each.id == who.session,
                    address=each.address,
                    browser=each.browser,
                    made_at=when(each.made_ms),
                    seen_at=when(each.seen_ms),
                    ends_at=when(each.ends_ms),
                )
                for each in await sessions.of(who)
            ]
        )

    @routes.delete("/mine/{id}", status_code=204)
    async def end(id: str, who: Annotated[Who, Depends(needs("viewer"))]) -> None:
        """One of one's sessions ends."""
        found = [each.id for each in await sessions.of(who) if len(id) == ENDS and each.id.startswith(id)]
        if not found:
            raise Problem(404, "no such session of yours is open", field="path.id")
        await sessions.end(found[0], who.name)
        await parts.access.note(who.name, "session.ended", who.name, {})

    async def _own(who: Who, password: str, field: str) -> None:
        """Who sits down at an open screen cannot change who may come back to it."""
        _check_local(who)
        if not await accounts.fits(who.name, password):
            raise Problem(403, "this is not the password of the account", field=field, remedy="give the one of now")

    return routes


def _check_local(who: Who) -> None:
    if who.kind != "person":
        raise Problem(403, "only a local account has this", remedy="`parley user add NAME` makes one")
