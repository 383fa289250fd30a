"""How entries are tied to each other. Pure.

An entry's hash covers its number, time, kind, subject, author, source, whose key its content has, the keyed hash of the
content, and the hash before. It does not cover the sealed content: that may become unreadable, the chain holds. It is
keyed itself: who can write the database cannot make another chain.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

START = ""
"""What the first entry follows."""


class Hasher(Protocol):
    def hash(self, text: str, what: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """`at_ms`: since 1970. `source`: the id of what it tells of; there is one entry for it. `holder`: whose key opens
    the content; empty: the house's. `digest`: keyed hash of the content."""

    seq: int
    at_ms: int
    kind: str
    subject: str
    who: str
    source: str
    holder: str
    digest: str


def link(hasher: Hasher, previous: str, entry: Entry) -> str:
    """The hash of an entry that follows `previous`."""
    fields = [
        entry.seq,
        entry.at_ms,
        entry.kind,
        entry.subject,
        entry.who,
        entry.source,
        entry.holder,
        entry.digest,
        previous,
    ]
    return hasher.hash(json.dumps(fields, ensure_ascii=True, separators=(",", ":")), "audit link")
