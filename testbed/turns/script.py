"""A call as a script: what a `.call` file says, as values. The page about it is README.md in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Play = Literal["both", "real", "virtual"]
WHENS = ("turn", "at", "after", "meanwhile", "starts", "stops", "says", "tool")
SHORT_NOISES = ("cough", "click", "door", "knock", "sneeze", "breath", "tap", "dish", "bark", "laugh", "hmm")
LONG_NOISES = ("music", "talk", "street", "hum", "hiss")
EAR_EVENTS = ("starts", "stops", "interims", "finals", "ends")
EVENTS = (*EAR_EVENTS, "heard", "pauses")
TOOLS = ("look_up", "book")


@dataclass(frozen=True, slots=True)
class When:
    """When a line of the story begins. `kind`: see WHENS; `ms` after it; `words` or the name of a tool."""

    kind: str = "turn"
    ms: int = 0
    words: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """The caller speaks: each part with the silence before it, in ms."""

    parts: tuple[tuple[int, str], ...]
    gain_db: float = 0.0

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.parts)


@dataclass(frozen=True, slots=True)
class Noise:
    """`ms` 0: as long as such a noise is."""

    kind: str
    ms: int = 0
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Keys:
    digits: str


@dataclass(frozen=True, slots=True)
class Wait:
    ms: int


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


@dataclass(frozen=True, slots=True)
class Ears:
    """The ears report something nobody said. `kind`: start, stop, interim, final, end."""

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Mouth:
    """What the mouth reported last comes once more."""


What = Words | Noise | Keys | Wait | HangUp | Ears | Mouth


@dataclass(frozen=True, slots=True)
class Expect:
    """What must then be true. `within_ms`, `after_ms` -1: not asked; `texts`: of `turns`."""

    number: int
    shown: str
    kind: str
    text: str = ""
    within_ms: int = -1
    after_ms: int = -1
    count: int = -1
    texts: tuple[str, ...] = ()


@dataclass(slots=True)
class Line:
    """One line of the story, and what is expected of it."""

    number: int
    shown: str
    when: When
    what: What
    expects: list[Expect] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """What the model says to a turn that has these words: `first`, then a tool that takes so long, then `line`."""

    words: str
    line: str
    first: str = ""
    tool: str = ""
    tool_ms: int = 0


@dataclass(frozen=True, slots=True)
class Echo:
    gain_db: float
    after_ms: int


@dataclass(slots=True)
class Script:
    """One call. Lines `late` and `twice` name events of EVENTS."""

    name: str
    file: str = ""
    number: int = 0
    play: Play = "both"
    tags: tuple[str, ...] = ()
    agent: dict[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    model_ms: int = 0
    latency_ms: int = 0
    jitter_ms: int = 0
    marks_late_ms: int = 0
    marks: bool = True
    echo: Echo | None = None
    background: Noise | None = None
    late: dict[str, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    story: list[Line] = field(default_factory=list)

    @property
    def slug(self) -> str:
        """Its name as a file or an agent may be called."""
        return "".join(char if char.isalnum() else "-" for char in self.name.lower()).strip("-")

    @property
    def virtual_only(self) -> bool:
        """It says something only virtual time can do."""
        told = any(isinstance(line.what, Ears | Mouth) for line in self.story)
        return told or bool(self.late or self.lost or self.twice)

    def named(self, text: str) -> str:
        """A line of the bot, by the name of its row or as it stands."""
        return next((row.line for row in (*self.rows, *DESK) if row.words == text.lower()), text)

    @property
    def model_rows(self) -> tuple[Row, ...]:
        return (*self.rows, *DESK)


DESK = (
    Row(
        "story",
        "The shop was founded long ago by two sisters who loved old bicycles and wide roads,"
        " and it has moved twice since then.",
    ),
    Row("color", "The bicycle is green."),
    Row("hours", "We are open from nine in the morning until six in the evening."),
    Row(
        "price",
        "A full service costs eighty dollars. It takes two days. You can wait here, or come back on friday.",
    ),
    Row("choose", "Would you like the green one, or the blue one?"),
    Row("sure", "Shall I book the visit for you?"),
    Row("look up", "Your order will arrive on monday.", "Let me look.", "look_up", 1200),
    Row("reserve", "The visit is booked for tuesday.", "I will do that now.", "book", 1200),
    Row("goodbye", "Goodbye then.", tool="end_call"),
)
"""What the desk's model says, first match first; to anything else it says `I heard ...`."""

GREETING = "Hello, this is the desk."
ELSE = "I heard "

AGENT: Mapping[str, Any] = {
    "company": "Desk",
    "greeting": GREETING,
    "endpointing.policy": "meaning",
    "endpointing.min_delay_ms": 300,
    "endpointing.max_delay_ms": 1200,
    "interruption.min_speech_ms": 250,
    "interruption.min_words": 1,
    "silence.prompt_after_s": 30,
    "knowledge.retrieve": "never",
    "tools": ["look_up", "book", "end_call"],
}
"""How the desk is set, by key of `agent.yaml`."""
