"""What an API key is for: an area of the API, to read or to change. Pure.

A scope is `calls:read` or `calls:write`; `write` includes `read`. A key's role is the most it may within its scopes. A
path that belongs to no area is for people only.
"""

from __future__ import annotations

from collections.abc import Iterable

from parley.errors import BadInput

AREAS: dict[str, tuple[str, ...]] = {
    "calls": ("call-logs", "calls"),
    "live": ("active-calls", "live"),
    "statistics": ("stats",),
    "agents": ("agents", "numbers"),
    "engines": ("engines", "test-llm", "test-nlu", "test-tts"),
    "config": ("config",),
    "watchers": ("audit", "dead-letters", "webhooks"),
    "about": ("openapi.json",),
    "compliance": ("compliance-audit", "compliance-checklist", "tracker"),
}
"""By area: first parts of paths below `/api/`. Accounts, keys and sessions are in none: a key makes no other."""

READING = frozenset(("GET", "HEAD", "OPTIONS"))
SCOPES = tuple(f"{area}:{verb}" for area in AREAS for verb in ("read", "write"))
_AREA_OF = {part: area for area, parts in AREAS.items() for part in parts}


def scope_of(method: str, path: str) -> str:
    """What a request needs: `POST /api/calls/CA1/note` needs `calls:write`. Empty: no key may ask this."""
    api, _, rest = path.removeprefix("/").partition("/")
    area = _AREA_OF.get(rest.partition("/")[0], "") if api == "api" else ""
    return f"{area}:{'read' if method in READING else 'write'}" if area else ""


def covers(scopes: Iterable[str], wanted: str) -> bool:
    """Whether one of `scopes` is enough for `wanted`."""
    given = set(scopes)
    return bool(wanted) and (wanted in given or wanted.removesuffix(":read") + ":write" in given)


def checked(scopes: Iterable[str]) -> frozenset[str]:
    """Raises BadInput: none, or one that there is not."""
    given = frozenset(scopes)
    if not given:
        raise BadInput(f"scopes: at least one of {', '.join(SCOPES)}")
    if wrong := sorted(given - set(SCOPES)):
        raise BadInput(f"scopes: {wrong[0][:40]!r} is none of {', '.join(SCOPES)}")
    return given
