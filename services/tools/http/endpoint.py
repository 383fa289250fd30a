"""One request that a tool makes, as data. Where it goes is fixed here: nothing that a model writes changes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from parley.agents.foreign.auth import Auth
from parley.tooling import ToolMarks
from services.tools.http.file import Method, Where

PLACE = re.compile(r"\{([^{}/?#&]+)\}")
REPEATABLE = ("GET", "HEAD", "PUT", "DELETE")
"""Doing it twice is doing it once, by the meaning of the method (RFC 9110, 9.2.2)."""


class BadUrl(Exception):
    """What is wrong with it, and the remedy."""


@dataclass(frozen=True, slots=True)
class Field:
    """A value of the request. `wire`: what the service calls it. `source`, `value`: see `file.Parameter`. `joined`:
    several values in one, with commas."""

    name: str
    wire: str
    where: Where
    required: bool
    source: str = ""
    value: Any = None
    joined: bool = False

    @property
    def asked(self) -> bool:
        """The model fills it in."""
        return not self.source and self.value is None


@dataclass(frozen=True, slots=True)
class Address:
    """`client`: scheme, host and port. `path`, `query`: with places `{wire}`."""

    origin: str
    path: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        texts = (self.path, *(value for _, value in self.query))
        return tuple(dict.fromkeys(name for text in texts for name in PLACE.findall(text)))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`body`: a template of it; None: the fields in the body, or what the field `whole` holds. `result`: compiled
    JMESPath, None: all of it. `retries`: after the first try."""

    tool: str
    method: Method
    address: Address
    fields: tuple[Field, ...]
    marks: ToolMarks
    headers: Mapping[str, str]
    body: Any
    whole: str
    encoding: str
    auth: Auth | None
    timeout_s: float
    retries: int
    result: Any
    summary: str
    errors: Mapping[int, str]

    @property
    def repeatable(self) -> bool:
        return self.marks.idempotent or (not self.marks.effects and self.method in REPEATABLE)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.auth.secret,) if self.auth is not None else ()


def address_of(url: str) -> Address:
    """A URL with places in its path and in the values of its query. Raises BadUrl."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadUrl("is no address; write one such as https://shop.example.com/orders/{number}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadUrl("must begin with http:// or https:// and a host")
    if "{" in parts.netloc or "}" in parts.netloc:
        raise BadUrl("the host is fixed: places {name} stand in the path and in values of the query only")
    if parts.username is not None or parts.password is not None:
        raise BadUrl("holds a user or password; use auth, and a secret")
    if parts.fragment:
        raise BadUrl("has a fragment (#), which no service is sent")
    if any(ord(char) <= 32 or ord(char) > 126 for char in url):
        raise BadUrl("has a space, or a character outside of ASCII; write it percent-encoded")
    if any(segment in (".", "..") for segment in parts.path.split("/")):
        raise BadUrl("has . or .. in its path; write the path out")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    if any(PLACE.search(key) for key, _ in query):
        raise BadUrl("has a place in the name of a query parameter; only values have places")
    return Address(f"{parts.scheme}://{host}{f':{port}' if port else ''}", parts.path or "/", query)
