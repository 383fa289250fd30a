"""Logging in and out, one's own account, accounts and keys: docs/api.md, "Who may"."""

from fastapi import APIRouter

from services.backoffice.access.routes import keys, oidc, own, session, users
from services.backoffice.parts import Parts


def routers(parts: Parts) -> list[APIRouter]:
    return [each.router(parts) for each in (session, oidc, own, users, keys)]
