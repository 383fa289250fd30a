"""How an agent behaves, as far as `step` must know: part of a call's state. Frozen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """Something that is known of a call, by name: see `known.py`."""

    name: str
    value_pii: str = ""


@dataclass(frozen=True, slots=True)
class ToolFillers:
    """What may be said while this tool runs."""

    tool: str
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Specialist:
    """One to whom a call can be given, and the tools that are not everybody's."""

    name: str
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """How an agent behaves, as far as `step` must know. Times in ms; sentences are said as they stand.

    `greeting` has places for `variables`, which are here as they are when nothing is known. `caller_first_ms`: the
    greeting is only said when the caller has not spoken for so long; 0 = at once.
    """

    greeting: str = ""
    caller_first_ms: int = 0
    variables: tuple[Variable, ...] = ()
    retrieve: bool = False
    retrieve_wait_ms: int = 80
    rounds: int = 3
    interrupt_ms: int = 500
    interrupt_words: int = 1
    wordless_ms: int = 1200
    backchannels: tuple[str, ...] = ()
    keys_interrupt: bool = True
    protect_greeting_ms: int = 0
    push_to_talk: bool = False
    mute_during_effects: bool = False
    yes: tuple[str, ...] = ()  # the agent's own words for it
    no: tuple[str, ...] = ()
    unclear: str = ""  # before a question that got no clear answer
    must_hear: tuple[str, ...] = ("unavailable", "too_long", "time_is_up")  # sentences that are not interrupted
    away_ms: int = 8000
    away_prompts: tuple[str, ...] = ()
    goodbye: str = ""
    ahead: str = "never"
    ahead_ms: int = 300
    ahead_stability: float = 0.9
    ahead_words: int = 2
    ahead_tries: int = 2
    filler_ms: int = 0
    fillers: tuple[str, ...] = ()
    tool_filler_ms: int = 0
    tool_fillers: tuple[str, ...] = ()
    fillers_of: tuple[ToolFillers, ...] = ()
    turn_ms: int = 60000
    call_ms: int = 1800000
    retry_ms: int = 0
    trouble: str = ""
    backend_down: str = ""  # instead of the model's words about tools that are; empty: they are the model's to find
    unavailable: str = ""
    too_long: str = ""
    not_heard: str = ""
    not_transferred: str = ""
    time_is_up: str = ""
    cut_off: str = ""
    level_ms: int = 0  # so long an identity level holds; 0 = until the end of the call
    secret_tools: tuple[str, ...] = ()  # names of tools whose arguments are not kept once they have ended
    payment: bool = False  # callers pay by card here: see `asked_cards.py`
    before_greeting: str = ""
    after_greeting: str = ""
    before_transfer: str = ""
    before_hang_up: str = ""
    transfer_to: str = ""  # the number of the people behind the agent
    escalation: str = ""  # what an `escalate` from outside does: `nothing`, `offer`, `transfer`; empty: it is shown
    escalation_to: str = ""  # a number
    escalation_ask: str = ""  # offers it
    escalation_say: str = ""  # before it
    specialists: tuple[Specialist, ...] = ()
