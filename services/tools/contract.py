"""What the parts of the tools service say to each other: intents, outcomes, rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import orjson

from parley.tooling import HangUp, Notice, Transfer

MAX_JSON_BYTES = 16 * 1024
"""Of UTF-8. Arguments and results larger than this are refused: a result is read by a model and told on the phone."""

MAX_KNOWN_CHARS = 8 * 1024
"""Of what is known of a call, names included."""

Epoch = tuple[int, int]
"""(leg, open), compared as a pair."""

Key = tuple[str, int]
"""(call_id, intent)."""


class Status(Enum):
    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tool ended. `result_json` of an OK, `message` in words fit for the model otherwise. `level`: it proves this
    identity level."""

    status: Status
    result_json: str = ""
    message: str = ""
    then: HangUp | Transfer | None = None
    say: Notice | None = None
    level: int = 0


UNKNOWN = Outcome(
    Status.UNKNOWN,
    message="It was started, and it is not known whether it was done. Say so honestly, and do not simply try again.",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a call beside who calls: see `CallContext`."""

    direction: str = "inbound"
    purpose: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing a call wants done, once. `level`: identity level the caller has proven. `version`: of the agent that
    the call began with. `known`: of the call, personal.
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

    @property
    def key(self) -> Key:
        return self.call_id, self.number

    @property
    def hash(self) -> str:
        """sha256 of the canonical name and arguments: what may not change under one key."""
        return hashlib.sha256(orjson.dumps([self.name, self.arguments], option=orjson.OPT_SORT_KEYS)).hexdigest()


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
