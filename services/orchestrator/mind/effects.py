"""The outputs of `step`: what the conductor is to do, in this order. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Fire `TimerFired{id}` at `at_ms`; a timer of the same id is replaced."""

    id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class CancelTimer:
    id: str


@dataclass(frozen=True, slots=True)
class Think:
    """Run one round of the model on the call as it now stands. `continuing`: words of this answer were said already.

    `speculative`: the caller's turn is not over; it is taken to be the words of the call's `ahead`. `empty`: the last
    try gave no words.
    """

    turn: int
    tries: int
    round: int
    tools_off: bool = False
    speculative: bool = False
    continuing: bool = False
    empty: bool = False


@dataclass(frozen=True, slots=True)
class CloseThink:
    """Close the model's stream of this turn and below."""

    turn: int


@dataclass(frozen=True, slots=True)
class SpeculationOver:
    """A speculation is the real round now (`outcome` is `confirmed`), or nothing came of it: then close its stream.

    `lead_ms`: how long it had run. Other outcomes: `discarded`, `failed`, `too_long`.
    """

    turn: int
    tries: int
    outcome: str
    lead_ms: int = 0


@dataclass(frozen=True, slots=True)
class Retrieve:
    query: str


@dataclass(frozen=True, slots=True)
class Execute:
    """`confirmed`: the digest of what the caller said yes to; else a consequential tool is only asked about."""

    intent: int
    name: str
    arguments: str
    confirmed: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    turn: int
    utterance: int
    text: str
    kind: str = "answer"
    complete: bool = False
    interruptible: bool = True
    expect: str = "free"
    protect_ms: int = 0
    once: bool = False  # words of this call only, though they are no answer


@dataclass(frozen=True, slots=True)
class Stop:
    """Silence now: every word of this turn and below is dropped, wherever it is.

    `expect`: what the words that were heard until now ask for; empty: nothing sounded.
    """

    turn: int
    expect: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    turn: int


@dataclass(frozen=True, slots=True)
class BargeIn:
    """How a sound over the bot's voice was judged, once for each: `stopped`, `backchannel`, `echo` or `noise`."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What became of a question for a yes: `yes`, `no`, `changed`, `unclear` or `left` (the call ended, or went on)."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Show:
    """A card of the page has this value from now on, whatever becomes of the turn. `again`: it had, by all that is
    known; the page may have missed it."""

    name: str
    value_pii: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    to: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HandOver:
    """The call is with another specialist now. For figures and the log; the caller hears nothing of it."""

    giver: str
    to: str


@dataclass(frozen=True, slots=True)
class HangUp:
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Signalled:
    """What became of a signal: `done`, `shown` (for people to see), `duplicate`, `refused`, `recorded` (not heeded)."""

    name: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Store:
    """A boundary: the state goes to the gateway and to KV, the inputs since the last boundary to the events.

    `first`: before the effects that follow; a gateway that has the last words of a round must know of its tools.
    """

    ended: bool = False
    first: bool = False


Effect = (
    StartTimer
    | CancelTimer
    | Think
    | CloseThink
    | SpeculationOver
    | Retrieve
    | Execute
    | Say
    | Stop
    | Resume
    | BargeIn
    | Confirmation
    | Show
    | Transfer
    | HandOver
    | HangUp
    | Signalled
    | Store
)
