"""A call as a value: everything the orchestrator knows of it, and nothing else. Frozen.

The same shapes stand in `parley/v1/events.proto`; `codec.py` carries them across by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from parley.text.scripts import joined
from services.orchestrator.mind.actions import Escalated, Note, Pending, Shown, Then, ToolLevel, ToolUse
from services.orchestrator.mind.policy import Policy, Variable


class Epoch(NamedTuple):
    """Who owns the call: the leg, and how often that leg opened `Converse`. The higher one wins."""

    leg: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """Knowledge found for a question. `score` 0..1."""

    text: str
    source: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class CallerLine:
    """What the caller said, as the ears understood it."""

    text: str
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class BotLine:
    """What the bot said in one utterance, and the tools it called with it.

    `heard` counts characters of `text` at the caller's ear. `status`: `pending` (not known yet), `heard` (all of it),
    `cut` (stopped at `heard` for good). `utterance` 0: tools only. `complete`: no more text follows. `protect_ms`: of
    its sound, from the first on, that what the caller says does not interrupt. `voiceless`: no voice could be had for
    what was not heard of it.
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
    protect_ms: int = 0
    voiceless: bool = False


Line = CallerLine | BotLine


@dataclass(frozen=True, slots=True)
class Thought:
    """A round of the model that is running, or waits for its next try. `tries` counts its restarts, from `first` on:
    the tries before were speculations that came to nothing. The rest says how earlier tries failed."""

    round: int
    tries: int = 0
    utterance: int = 0  # 0 until the first phrase of this try
    first: int = 0
    failing_ms: int = 0  # since when tries fail; 0 = none did
    last: bool = False  # there is no try after this one
    broke_off: bool = False  # a try failed behind words
    continuing: bool = False  # words of this answer were said by an earlier try
    empty: bool = False  # an earlier try gave no words


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
    carry: bytes = b""  # what the vendor wants back with its tools
    specialist: str = ""  # whose the words are; it has the call when they are confirmed


@dataclass(frozen=True, slots=True)
class Hearing:
    """The caller's words of a turn that has not ended, without what was only an echo of the bot's.

    `since_ms`: when this sound began, 0 = quiet now. `over`: it began over the bot's voice, at this character of the
    utterance `over_of` (from 1); 0 = it did not. `echoed`: an echo was taken out. `judged`: it was found to be nothing.
    `shielded`: it was said over something that was not to be interrupted. `end_ms`: leg time, end of the last final.
    `earlier`: a turn that had to wait, and that this one goes on with.
    """

    finals: str = ""
    interim: str = ""
    since_ms: int = 0
    over: int = 0
    over_of: int = 0
    echoed: bool = False
    judged: bool = False
    shielded: bool = False
    end_ms: int = 0
    earlier: str = ""

    @property
    def text(self) -> str:
        return joined(self.earlier, self.finals, self.interim)


@dataclass(frozen=True, slots=True)
class Place:
    """The voice is at this character at this time."""

    char: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of an utterance that sounded without a break. `to_ms` 0: it sounds now. `text`: of one not in history.

    `told`: where the mouth said that it was or will be, and when, in order.
    """

    utterance: int
    from_char: int
    to_char: int
    from_ms: int
    to_ms: int = 0
    text: str = ""
    told: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Listening:
    """The caller has the floor."""


@dataclass(frozen=True, slots=True)
class Answering:
    """The bot has the floor, from the end of the caller's turn until the last word of the answer was heard.

    `looking_for`: what is awaited before the first round, the passages for this question or where the bot was stopped.
    `waiting_turn`: a turn that the caller ended over words that may not be interrupted; it is answered after them.
    `asked`: the caller is owed words in this turn. `about`: it began with the outcome of this intent, 0 = it did not.
    `empties`: how many of its rounds gave no words and were asked for again. `carry`: what the model's vendor wants
    back in its next rounds, unread.
    """

    thought: Thought | None = None
    looking_for: str = ""
    waiting_turn: str = ""
    asked: bool = False
    about: int = 0
    empties: int = 0
    carry: bytes = b""


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
class Spent:
    """What of the tally is one specialist's; the agent's own has no name."""

    specialist: str = ""
    rounds: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Handover:
    """How the call came to whom it is with: from whom (empty: the agent itself), with which words for the next one, and
    what was collected so far, by name."""

    giver: str = ""
    summary_pii: str = ""
    details: tuple[Variable, ...] = ()


@dataclass(frozen=True, slots=True)
class Requests:
    """How often models were asked for one turn, repeated and speculative requests too."""

    turn: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """The state of one call."""

    call_id: str
    agent: str = ""
    agent_version: str = ""
    channel: str = "phone"
    caller_pii: str = ""
    called: str = ""
    direction: str = ""  # `inbound` or `outbound`; empty in calls of older versions: inbound
    purpose: str = ""
    variables: tuple[Variable, ...] = ()
    language: str = "en"
    policy: Policy = Policy()
    effect_tools: tuple[str, ...] = ()  # names of tools that change the world
    slow_tools: tuple[str, ...] = ()  # names of tools that may take long
    levels: tuple[ToolLevel, ...] = ()  # of those tools that want one
    level: int = 0  # identity level that the caller has proven; ask `identity.level_at`
    level_until_ms: int = 0  # then it is gone; 0 = it holds until the end of the call
    customer_pii: str = ""  # key of the record that the caller has proven to be theirs, as long as the level holds
    epoch: Epoch = Epoch()
    unsettled: bool = False  # what the last owner has begun is not known: until then no action
    leg_lost: bool = False  # nobody listens; what was heard is settled
    turn: int = 0
    utterance: int = 0  # highest id given out
    said: int = 0  # highest utterance that the gateway was told
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
    voice: tuple[Stretch, ...] = ()  # what sounded in the last seconds
    protected_until_ms: int = 0
    button: str = ""  # push-to-talk: `up`, `down`, `released` (words may still come); empty: the voice is free
    no_interims: bool = False  # the recogniser tells words only when they are final
    words_ms: int = 0  # so long after the beginning of a sound the recogniser told its first word; 0 = not known
    leg_began_ms: int = 0  # leg time 0 by the owner's clock
    over_turn: int = 0  # the caller's turns up to here are over, as this leg's ears count them; 0 = not known
    pending: Pending | None = None
    then: Then | None = None
    timers: tuple[Timer, ...] = ()
    silences: int = 0
    failures: int = 0
    requests: Requests = Requests()
    misheard: int = 0  # times in a row that something was said and not understood
    voiceless: int = 0  # utterances in a row that no voice could be had for
    fillers: int = 0  # said so far
    filler: str = ""  # the last one
    news: str = ""  # what a tool told of its work while words were being said
    shown: tuple[Shown, ...] = ()  # the cards' newest values, small ones, for a page that missed them
    digits: str = ""  # keys pressed so far
    seen_seq: int = 0
    started_ms: int = 0
    tally: Tally = Tally()
    specialist: str = ""  # who has the call; empty: the agent itself
    handover: Handover = Handover()
    spent_by: tuple[Spent, ...] = ()  # of an agent with specialists
    signals: tuple[str, ...] = ()  # ids of the last ones that were heeded
    notes: tuple[Note, ...] = ()  # of supervisors, oldest first
    escalated: Escalated = Escalated()
