"""What the parts of the tools service say to each other: intents, outcomes, rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hmac import compare_digest
from typing import Any

import orjson

from parley.tooling import ToolError
from parley.v1 import tools_pb2

MAX_JSON_BYTES = 16 * 1024
"""Of UTF-8. Arguments and results larger than this are refused: a result is read by a model and told on the phone."""

MAX_CUSTOMER_CHARS = 200
"""Of a record's key."""

MAX_KNOWN_CHARS = 8 * 1024
"""Of what is known of a call, names included."""

Epoch = tuple[int, int]
"""(leg, open), compared as a pair."""

Key = tuple[str, int]
"""(call_id, intent)."""


Outcome = tools_pb2.ToolOutcome
"""How a tool ended, from here to the wire and to the ledger. Nobody changes one that was made."""

Shown = tools_pb2.ToolShow
"""A card's new value, fit for the card."""

UNKNOWN = Outcome(
    status=Outcome.STATUS_UNKNOWN,
    message="It was started, and it is not known whether it was done. Say so honestly, and do not simply try again.",
)


def failed(words: str) -> Outcome:
    return Outcome(status=Outcome.STATUS_FAILED, message=words)


def down(words: str) -> Outcome:
    """What it needs did not answer, or broke."""
    return Outcome(status=Outcome.STATUS_FAILED, message=words, down=True)


def refused(words: str) -> Outcome:
    return Outcome(status=Outcome.STATUS_REFUSED, message=words)


def status_of(outcome: Outcome) -> str:
    """`ok`, `failed`, `unknown`, `refused`."""
    return Outcome.Status.Name(outcome.status).removeprefix("STATUS_").lower()


class Unsure(Exception):
    """It was begun elsewhere, and nobody here knows whether it was done. The text, fit for the model, is told of what
    may be done again; an effect that may not is UNKNOWN.
    """


class Away(ToolError):
    """What the tool needs is not there, and nothing was done. The text is fit for model and caller."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a call beside who calls: see `CallContext`."""

    direction: str = "inbound"
    purpose: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing a call wants done, once. `level`: identity level the caller has proven; `customer`: whose record is
    theirs, personal. `version`: of the agent that the call began with. `known`: of the call, personal. `confirmed`:
    `digest` of what the caller said yes to.
    """

    call_id: str
    number: int
    epoch: Epoch
    agent: str
    name: str
    arguments: Mapping[str, Any]
    caller: str = ""
    level: int = 0
    traceparent: str = ""
    version: str = ""
    known: Known = Known()
    confirmed: str = ""
    customer: str = ""

    @property
    def key(self) -> Key:
        return self.call_id, self.number

    @property
    def hash(self) -> str:
        """sha256 of the canonical name and arguments: what may not change under one key."""
        return _sha256([self.name, self.arguments])

    @property
    def digest(self) -> str:
        """What a yes to this is known by: of one call, one question, one name with its arguments."""
        return f"{self.number}.{_sha256([self.call_id, self.number, self.name, self.arguments])}"

    @property
    def agreed(self) -> bool:
        """The caller has said yes to just this."""
        number, _, _ = self.confirmed.partition(".")
        if not (number.isdecimal() and len(number) < 10) or int(number) == self.number:
            return False
        return compare_digest(self.confirmed, replace(self, number=int(number)).digest)


def _sha256(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class Row:
    """One intent in the ledger. No outcome: `executor`, by its claim `claim`, works on it, or died over it."""

    intent: int
    name: str
    arguments_json: str
    hash: str
    executor: str
    claim: str
    outcome: Outcome | None
