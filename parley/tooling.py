"""What an agent's `tools.py` is written with: `@tool` on plain functions. Pure; knows nothing of who runs them.

@tool(effects=True)
async def book_visit(day: date, reason: str, context: CallContext) -> Result:
    '''Book a visit to the workshop.

    Args:
        day: The day of the visit.
        reason: What is to be repaired, in a few words.
    '''
    context.progress("I am looking at the calendar.")
    ...
    return Result({"summary": "You are booked for Tuesday at ten."})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, overload

Function = TypeVar("Function", bound=Callable[..., Any])

ATTRIBUTE = "__parley_tool__"


@dataclass(frozen=True, slots=True)
class Secret:
    """An argument that neither models nor logs ever see: `card: Annotated[str, Secret("card")]` for a payment card's
    number, `"code"` for its security code. The model passes a token, the function is given the digits.
    """

    kind: Literal["card", "code"]


class ToolError(Exception):
    """It was tried and did not work. The text goes to the model: say what is wrong and what may help."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call, once the words after this tool were heard."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Connect the call to the E.164 number `to`, once the words after this tool were heard."""

    to: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Words for the caller as they stand, before the model's own: a legal notice. At most 1000 characters.

    `interruptible` False: they are heard to the end, and what the caller says over them is answered afterwards.
    """

    text: str
    interruptible: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool found or did, as JSON-able values; `summary` is a sentence fit to be spoken.

    A tool may also return the mapping alone, or only the sentence. `say`: words that are not left to the model.
    `level`: identity level that the caller has proven with it, 1 to 9; it holds until the end of the call, or for
    `identity.expires_s` where the agent has that. `customer`: key of the record that they have proven with it to be
    theirs; only with a level.
    """

    value: Mapping[str, Any]
    then: HangUp | Transfer | None = None
    say: Notice | None = None
    level: int = 0
    customer: str = ""
    show: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """What a `confirm` function may return in place of a sentence: the question, and arguments that it has made
    certain. "Wednesday" becomes the day that was read back, and that day is done on the yes, whenever it comes.
    """

    text: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Records(Protocol):
    """The agent's own data: collections of rows by key, from `data/<collection>.yaml` and from its tools. For tools
    that are `async def`. A row is a mapping that JSON can hold, at most 16 KiB; dates and Decimals come back as text.

    Raises ToolError when a row is too large, a collection full (100,000 rows), or `all` or `find` would give more than
    5,000 rows; Unavailable when the database is away.
    """

    async def get(self, collection: str, key: str) -> dict[str, Any] | None: ...

    async def all(self, collection: str) -> dict[str, dict[str, Any]]:
        """By key, in the order of the file, then as they were written."""

    async def find(self, collection: str, /, **equal: Any) -> dict[str, dict[str, Any]]:
        """Those whose fields have these values."""

    async def put(self, collection: str, key: str, row: Mapping[str, Any]) -> None:
        """Write the whole row, new or not."""

    async def add(
        self, collection: str, row: Mapping[str, Any], *, kind: Literal["digits", "letters"] = "digits"
    ) -> str:
        """Write a new row; its key is made to be read out: `digits` 387104, `letters` KR4821. An intent that is done
        again gets the key it got before, and what it wrote then stays.
        """

    async def added(self, collection: str) -> str | None:
        """The key that this intent has added in an earlier attempt, which was cut off before it could tell."""

    async def delete(self, collection: str, key: str) -> bool:
        """False: there is none."""

    async def audit(self, entry: Mapping[str, Any]) -> None:
        """An entry of `CallContext.audit`, which makes it."""

    def transaction(self) -> AbstractAsyncContextManager[Records]:
        """All that is read and written inside is one: nobody else writes this agent's records meanwhile, on no
        replica, and what is written counts when the body ends, or not at all. At most 5 s and 500 rows; wait for
        nobody in it.
        """


@dataclass(frozen=True, slots=True)
class CallContext:
    """The call a tool works for; given to a parameter of this type, and not shown to the model.

    `caller`: number or name as the carrier says, personal. `idempotency_key`: the same for each attempt at the same
    intent of the same call; hand it to whoever can deduplicate. `now`: local time of the machine, aware.
    `progress(text)`: a sentence for the caller while the work goes on; from any thread.
    `show(name, value)`: the page's card of this name, in `wrapper.json`, has this value from now on: JSON-able, and fit
    for the card's kind; None takes the card away. From any thread; on the telephone nothing is shown.

    `parameters`: what whoever brought the call here said of it, by name: an order number, a campaign; personal, and as
    true as its source. `direction`: `inbound` or `outbound`. `purpose`: what the call is for, if that was said.

    `customer`: key of the record that the caller has proven to be theirs, personal; "" before. `level`: the identity
    level that they have proven by now, 0 before.
    """

    call_id: str
    caller: str
    agent: str
    idempotency_key: str
    transfer_to: str
    now: datetime
    records: Records
    progress: Callable[[str], None] = field(default=lambda text: None)
    show: Callable[[str, Any], None] = field(default=lambda name, value: None)
    parameters: Mapping[str, str] = field(default_factory=dict)
    direction: str = "inbound"
    purpose: str = ""
    customer: str = ""
    level: int = 0

    async def audit(self, what: str, /, *, who: str = "", **about: Any) -> None:
        """Write down for good what was done or told: in the transaction on `records` that is open here, so that there
        is no effect without its entry, or by itself. Nothing changes it; no tool reads it. An intent that is done again
        and says the same has one entry.

        `who`: the customer, where it is not `customer`. `about`: more of it that JSON can hold; 16 KiB in all. Raises
        ToolError: it is too large; Unavailable: it is not written, and nothing may be told either.
        """
        entry = {"who": who or self.customer, "level": self.level, "what": what, "about": about, "at": self.now}
        await self.records.audit({**entry, "call": self.call_id})


@dataclass(frozen=True, slots=True)
class ToolMarks:
    """What `@tool` says about a function. `limit_s`: the time it may take before the caller is told."""

    effects: bool = False
    idempotent: bool = False
    consequential: bool = False
    confirm: str | Callable[..., Any] = ""
    slow: bool = False
    level: int = 0
    limit_s: float = 10.0

    def __post_init__(self) -> None:
        if self.consequential:  # what can not be undone has effects
            object.__setattr__(self, "effects", True)


@overload
def tool(function: Function, /) -> Function: ...


@overload
def tool(
    *,
    effects: bool = False,
    idempotent: bool = False,
    consequential: bool = False,
    confirm: str | Callable[..., Any] = "",
    slow: bool = False,
    level: int = 0,
    limit_s: float = 10.0,
) -> Callable[[Function], Function]: ...


def tool(function: Any = None, /, **marks: Any) -> Any:
    """Make a function, sync or async, a tool of the agent; it stays callable as it is.

    Its name, type hints and docstring become the model's description of it. `effects`: it changes the world, so it is
    done once and never cut short. `idempotent`: doing it twice is doing it once. `consequential`: it has effects, and
    is done only on the caller's explicit yes to a question. `confirm`: that question, with `{argument}` places, or a
    function, sync or async, that is given those of the tool's arguments it names (and the `CallContext`) and returns
    it, or a `Question`. `slow`: worth a word while waiting. `level`: identity level the caller needs, 0 = anybody.
    """
    if function is None:
        return lambda plain: _mark(plain, ToolMarks(**marks))
    return _mark(function, ToolMarks())


def _mark(function: Any, marks: ToolMarks) -> Any:
    setattr(function, ATTRIBUTE, marks)
    return function


def marks_of(value: object) -> ToolMarks | None:
    """The marks of a decorated function, None for anything else."""
    found = getattr(value, ATTRIBUTE, None)
    return found if isinstance(found, ToolMarks) else None
