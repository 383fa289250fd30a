"""All that `access` has, as the routers use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from parley.errors import Misconfigured
from parley.limits.client import Proxies
from parley.settings import Settings
from services.backoffice.access.accounts import Accounts
from services.backoffice.access.admission import Admission
from services.backoffice.access.cookies import Jar
from services.backoffice.access.guard import Guard
from services.backoffice.access.keys import Keys
from services.backoffice.access.logging_in import Logins
from services.backoffice.access.oidc.login import OidcLogin
from services.backoffice.access.oidc.provider import Provider
from services.backoffice.access.oidc.roles import ClaimedRoles
from services.backoffice.access.passes import Passes
from services.backoffice.access.passwords import Passwords
from services.backoffice.access.sessions import Sessions
from services.backoffice.database import Database
from services.backoffice.sealing import Sealer, key_of

Note = Callable[[str, str, str, dict[str, object]], Awaitable[None]]
"""Who did what kind of thing to what, and what else is worth knowing: the audit's `note`."""


@dataclass(frozen=True)
class Access:
    """Made by `opened`. `oidc` None: local accounts."""

    admission: Admission
    accounts: Accounts
    sessions: Sessions
    keys: Keys
    logins: Logins
    passes: Passes
    oidc: OidcLogin | None
    oidc_name: str
    jar: Jar
    guard: Guard
    life_s: float
    note: Note


@asynccontextmanager
async def opened(settings: Settings, database: Database, sealer: Sealer, note: Note) -> AsyncIterator[Access]:
    """Raises Misconfigured: proxies, the provider, or its roles."""
    jar = Jar(Proxies(settings.trusted_proxies), settings.backoffice_url)
    accounts, passes = Accounts(database, sealer, Passwords()), Passes(key_of(settings))
    sessions = Sessions(database, settings.session_hours * 3600, settings.session_idle_minutes * 60)
    keys = Keys(database)
    async with httpx.AsyncClient() as client:
        yield Access(
            Admission(sessions, keys, jar),
            accounts,
            sessions,
            keys,
            Logins(database, sealer, accounts, passes),
            passes,
            _oidc(settings, client, passes),
            settings.oidc_name,
            jar,
            Guard(settings, jar),
            settings.session_hours * 3600,
            note,
        )


def _oidc(settings: Settings, client: httpx.AsyncClient, passes: Passes) -> OidcLogin | None:
    roles = ClaimedRoles(settings.oidc_role_claim, settings.oidc_roles)
    if not settings.oidc_issuer:
        return None
    if not settings.oidc_client_id:
        raise Misconfigured("PARLEY_OIDC_CLIENT_ID: missing; it is what the provider calls this installation")
    provider = Provider(settings.oidc_issuer, client)
    return OidcLogin(provider, settings.oidc_client_id, settings.oidc_client_secret.get_secret_value(), roles, passes)
