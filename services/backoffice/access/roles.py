"""Who asks, and what the roles may. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from parley.errors import BadInput

Role = Literal["viewer", "supervisor", "admin"]
Kind = Literal["person", "oidc", "link", "key"]

ROLES: tuple[Role, ...] = get_args(Role)
"""From least to most."""


@dataclass(frozen=True, slots=True)
class Who:
    """Whoever asks. `kind`: a local account, an account of the OIDC provider, the one-time link, an API key.

    `number`: where this person takes calls over to; empty: none is known. `session`: the session's id, for a person.
    """

    name: str
    role: Role
    kind: Kind
    number: str = ""
    session: str = ""
    scopes: frozenset[str] | None = None
    """Of an API key. None: a person, who may all that the role may."""

    def may(self, role: Role) -> bool:
        """Whether this role is enough where `role` is asked for."""
        return at_least(self.role, role)

    @property
    def sees_numbers(self) -> bool:
        """Callers' numbers are shown to supervisors and up; others see them masked."""
        return self.may("supervisor")


def at_least(role: Role, wanted: Role) -> bool:
    return ROLES.index(role) >= ROLES.index(wanted)


def role_named(text: str) -> Role:
    """Raises BadInput."""
    for role in ROLES:
        if role == text:
            return role
    raise BadInput(f"role: must be one of {', '.join(ROLES)}, not {text[:40]!r}")
