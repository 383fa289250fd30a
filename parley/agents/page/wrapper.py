"""`agents/<name>/wrapper.json`: what the page shows of an agent, checked and read again after an edit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator

from parley.agents.page.cards import MAX_CARDS, Card
from parley.agents.strict import Strict
from parley.errors import Misconfigured
from parley.field_errors import told
from parley.reloading.rereading import Reread

FILE = "wrapper.json"


class Wrapper(Strict):
    """Who answers, in words for the page; all of it may be left out.

    `sample_call`: a sentence that the bot surely understands. `examples`: to be tapped instead of typed. `subtitles`
    `blurred_until_heard`: the bot's words become clear as they are heard, or on a tap. `cards`: what tools may show.
    """

    schema_url: Annotated[str, Field(max_length=300)] = Field("", alias="$schema", exclude=True)
    name: Annotated[str, Field(max_length=80)] = ""
    tagline: Annotated[str, Field(max_length=300)] = ""
    color: Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$", description="a color as #1f6f5c")] = ""
    language: Annotated[str, Field(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")] = ""
    sample_call: Annotated[str, Field(max_length=200)] = ""
    examples: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field((), max_length=12)
    note: Annotated[str, Field(max_length=500)] = ""
    subtitles: Literal["plain", "blurred_until_heard"] = "plain"
    cards: tuple[Card, ...] = Field((), max_length=MAX_CARDS)

    @field_validator("cards")
    @classmethod
    def _once(cls, cards: tuple[Card, ...]) -> tuple[Card, ...]:
        names = [card.name for card in cards]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{twice[0]} stands there twice; give each card a name of its own")
        return cards

    def card(self, name: str) -> Card | None:
        return next((card for card in self.cards if card.name == name), None)

    def for_page(self) -> dict[str, Any]:
        """What the page is told, as JSON-able values."""
        return self.model_dump(mode="json", exclude_none=True)


_FILES: dict[Path, Reread[Wrapper]] = {}


def wrapper_now(folder: Path, agent: str) -> Wrapper:
    """The wrapper of an agent that there is, read again when its file has changed; one stat. Without a file: an empty
    one. A broken edit is told in the log, and the last good one stays. Raises Misconfigured (file, field, what is
    wrong, line), if it never was good.
    """
    path = folder / agent / FILE
    if (known := _FILES.get(path)) is None:
        known = _FILES.setdefault(path, Reread(agent, "wrapper", lambda: (path,), lambda: read_wrapper(path)))
    return known.now()


def wrapper_problem(folder: Path, agent: str) -> str:
    """What is wrong with the last edit of it, for which the last good one stays; empty: nothing."""
    known = _FILES.get(folder / agent / FILE)
    return known.problem if known is not None else ""


def forget_wrapper(folder: Path, agent: str) -> None:
    """This folder of agents is no more."""
    _FILES.pop(folder / agent / FILE, None)


def read_wrapper(path: Path) -> Wrapper:
    """As the file is. Raises Misconfigured."""
    try:
        source = path.read_text("utf-8")
    except FileNotFoundError:
        return Wrapper()
    except UnicodeDecodeError as e:
        raise Misconfigured(f"{path}: not UTF-8 text; save it as UTF-8") from e
    except OSError as e:
        raise Misconfigured(f"{path}: cannot be read: {e}") from e
    try:
        data = json.loads(source)
    except json.JSONDecodeError as e:
        raise Misconfigured(f"{path}: not valid JSON: {e.msg} (line {e.lineno})") from e
    except RecursionError as e:
        raise Misconfigured(f"{path}: not valid JSON: nested too deep") from e
    if not isinstance(data, dict):
        raise Misconfigured(f"{path}: expected an object at the top")
    try:
        return Wrapper.model_validate(data)
    except ValidationError as e:
        raise Misconfigured(f"{path}: {_told(e, source)}") from None


def _told(error: ValidationError, source: str) -> str:
    """With lines, but for JSON that is no YAML: a tab, half of a pair of escapes."""
    try:
        return told(error, source, Wrapper)
    except yaml.YAMLError:
        return told(error, "", Wrapper)
