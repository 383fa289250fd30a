"""`wrapper.json`: the cards of an agent's page, and what a tool may show on each. docs/pages.md has both by example."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from parley.agents.strict import Strict
from parley.errors import BadInput

MAX_CARDS = 12
MAX_VALUE_BYTES = 4 * 1024
"""Of one value, as JSON."""
MAX_ROWS = 30
MAX_FIELDS = 12

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Label = Annotated[str, Field(min_length=1, max_length=60)]
Text = Annotated[str, Field(max_length=300)]
Word = Annotated[str, Field(max_length=40)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Tone = Literal["good", "warn", "bad"]


def _https(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        good = False
    if not good or not url.isprintable() or " " in url:
        raise ValueError("must be a whole https address, as https://example.com/track")
    return url


Url = Annotated[str, Field(max_length=500), AfterValidator(_https)]


class _Card(Strict):
    """`open`: it is there from the beginning of a call, else from the first `show` on."""

    name: Name
    title: Label
    open: bool = False


class FactsCard(_Card):
    """Labels and values. `empty`: what stands there while there is nothing."""

    kind: Literal["facts"]
    empty: Text = ""


class ListCard(_Card):
    """Rows with a title, a detail, a status."""

    kind: Literal["list"]
    empty: Text = ""


class ProgressCard(_Card):
    """Steps with their states, and a bar in percent."""

    kind: Literal["progress"]
    empty: Text = ""


class Range(Strict):
    """The values below `below`, down to the range before it; without it all the rest. `label`: its meaning in words."""

    below: Number | None = None
    tone: Tone
    label: Word = ""


class MeterCard(_Card):
    """A value on a scale. `ranges`, in order, say which values are good."""

    kind: Literal["meter"]
    empty: Text = ""
    low: Number = 0
    high: Number = 100
    unit: Annotated[str, Field(max_length=12)] = ""
    ranges: tuple[Range, ...] = Field((), max_length=6)

    @model_validator(mode="after")
    def _scale(self) -> MeterCard:
        if self.low >= self.high:
            raise ValueError(f"low: {self.low:g} is not below high, {self.high:g}")
        ends = [math.inf if each.below is None else each.below for each in self.ranges]
        if ends != sorted(set(ends)):
            raise ValueError("ranges: each `below` must be higher than the one before; only the last may have none")
        return self


class FormField(Strict):
    """`choices`: of a choice, at least two. `name` is what a tool calls it by, `label` what the bot reads."""

    name: Name
    label: Label
    kind: Literal["text", "number", "date", "choice"] = "text"
    choices: tuple[Label, ...] = Field((), max_length=20)
    required: bool = True

    @model_validator(mode="after")
    def _chosen(self) -> FormField:
        if (self.kind == "choice") != (len(self.choices) > 1):
            raise ValueError("choices: a field of kind choice has two or more, all others none")
        return self


class FormCard(_Card):
    """Sent, it is what the caller typed: `label: value; label: value`."""

    kind: Literal["form"]
    fields: tuple[FormField, ...] = Field(max_length=MAX_FIELDS)
    submit: Word = "Send"

    @model_validator(mode="after")
    def _once(self) -> FormCard:
        if not self.fields:
            raise ValueError("fields: there is none; a form has one or more")
        names = [field.name for field in self.fields]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"fields: {twice[0]} stands there twice; give each field a name of its own")
        return self


class LinkCard(_Card):
    """A link that opens in a new tab. `label` empty: the title."""

    kind: Literal["link"]
    url: Url | None = None
    label: Annotated[str, Field(max_length=60)] = ""

    @model_validator(mode="after")
    def _whither(self) -> LinkCard:
        if self.open and self.url is None:
            raise ValueError("url: missing; a card that is open from the beginning has its address in wrapper.json")
        return self


Card = Annotated[FactsCard | ListCard | ProgressCard | MeterCard | FormCard | LinkCard, Field(discriminator="kind")]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Row(_Value):
    title: Text
    detail: Text | None = None
    status: Word | None = None
    tone: Tone | None = None


class _Step(_Value):
    title: Text
    state: Literal["waiting", "running", "done", "failed"]
    detail: Text | None = None


class _Progress(_Value):
    steps: list[_Step] = Field(default_factory=list, max_length=MAX_ROWS)
    percent: Annotated[float, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _something(self) -> _Progress:
        if not self.steps and self.percent is None:
            raise ValueError("it has neither steps nor percent")
        return self


class _Meter(_Value):
    value: Number
    detail: Text | None = None


class _Link(_Value):
    url: Url | None = None
    label: Label | None = None


_Plain = Text | bool | int | Number | None
_VALUES: dict[str, TypeAdapter[Any]] = {
    "facts": TypeAdapter(Annotated[dict[Label, _Plain], Field(max_length=MAX_ROWS)]),
    "list": TypeAdapter(Annotated[list[_Row], Field(max_length=MAX_ROWS)]),
    "progress": TypeAdapter(_Progress),
    "meter": TypeAdapter(Number | _Meter),
    "form": TypeAdapter(dict[Name, Annotated[str, Field(max_length=200)] | int | Number]),
    "link": TypeAdapter(_Link),
}
EXAMPLES = {
    "facts": '{"Order": "1234", "Arrives": "Monday"}',
    "list": '[{"title": "Tune-up", "detail": "9:30", "status": "booked"}]',
    "progress": '{"steps": [{"title": "Router", "state": "running"}], "percent": 40}',
    "meter": '72, or {"value": 72, "detail": "well said"}',
    "form": '{}, or values to begin with by field, as {"name": "Ann"}',
    "link": '{"url": "https://example.com/track/1234", "label": "Track it"}',
}


def checked(card: Card, value: object) -> str:
    """The value as JSON text. None takes the card away: `null`. Raises BadInput: what is wrong with it for this card,
    and what is right."""
    try:
        text = orjson.dumps(value)
    except (TypeError, ValueError) as e:
        raise BadInput(f"it is not JSON: {e}") from None
    if len(text) > MAX_VALUE_BYTES:
        raise BadInput(f"it has {len(text):,} bytes of JSON, {MAX_VALUE_BYTES:,} are allowed: show less")
    if text == b"null":
        return "null"
    try:
        good = _VALUES[card.kind].validate_json(text)
    except ValidationError as e:
        first = e.errors()[0]
        place = ".".join(map(str, first["loc"]))
        what = f"{place}: {first['msg']}" if place else first["msg"]
        raise BadInput(f"{what}; a card of kind {card.kind} takes {EXAMPLES[card.kind]}") from None
    if isinstance(card, FormCard) and (unknown := [name for name in good if name not in _names(card)]):
        raise BadInput(f"the form has no field {unknown[0]}; it has {', '.join(_names(card))}")
    if isinstance(card, LinkCard) and card.url is None and good.url is None:
        raise BadInput("url: missing, and wrapper.json has none for this card")
    return _VALUES[card.kind].dump_json(good, exclude_none=card.kind != "facts").decode()


def _names(card: FormCard) -> list[str]:
    return [field.name for field in card.fields]
