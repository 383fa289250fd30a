"""Which record is the caller's, and how many of its factors they know. Takes the same work whatever comes of it.

Every record is looked at, CANDIDATES of them are compared in all factors and all readings, found or not: so neither
the answer nor the time it takes tells a wrong answer from a customer whom nobody knows.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parley.agents.identity import CALLER, Identity
from parley.text.factors import numbers
from parley.text.factors.readings import MAX_READINGS, readings, written

CANDIDATES = 4
"""Records that one answer may find, as a name that several share; of more nobody is found."""
_KEY = secrets.token_bytes(32)  # of this process: digests are compared, all of one length
_NOTHING = hmac.digest(_KEY, b"", "sha256")
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Match:
    """`found`: keys of the records that what was said leads to. `customer`: the one of them of which most is known, ""
    if two are equally like. `right`: how many of its factors were right, of `given`.
    """

    found: tuple[str, ...]
    customer: str
    right: int
    given: int

    @property
    def faultless(self) -> bool:
        return bool(self.customer) and self.right == self.given


def match(
    identity: Identity, language: str, records: Mapping[str, Record], said: Mapping[str, str], caller: str
) -> Match:
    """`said`: the caller's words by factor, those that were given. `caller`: the number that calls, personal."""
    meant = {name: _meant(identity, language, name, said.get(name, "")) for name in identity.factors}
    known = numbers.caller(caller, identity.country)
    sought = {CALLER: ((known,) if known else ()), **meant}
    found = [key for key, record in records.items() if _found(identity, language, record, sought)]
    chosen = tuple(found) if len(found) <= CANDIDATES else ()
    others = (key for key in records if key not in found)
    slots = [*chosen, *(key for key, _ in zip(others, range(CANDIDATES - len(chosen)), strict=False))]
    slots += [""] * (CANDIDATES - len(slots))
    digests = {name: _digests(words) for name, words in meant.items()}
    rights = [_right(identity, language, records.get(key, {}), digests) for key in slots]
    best = max(rights[: len(chosen)], default=0)
    likest = [key for key, right in zip(chosen, rights, strict=False) if right == best]
    return Match(chosen, likest[0] if len(likest) == 1 else "", best, len(said))


def unreadable(identity: Identity, language: str, said: Mapping[str, str]) -> list[str]:
    """The factors whose words are no such thing at all: no date, no number."""
    return [name for name, words in said.items() if not _meant(identity, language, name, words)]


def _meant(identity: Identity, language: str, name: str, words: str) -> tuple[str, ...]:
    return readings(identity.kind_of(name), words, identity.ways(name, language))


def _found(identity: Identity, language: str, record: Record, sought: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether any of what finds a record is this one's."""
    found = False
    for name in identity.find_by:
        has = _written(identity, language, record, name).encode()
        for meant in sought[name]:
            found |= hmac.compare_digest(meant.encode(), has) and bool(has)
    return found


def _right(identity: Identity, language: str, record: Record, meant: Mapping[str, list[bytes]]) -> int:
    """How many factors of the record were said."""
    count = 0
    for name, digests in meant.items():
        has = _digest(_written(identity, language, record, name))
        right = False
        for digest in digests:
            right |= hmac.compare_digest(digest, has) and digest != _NOTHING
        count += right
    return count


def _written(identity: Identity, language: str, record: Record, name: str) -> str:
    value = record.get(identity.field_of(name))
    text = "" if value is None else str(value)
    return written(identity.kind_of(name), text, identity.ways(name, language))


def _digests(words: tuple[str, ...]) -> list[bytes]:
    """As many for every answer, and for none."""
    return [_digest(word) for word in (*words, *[""] * (MAX_READINGS - len(words)))]


def _digest(text: str) -> bytes:
    return hmac.digest(_KEY, text.encode(), "sha256")
