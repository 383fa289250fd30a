"""What is known of one call: a value that `fold` builds up, record by record. Pure.

Times are milliseconds since 1970. Texts are as they were said; how they are kept is decided where rows are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_TEXT = 8_000
"""Characters of one line, of a tool's arguments, and of its result."""
MAX_LINES = 4_000
MAX_MOMENTS = 4_000
MAX_TOOLS = 1_000
"""Of one call; what is over is counted in `more`."""


@dataclass(slots=True, eq=False)
class Line:
    """One line of the transcript. `turn` is 0 where it belongs to none.

    Of the caller `kind` is speech, typed, keys or aside (a sound over the bot's voice that was no turn). Of the bot it
    is answer, filler or notice; `heard` characters of the text reached the ear, and `status` is saying, heard or cut.
    `ear_ms`: when it began at the caller's ear, as the mouth told. `engine`: who is paid for its `chars` characters.
    `kept`: what was heard and what was not, as they were written down last.
    """

    nr: int
    who: str
    kind: str
    turn: int
    at_ms: int
    text: str = ""
    heard: int = 0
    status: str = ""
    until_ms: int = 0
    utterance: int = 0
    started: bool = False
    ear_ms: int = 0
    chars: int = 0
    engine: str = ""
    kept: tuple[str, str] | None = None


@dataclass(slots=True, eq=False)
class Turn:
    """One turn of the caller, and how long its answer took. `at_ms`: the caller's last word; stages are ms after it.

    `final`: the last words were recognised; `eager`: probably over; `ears`: the ears said that it is over; `token`: the
    model's first word; `words`: the first words were sent to the mouth; `sound`: the answer's first sound was sent;
    `heard`: that was at the caller's ear; `over`: the last of it was heard or cut. None: it did not come, or was not
    told. `minds`: what the orchestrator calls it. `answer`: the line that has the first sound.
    """

    nr: int
    at_ms: int
    by: str
    final: int | None = None
    eager: int | None = None
    ears: int | None = None
    token: int | None = None
    words: int | None = None
    sound: int | None = None
    heard: int | None = None
    over: int | None = None
    rounds: int = 0
    interruptions: int = 0
    cut: bool = False
    minds: int = 0
    line: Line | None = None
    answer: Line | None = None


@dataclass(slots=True, eq=False)
class Tool:
    """One use of a tool. `status`: running, ok, failed, refused, unknown, ask."""

    nr: int
    intent: int
    turn: int
    name: str
    at_ms: int
    arguments: str = ""
    status: str = "running"
    result: str = ""
    until_ms: int = 0


@dataclass(slots=True, frozen=True)
class Moment:
    """Something that happened. `kind` is one of MOMENTS of `fold`, `detail` our own word for it."""

    at_ms: int
    kind: str
    turn: int
    detail: str = ""


@dataclass(slots=True, eq=False)
class Spent:
    """What was used of one engine: seconds heard, tokens read and written, characters spoken."""

    seconds: float = 0.0
    read: int = 0
    written: int = 0
    chars: int = 0
    requests: int = 0


@dataclass(slots=True, eq=False)
class Pending:
    """What the caller is saying, and what is known of its end."""

    texts: list[str] = field(default_factory=list)
    since_ms: int = 0
    end_ms: int = 0
    final_ms: int = 0
    eager_ms: int = 0
    aside: bool = False


@dataclass(slots=True, eq=False)
class Call:
    """`changed_*` name what was touched since rows were made last; `written` is how many moments have rows. `stt`,
    `llm`, `tts`: the engines that are preferred; `ears`, `mouth`: those that were at it last, as they tell themselves.
    """

    call_id: str
    agent: str = ""
    version: str = ""
    channel: str = ""
    direction: str = ""
    caller: str = ""
    called: str = ""
    language: str = ""
    purpose: str = ""
    started_ms: int = 0
    last_ms: int = 0
    ended_ms: int = 0
    ended: bool = False
    swept: bool = False
    reason: str = ""
    hung_up: bool = False
    transferred: str = ""
    takeovers: int = 0
    legs: int = 0
    fallbacks: int = 0
    interruptions: int = 0
    pauses: int = 0
    guarded: int = 0
    more: int = 0
    seen_seq: int = 0
    minds_turn: int = 0
    told: bool = False
    stt: str = ""
    llm: str = ""
    tts: str = ""
    ears: str = ""
    mouth: str = ""
    ears_since_ms: int = 0
    digits: str = ""
    pending: Pending = field(default_factory=Pending)
    lines: list[Line] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    spent: dict[tuple[str, str, str], Spent] = field(default_factory=dict)
    utterances: dict[int, Line] = field(default_factory=dict)
    intents: dict[int, Tool] = field(default_factory=dict)
    first_words: dict[int, int] = field(default_factory=dict)
    changed_lines: set[int] = field(default_factory=set)
    changed_turns: set[int] = field(default_factory=set)
    changed_tools: set[int] = field(default_factory=set)
    written: int = 0

    @property
    def turn(self) -> Turn | None:
        """The newest."""
        return self.turns[-1] if self.turns else None

    @property
    def seconds(self) -> float:
        """From its first to its last input."""
        return max(0, (self.ended_ms or self.last_ms) - self.started_ms) / 1000

    @property
    def ended_by(self) -> str:
        """caller, bot, transfer or lost; empty while it goes on."""
        if not self.ended:
            return ""
        if self.transferred:
            return "transfer"
        if self.hung_up:
            return "bot"
        return "lost" if self.swept or self.reason in LOST else "caller"

    def real_turns(self) -> Iterator[Turn]:
        """Those that were turns: an "uh-huh" over the bot's voice is none."""
        return (turn for turn in self.turns if turn.by != "aside")

    def use(self, stage: str, engine: str, model: str = "") -> Spent:
        return self.spent.setdefault((stage, engine, model), Spent())

    def note(self, at_ms: int, kind: str, detail: str = "") -> None:
        """A moment of the present turn."""
        if len(self.moments) >= MAX_MOMENTS:
            self.more += 1
            return
        self.moments.append(Moment(at_ms, kind, self.turns[-1].nr if self.turns else 0, detail))

    def add_line(self, who: str, kind: str, turn: int, at_ms: int, text: str = "") -> Line:
        line = Line(len(self.lines) + 1, who, kind, turn, at_ms, text[:MAX_TEXT])
        if len(self.lines) < MAX_LINES:
            self.lines.append(line)
            self.changed_lines.add(line.nr)
        else:
            self.more += 1
        return line

    def add_tool(self, intent: int, name: str, at_ms: int, arguments: str = "") -> Tool:
        turn = self.turns[-1].nr if self.turns else 0
        tool = Tool(len(self.tools) + 1, intent, turn, name, at_ms, arguments[:MAX_TEXT])
        if len(self.tools) < MAX_TOOLS:
            self.tools.append(tool)
            self.changed_tools.add(tool.nr)
        else:
            self.more += 1
        if intent:
            self.intents[intent] = tool
        return tool


LOST = ("nobody came back", "no ears", "no answer could be made", "no voice")
"""Reasons for which neither caller nor bot has meant to end the call."""
