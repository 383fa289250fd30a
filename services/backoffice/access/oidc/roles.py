"""From a claim of the provider to a role. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parley.errors import Misconfigured
from parley.settings import addresses
from services.backoffice.access.roles import ROLES, Role

ANYBODY = "*"


class ClaimedRoles:
    """`claim`: its name, with dots for what is inside another: `realm_access.roles`. `table`: `admin=parley-admins,
    supervisor=leads,viewer=*`; a role may stand in it several times. Empty: the values are the roles' own names.

    Raises Misconfigured."""

    def __init__(self, claim: str, table: str) -> None:
        self._path = claim.split(".")
        self._by_value: dict[str, Role] = {role: role for role in ROLES} if not table.strip() else {}
        for row in addresses(table):
            name, _, value = row.partition("=")
            role = next((role for role in ROLES if role == name.strip()), None)
            if role is None or not value.strip():
                raise Misconfigured(
                    f"PARLEY_OIDC_ROLES: {row!r} is no row of it; write admin=parley-admins,supervisor=leads,viewer=*"
                )
            known = self._by_value.get(value.strip(), role)
            self._by_value[value.strip()] = max(role, known, key=ROLES.index)

    def role(self, claims: Mapping[str, Any]) -> Role | None:
        """The highest that fits; None: none does."""
        given = [*self.values(claims), ANYBODY]
        fits = [role for value in given if (role := self._by_value.get(value)) is not None]
        return max(fits, key=ROLES.index, default=None)

    def values(self, claims: Mapping[str, Any]) -> list[str]:
        """What the claim says: one word, or a list of them."""
        found: Any = claims
        for part in self._path:
            found = found.get(part) if isinstance(found, Mapping) else None
        if isinstance(found, str):
            return [found]
        return [value for value in found if isinstance(value, str)] if isinstance(found, list) else []
