"""Who asks, by the session's cookie or an API key, and whether that is enough."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request

from services.backoffice.access.cookies import SESSION, Jar
from services.backoffice.access.keys import Keys
from services.backoffice.access.roles import Role, Who
from services.backoffice.access.scopes import covers, scope_of
from services.backoffice.access.sessions import Sessions
from services.backoffice.api.requests.problems import Problem


class Admission:
    """One per process."""

    def __init__(self, sessions: Sessions, keys: Keys, jar: Jar) -> None:
        self._sessions = sessions
        self._keys = keys
        self._jar = jar

    async def who(self, request: Request) -> Who | None:
        """None: nobody that is known."""
        given = request.headers.get("authorization")
        if given is not None:
            kind, _, text = given.partition(" ")
            return await self._keys.find(text.strip()) if kind.lower() == "bearer" else None
        token = self._jar.get(request.scope, request.cookies, SESSION)
        return await self._sessions.find(token) if token else None

    async def name_of(self, request: Request) -> str | None:
        """What tells whoever asks from all others; None: nobody that is known."""
        who = await self.who(request)
        if who is None:
            return None
        several = who.kind in ("key", "link")  # of one name
        return f"{who.kind} {who.role} {who.session if several else who.name}"

    async def still(self, request: Request, before: Who) -> bool:
        """Whether whoever asked is still known and may see what they saw: for answers that go on, such as streams. It
        counts as no use. Raises Unavailable."""
        if request.headers.get("authorization") is not None:
            now = await self.who(request)
        else:
            token = self._jar.get(request.scope, request.cookies, SESSION)
            now = await self._sessions.find(token, use=False) if token else None
        return now is not None and now.sees_numbers == before.sees_numbers

    async def admitted(self, request: Request, role: Role) -> Who:
        """Raises Problem: 401 nobody, 403 the role or the key's scopes are not enough."""
        who = await self.who(request)
        if who is None:
            keyed = "authorization" in request.headers
            raise Problem(
                401,
                "this API key is not known, or no more" if keyed else "nobody is logged in",
                field="header.Authorization" if keyed else "",
                remedy="make a key with `POST /api/keys`" if keyed else "log in at /admin, or send an API key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if who.scopes is not None:
            wanted = scope_of(request.method, request.scope["path"])
            if not covers(who.scopes, wanted):
                remedy = f"make a key with the scope {wanted}" if wanted else "log in at /admin"
                raise Problem(403, "this key is not for that" if wanted else "this is for people only", remedy=remedy)
        if not who.may(role):
            raise Problem(403, f"this is for the role {role}; yours is {who.role}", remedy="ask an admin")
        return who


def needs(role: Role) -> Callable[[Request], Awaitable[Who]]:
    """For `Depends`: whoever asks, when the role is enough. Raises Problem."""

    async def who(request: Request) -> Who:
        admission: Admission = request.app.state.admission
        return await admission.admitted(request, role)

    who.needed_role = role  # type: ignore[attr-defined]  # a test looks for a path that forgot to ask
    return who
