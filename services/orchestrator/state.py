"""A call as a value: everything the orchestrator knows of it, and nothing else. Frozen, standard library only.

The same shapes stand in `parley/v1/events.proto`; `codec.py` carries them across by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Epoch(NamedTuple):
    """Who owns the call: the leg, and how often that leg opened `Converse`. The higher one wins."""

    leg: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True)
class ToolFillers:
    """What may be said while this tool runs."""

    tool: str
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """How an agent behaves, as far as `step` must know. Times in ms; sentences are said as they stand."""

    greeting: str = ""
    retrieve: bool = False
    retrieve_wait_ms: int = 80
    rounds: int = 3
    interrupt_ms: int = 500
    interrupt_words: int = 1
    backchannels: tuple[str, ...] = ()
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
    trouble: str = ""
    unavailable: str = ""
    too_long: str = ""
    not_heard: str = ""
    not_transferred: str = ""
    time_is_up: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """Knowledge found for a question. `score` 0..1."""

    text: str
    source: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Then:
    """What the call does once the words after a tool were heard: `kind` is `hang_up` or `transfer`."""

    kind: str
    to: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tool ended: `status` is `ok`, `failed`, `unknown` or `refused`."""

    status: str
    result: str = ""
    message: str = ""
    then: Then | None = None


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One tool call of the model. `intent` is its number in the ledger."""

    id: str
    name: str
    arguments: str
    intent: int = 0
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class CallerLine:
    """What the caller said, as the ears understood it."""

    text: str
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class BotLine:
    """What the bot said in one utterance, and the tools it called with it.

    `heard` counts characters of `text` at the caller's ear. `status`: `pending` (not known yet), `heard` (all of it),
    `cut` (stopped at `heard` for good). `utterance` 0: tools only. `complete`: no more text follows.
    """

    turn: int
    utterance: int = 0
    kind: str = "answer"
    text: str = ""
    heard: int = 0
    status: str = "pending"
    complete: bool = False
    interruptible: bool = True
    tools: tuple[ToolUse, ...] = ()
    at_ms: int = 0


Line = CallerLine | BotLine


@dataclass(frozen=True, slots=True)
class Thought:
    """A round of the model that is running. `tries` counts its restarts, from `first` on: the tries before were
    speculations that came to nothing."""

    round: int
    tries: int = 0
    utterance: int = 0  # 0 until the first phrase
    first: int = 0


@dataclass(frozen=True, slots=True)
class Ahead:
    """Thinking before the caller's turn is over: a round of the model on the words so far, what it gave is held back.

    `text`: the words it was begun with, empty when none runs. `turn`: the turn that it will be. `tries`: how many were
    begun for that turn. `looking_for`: the question whose passages are awaited before it begins.
    """

    turn: int = 0
    tries: int = 0
    text: str = ""
    looking_for: str = ""
    begun_ms: int = 0
    held: str = ""
    tools: tuple[ToolUse, ...] = ()
    complete: bool = False  # the round has ended


@dataclass(frozen=True, slots=True)
class Hearing:
    """The caller's words of a turn that has not ended. `since_ms`: when this sound began, 0 = quiet now."""

    finals: str = ""
    interim: str = ""
    since_ms: int = 0

    @property
    def text(self) -> str:
        return f"{self.finals} {self.interim}".strip()


@dataclass(frozen=True, slots=True)
class Listening:
    """The caller has the floor."""


@dataclass(frozen=True, slots=True)
class Answering:
    """The bot has the floor, from the end of the caller's turn until the last word of the answer was heard.

    `looking_for`: the question whose passages are awaited before the first round. `waiting_turn`: a turn that the
    caller ended over words that may not be interrupted; it is answered after them.
    """

    thought: Thought | None = None
    looking_for: str = ""
    waiting_turn: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    reason: str = ""


Floor = Listening | Answering | Ended


@dataclass(frozen=True, slots=True)
class Timer:
    id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What the call used, for its cost."""

    input_tokens: int = 0
    output_tokens: int = 0
    spoken_chars: int = 0
    rounds: int = 0
    barge_ins: int = 0
    speculations: int = 0  # of the rounds, those begun before the turn was over


@dataclass(frozen=True, slots=True)
class Call:
    """The state of one call."""

    call_id: str
    agent: str = ""
    agent_version: str = ""
    channel: str = "phone"
    caller_pii: str = ""
    called: str = ""
    language: str = "en"
    policy: Policy = Policy()
    effect_tools: tuple[str, ...] = ()  # names of tools that change the world
    slow_tools: tuple[str, ...] = ()  # names of tools that may take long
    epoch: Epoch = Epoch()
    turn: int = 0
    utterance: int = 0  # highest id given out
    intent: int = 0  # highest number given out
    floor: Floor = Listening()
    hearing: Hearing = Hearing()
    ahead: Ahead = Ahead()
    history: tuple[Line, ...] = ()
    dropped_lines: int = 0
    passages: tuple[Passage, ...] = ()
    passages_for: str = ""
    retrieving: str = ""
    sounding: int = 0  # utterance at the caller's ear now
    paused: bool = False
    then: Then | None = None
    timers: tuple[Timer, ...] = ()
    silences: int = 0
    failures: int = 0
    misheard: int = 0  # times in a row that something was said and not understood
    fillers: int = 0  # said so far
    filler: str = ""  # the last one
    digits: str = ""  # keys pressed so far
    seen_seq: int = 0
    started_ms: int = 0
    tally: Tally = Tally()
