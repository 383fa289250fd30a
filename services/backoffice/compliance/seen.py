"""What an audit looks at, gathered before it judges. Pure.

What could not be looked at is None, and never counts as good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Process:
    """One that lives, as it tells of itself. `trust`: see `parley.security.report`; empty: it tells nothing."""

    name: str
    service: str
    clock_s: float
    trust: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Person:
    """An account of the console."""

    name: str
    role: str
    second_factor: bool


@dataclass(frozen=True)
class Scan:
    """Texts that were looked through: how many, and how many had what kind of personal data."""

    texts: int
    found: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Chain:
    """The audit: its entries; the first that is not whole, 0: all are; why; days since its first entry."""

    entries: int
    broken: int = 0
    why: str = ""


@dataclass(frozen=True)
class House:
    """As its processes tell: settings and what they come to. Days of retention by kind; minutes until an idle session
    ends; failed logins that are free; characters of the shortest password; where the sealing key lies."""

    public_url: str
    console_url: str
    transcripts: str
    retention: Mapping[str, float]
    idle_minutes: float
    free_logins: int
    shortest_password: int
    key_given: bool
    oidc: bool
    vendors: tuple[str, ...]
    agents_with_cards: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declared:
    """What somebody says of what nothing here can check. `at_ms`: since 1970."""

    who: str
    at_ms: int
    note: str


@dataclass(frozen=True)
class Seen:
    """All of it. `now_s`: Unix seconds, by this process."""

    now_s: float
    house: House
    processes: tuple[Process, ...] | None = None
    people: tuple[Person, ...] | None = None
    chain: Chain | None = None
    transcripts: Scan | None = None
    logs: Scan | None = None
    declared: Mapping[str, Declared] = field(default_factory=dict)
