"""What a call does beside talking: its tools, how they ended, and what waits for a yes. Part of its state. Frozen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Then:
    """What the call does once the words after a tool were heard: `kind` is `hang_up` or `transfer`."""

    kind: str
    to: str = ""
    reason: str = ""
    told: bool = False  # what must be said before it was said
    forced: bool = False  # whatever the caller does: the call's limit, an operator, no ears


@dataclass(frozen=True, slots=True)
class Notice:
    """Words that a tool wants to be said as they stand."""

    text: str
    interruptible: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """An argument that may only be one of these."""

    argument: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """What the caller must say yes to before a tool is done. `digest`: of its name and arguments; `arguments`: those,
    where the question has made them certain ("tomorrow" is a day); empty: they are as they were asked for.
    """

    question: str
    digest: str = ""
    choices: tuple[Choice, ...] = ()
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a card of the page shows, as JSON text."""

    name: str
    value_pii: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tool ended: `status` is `ok`, `failed`, `unknown`, `refused`, or `ask`: not done, the caller is asked.
    `say`, `shows`: on their way to the caller; the history keeps neither."""

    status: str
    result: str = ""
    message: str = ""
    then: Then | None = None
    say: Notice | None = None
    level: int = 0  # identity level that the caller has proven with it
    ask: Ask | None = None
    customer_pii: str = ""  # whose record that caller's is, with a level only
    shows: tuple[Shown, ...] = ()
    down: bool = False  # what it needs did not answer or broke


@dataclass(frozen=True, slots=True)
class ToolLevel:
    """A tool that only callers of this identity level may have used."""

    name: str
    level: int


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One tool call of the model. `intent` is its number in the ledger, and the only one that it is known by.

    `id`: what the model called it, in calls of older versions. Nothing asks for it. `confirmed`: the digest of what the
    caller said yes to.
    """

    id: str
    name: str
    arguments: str
    intent: int = 0
    outcome: Outcome | None = None
    confirmed: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What a supervisor wants the model to know."""

    text_pii: str
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Escalated:
    """Somebody who follows the call thinks that the caller needs a person: why, and when it was told last, and how
    often. `due`: what waits for its moment, `offer` or `transfer`. `people`: times that the caller was offered to be
    connected, or was.
    """

    why: str = ""
    at_ms: int = 0
    times: int = 0
    due: str = ""
    people: int = 0


@dataclass(frozen=True, slots=True)
class Pending:
    """An action that waits for the caller's yes. `intent`: of the tool call that it was asked for with. `asked`: how
    often the question was said; `changes`: how often the caller has put something right in it. `due`: the question is
    to be said when the answer of this turn is complete. `changing`: what was put right is not read back yet.
    """

    name: str
    arguments: str
    ask: Ask
    intent: int = 0
    asked: int = 0
    changes: int = 0
    due: bool = False
    changing: bool = False
