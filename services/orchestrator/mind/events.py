"""The inputs of `step`: each carries the time; `seq` (of its leg, 0 = none) tells a repeated one. Standard library."""

from __future__ import annotations

from dataclasses import dataclass

from services.orchestrator.mind.actions import Outcome, ToolLevel, ToolUse
from services.orchestrator.mind.policy import Policy, Variable
from services.orchestrator.mind.state import Epoch, Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at_ms: int = 0  # milliseconds since 1970, by the owner's clock
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Event):
    """A new call. `unsettled`: one whose past nobody can read, so that the ledger must tell what was done in it."""

    call_id: str
    epoch: Epoch
    agent: str
    agent_version: str = ""
    channel: str = "phone"
    caller_pii: str = ""
    called: str = ""
    direction: str = ""
    purpose: str = ""
    variables: tuple[Variable, ...] = ()
    language: str = "en"
    policy: Policy = Policy()
    effect_tools: tuple[str, ...] = ()
    slow_tools: tuple[str, ...] = ()
    levels: tuple[ToolLevel, ...] = ()
    unsettled: bool = False
    specialist: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver(Event):
    """A new owner has the call: what the mouth was doing, and the outcomes the ledger knew.

    `unsettled`: the ledger could not be asked; `Settled` follows once it could. `agent_version`: of the new owner's
    files; where it is another than the state's, `policy` is theirs. Tools only where they are known. `transfer`: how
    the transfer ended that brought the call back on this leg.
    """

    epoch: Epoch
    new_leg: bool = False
    mouth_utterance: int = 0
    mouth_text: str = ""
    mouth_complete: bool = False
    mouth_heard: int = 0
    mouth_paused: bool = False
    turn: int = 0
    utterance: int = 0
    settled: tuple[ToolUse, ...] = ()
    after_n: int = 0  # records of older owners count up to this one
    unsettled: bool = False
    agent_version: str = ""
    policy: Policy | None = None
    effect_tools: tuple[str, ...] = ()
    slow_tools: tuple[str, ...] = ()
    levels: tuple[ToolLevel, ...] = ()
    transfer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Event):
    """What older owners have begun, as the ledger tells it."""

    settled: tuple[ToolUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped(Event):
    """In place of an event that broke `step`: it is not tried again, by nobody."""

    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsKnown(Event):
    """The agent's tools, which were not known when the call began; with them the agent is of this version."""

    agent_version: str = ""
    effect_tools: tuple[str, ...] = ()
    slow_tools: tuple[str, ...] = ()
    levels: tuple[ToolLevel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(Event):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interim(Event):
    """`start_ms`, `end_ms`: of the words, in leg time; `leg_ms`: the leg's time when it was told. 0 = not known.

    `beside_echo`: the bot's echo was expected meanwhile, and the caller's side was louder than that from `own_from_ms`
    to `own_to_ms` only; both 0: nowhere. `turn`: of the caller, as the leg's ears count; 0 = not known.
    """

    text: str
    stability: float = 0.0
    start_ms: int = 0
    end_ms: int = 0
    leg_ms: int = 0
    beside_echo: bool = False
    own_from_ms: int = 0
    own_to_ms: int = 0
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Final(Event):
    """Times and `turn` as of an `Interim`. `words_ms`: begin and end of each word, beside an echo and where known.
    `engine`: who heard it; for the records."""

    text: str
    confidence: float = 0.0
    start_ms: int = 0
    end_ms: int = 0
    leg_ms: int = 0
    beside_echo: bool = False
    own_from_ms: int = 0
    own_to_ms: int = 0
    words_ms: tuple[int, ...] = ()
    turn: int = 0
    engine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStopped(Event):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnded(Event):
    """`kind`: `eager`, `resumed` or `confirmed`. `turn` as of an `Interim`."""

    kind: str
    text: str = ""
    confidence: float = 0.0
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed(Event):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dtmf(Event):
    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Button(Event):
    pressed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PushToTalk(Event):
    """The caller's own switch: by button, or freely again."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceStarted(Event):
    utterance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Event):
    """`text`: of the utterance, for an owner who does not know it. `failed`: no voice could be had for the rest.
    `engine`: whose voice it was; for the records."""

    utterance: int
    chars: int
    complete: bool = False
    cut: bool = False
    text: str = ""
    failed: bool = False
    engine: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """So many characters have sounded by now; the voice goes on, and is at each of `places` as many ms from now.

    Both are empty where an older gateway tells."""

    utterance: int
    chars: int
    places: tuple[int, ...] = ()
    in_ms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Event):
    utterance: int
    chars: int = 0
    cause: str = "speech"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Event):
    utterance: int
    chars: int = 0
    cause: str = "told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed(Event):
    """What the caller said is for this specialist, as was known before a model was asked; its words follow. `by`: what
    told so, `phrases`, `meaning` or `escalation`."""

    turn: int
    tries: int
    round: int
    to: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded(Event):
    """A guardrail has acted in this turn: `rule` of the agent's guardrails, `name` of what it was about, `action` is
    `refused`, `flagged`, `replaced`, `cut` or `escalated`. For the record, and with `show` for the page."""

    turn: int
    rule: str
    name: str = ""
    action: str = ""
    show: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseReady(Event):
    """Words of a round, fit to speak."""

    turn: int
    tries: int
    round: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundEnded(Event):
    """The rest of a round's words, its tool calls, or why it failed (`error` is a ParleyError code).

    A call that the model got wrong comes with its outcome: it is not carried out. `requests`: that the round has cost,
    0 = not known. `carry`: what the vendor wants back in the turn's next rounds, empty = nothing new. `engine`,
    `model`: of those who gave the words, for the record; empty where they did not tell.
    """

    turn: int
    tries: int
    round: int
    text: str = ""
    tools: tuple[ToolUse, ...] = ()
    error: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0
    carry: bytes = b""
    engine: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundClosed(Event):
    """A round's stream was closed before its end. The vendor tells no usage then: these tokens are an estimate."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgress(Event):
    intent: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolShow(Event):
    """A tool at work has a new value for a card of the page, as JSON text."""

    intent: int
    name: str
    value_pii: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEnded(Event):
    """`name`: of the tool, for who reads the record alone; `step` knows it by its intent."""

    intent: int
    outcome: Outcome
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved(Event):
    query: str
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired(Event):
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegLost(Event):
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded(Event):
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganFailed(Event):
    """Ears or mouth failed for good, or the carrier handed nobody on. `organ`: `ears`, `mouth` or `carrier`."""

    organ: str
    utterance: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal(Event):
    """From outside the call (`call.<id>.signal`): an operator, a watcher. `id`: of the wish, however often it is sent;
    empty in records of older versions."""

    name: str
    data: str = ""
    id: str = ""


KINDS: tuple[type[Event], ...] = (
    Opened,
    TakenOver,
    Settled,
    Dropped,
    ToolsKnown,
    SpeechStarted,
    Interim,
    Final,
    SpeechStopped,
    TurnEnded,
    Typed,
    Dtmf,
    Button,
    PushToTalk,
    UtteranceStarted,
    Heard,
    Progress,
    Paused,
    Resumed,
    Routed,
    Guarded,
    PhraseReady,
    RoundEnded,
    RoundClosed,
    ToolProgress,
    ToolShow,
    ToolEnded,
    Retrieved,
    TimerFired,
    LegLost,
    LegEnded,
    OrganFailed,
    Signal,
)
