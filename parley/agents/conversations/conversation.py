"""`conversations/*.yaml` of an agent: calls as scripts, and what must come of them. See `docs/eval.md`."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

MAX_TURNS = 60
MAX_CONVERSATIONS = 200
MAX_LINE_CHARS = 1_000
ANY = "any"
"""As an expected argument: there is one, whatever it is."""

_NAME = re.compile(r"[^\x00-\x1f/]{1,80}")


def _list(value: Any) -> Any:
    """One of them may stand for a list of one."""
    return [value] if isinstance(value, str | int | float | dict) else value


def _tool(value: Any) -> Any:
    """`name`, and `{name: {argument: value}}`, for `{tool: name, with: {...}}`."""
    if isinstance(value, str):
        return {"tool": value}
    if isinstance(value, dict) and len(value) == 1 and "tool" not in value:
        ((name, arguments),) = value.items()
        return {"tool": name, "with": arguments if arguments is not None else {}}
    return value


def _card(value: Any) -> Any:
    """`name`, and `{name: {field: value}}`, for `{card: name, with: {...}}`."""
    if isinstance(value, str):
        return {"card": value}
    if isinstance(value, dict) and len(value) == 1 and "card" not in value:
        ((name, fields),) = value.items()
        return {"card": name, "with": fields if fields is not None else {}}
    return value


def _turn(value: Any) -> Any:
    """A line alone is what the caller says."""
    return {"caller": value} if isinstance(value, str | int | float) else value


class Part(BaseModel):
    """Unlike `agent.yaml`, a number may stand where words are expected: callers say numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, populate_by_name=True)


class ExpectedTool(Part):
    """A tool that ran. `with_`: among its arguments, these; `any` as a value: there is one; null: there is none.

    `status`: how it ended: `ok`, `failed` (it was tried, and its words say why), `refused` (it was not tried, as with
    wrong arguments or below a level), `unknown`; none: however.
    """

    tool: str = Field(min_length=1)
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    status: Literal["ok", "failed", "refused", "unknown"] | None = None


class ExpectedCard(Part):
    """Something shown on the page: its name, and among its fields, these."""

    card: str = Field(min_length=1)
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


Texts = Annotated[tuple[str, ...], BeforeValidator(_list)]
Tools = Annotated[tuple[Annotated[ExpectedTool, BeforeValidator(_tool)], ...], BeforeValidator(_list)]
Cards = Annotated[tuple[Annotated[ExpectedCard, BeforeValidator(_card)], ...], BeforeValidator(_list)]


class Expectations(Part):
    """What must come of a turn, or of the whole.

    `says`: each, words or a `/pattern/`, is said, in any case and punctuation; `says_not`: none is. `tools`: each ran,
    `in_order`: in this order. `no_tools`: none ran; `forbidden`: none of these. `shown`: cards of the page. `judge`:
    questions that a language model must answer with yes.
    """

    says: Texts = ()
    says_not: Texts = ()
    tools: Tools = ()
    in_order: bool = False
    no_tools: bool = False
    forbidden: Texts = ()
    shown: Cards = ()
    judge: Texts = ()

    @field_validator("says", "says_not")
    @classmethod
    def _readable(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            if not text.strip():
                raise ValueError("empty; write the words, or a /pattern/")
            if is_pattern(text):
                try:
                    re.compile(text[1:-1])
                except re.error as e:
                    raise ValueError(f"{text} is not a regular expression: {e}") from None
        return texts

    @model_validator(mode="after")
    def _consistent(self) -> Expectations:
        if self.no_tools and self.tools:
            raise ValueError("no_tools: contradicts `tools` beside it; remove one of them")
        if both := sorted({each.tool for each in self.tools} & set(self.forbidden)):
            raise ValueError(
                f"forbidden: {', '.join(both)} is expected by `tools` beside it; remove it from one of them"
            )
        return self

    @property
    def asks_model(self) -> bool:
        return bool(self.judge)


class Turn(Expectations):
    """What the caller does, and what must come of it: `caller` says something, presses `keys`, or is silent.

    The first turn may have none of these: then it is about the bot's first words.
    """

    caller: str = Field("", max_length=MAX_LINE_CHARS)
    keys: str = Field("", pattern=r"^[0-9*#]{0,40}$")
    silent_s: float = Field(0.0, ge=0, le=600)

    @model_validator(mode="after")
    def _one_thing(self) -> Turn:
        if sum(map(bool, (self.caller.strip(), self.keys, self.silent_s))) > 1:
            raise ValueError("a turn has one of caller, keys, silent_s; write another turn for the other")
        if "caller" in self.model_fields_set and not self.caller.strip():
            raise ValueError("caller: empty; write what is said, or silent_s: 10")
        return self

    @property
    def acts(self) -> bool:
        return bool(self.caller.strip() or self.keys or self.silent_s)


class Caller(Part):
    """A caller played by a language model, instead of `turns`. It ends the call when it has what it wants, or gives up.

    `persona`: who it is and how it talks. `goal`: what it wants, and what it knows. `max_turns`: it hangs up then.
    """

    persona: str = Field(min_length=1, max_length=2_000)
    goal: str = Field(min_length=1, max_length=2_000)
    max_turns: int = Field(12, ge=1, le=MAX_TURNS)


class Whole(Expectations):
    """What must come of the conversation.

    `exactly`: `tools` are all that ran. `slots`: what was understood: the last argument of this name of any tool.
    `outcome`: `ended` (the bot hung up), `transferred`, `open` (the bot still listens). `level`: identity level in the
    end. `max_turns`: of the caller, for a caller played by a model.
    """

    exactly: bool = False
    slots: dict[str, Any] = Field(default_factory=dict)
    outcome: Literal["ended", "transferred", "open"] | None = None
    level: int | None = Field(None, ge=0, le=9)
    max_turns: int | None = Field(None, ge=1, le=MAX_TURNS)


class Situation(Part):
    """What is known of a call, and when it is.

    `at`: the pretended time, as "2026-03-02 10:00" or with an offset; empty: now. `time_zone` as Europe/Madrid: what an
    `at` without offset means, and what tools see; empty: the machine's. `caller_number`, `called`, `direction`,
    `purpose`, `variables`: as the gateway would say them.
    """

    at: datetime | None = None
    time_zone: str = ""
    caller_number: str = Field("", max_length=100)
    called: str = Field("", max_length=100)
    direction: Literal["inbound", "outbound"] = "inbound"
    purpose: str = ""
    variables: dict[str, str] = Field(default_factory=dict, max_length=32)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            if name:
                ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name!r} is not a time zone; write one such as America/New_York") from None
        return name


class Conversation(Situation):
    """One call: `turns`, or a `caller` played by a model. `expect`: of the whole. `language`: if not the agent's."""

    name: str
    about: str = ""
    language: str = ""
    turns: Annotated[tuple[Annotated[Turn, BeforeValidator(_turn)], ...], Field(max_length=MAX_TURNS)] = ()
    caller: Caller | None = None
    expect: Whole = Whole()

    @field_validator("name")
    @classmethod
    def _named(cls, name: str) -> str:
        if not _NAME.fullmatch(name) or not name.strip():
            raise ValueError(f"{name!r}: a name is up to 80 characters on one line, without /")
        return name.strip()

    @model_validator(mode="after")
    def _played(self) -> Conversation:
        if bool(self.turns) == (self.caller is not None):
            raise ValueError("turns: write `turns`, or a `caller` with persona and goal; one of them")
        for n, turn in enumerate(self.turns):
            if not turn.acts and n:
                raise ValueError(f"turns.{n}: the caller does nothing; write caller, keys or silent_s")
        return self

    @property
    def asks_model(self) -> bool:
        """Needs a language model beside the bot's own: to play the caller, or to judge."""
        return self.caller is not None or any(each.asks_model for each in (self.expect, *self.turns))


class ConversationFile(Situation):
    """One file. What stands beside `conversations` holds for all of them that do not say otherwise."""

    conversations: tuple[Conversation, ...] = Field(max_length=MAX_CONVERSATIONS)

    @field_validator("conversations")
    @classmethod
    def _some(cls, conversations: tuple[Conversation, ...]) -> tuple[Conversation, ...]:
        if not conversations:
            raise ValueError("empty; write at least one, `- name: ...` and its `turns`")
        return conversations

    @property
    def complete(self) -> tuple[Conversation, ...]:
        """The conversations, each with what the file says for all."""
        shared = {name: getattr(self, name) for name in self.model_fields_set if name in Situation.model_fields}
        found = []
        for each in self.conversations:
            missing = {name: value for name, value in shared.items() if name not in each.model_fields_set}
            if "variables" in shared:
                missing["variables"] = {**self.variables, **each.variables}
            found.append(each.model_copy(update=missing))
        return tuple(found)


def is_pattern(text: str) -> bool:
    """`/.../`: a regular expression, not words."""
    return len(text) > 2 and text.startswith("/") and text.endswith("/")
