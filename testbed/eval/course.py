"""What happened in one conversation, whoever held it: in text, on the telephone, or a recorded one. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["open", "ended", "transferred"]


@dataclass(frozen=True)
class Ran:
    """A tool that was really executed. `status`: ok, failed, refused, unknown; empty: it had not ended. `told`: its
    result, or why there is none."""

    name: str
    arguments: Mapping[str, Any]
    status: str = ""
    told: str = ""


@dataclass(frozen=True)
class Shown:
    """Something for the page."""

    name: str
    value: Any


@dataclass
class Exchange:
    """What the caller did, and what came of it. The first has no act: it holds the bot's first words.

    `said`: the bot's utterances without fillers; `fillers`: words while the caller waited. `first_word_ms`: from the
    caller's act to the first word of the answer, by a real clock. `misheard`: what a recogniser made of the caller's
    words, where it was something else.
    """

    caller: str = ""
    keys: str = ""
    silent_s: float = 0.0
    said: list[str] = field(default_factory=list)
    fillers: list[str] = field(default_factory=list)
    ran: list[Ran] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    first_word_ms: float | None = None
    misheard: str = ""

    @property
    def words(self) -> str:
        """All that the bot said in it."""
        return " ".join(self.said)

    @property
    def act(self) -> str:
        """What the caller did, in a few words."""
        if self.keys:
            return f"keys {self.keys}"
        return f"silent for {self.silent_s:g} s" if self.silent_s else self.caller


@dataclass
class Course:
    """The whole. `broke`: why it could not be held to its end; empty: it was. `dollars`: by the vendors' lists."""

    exchanges: list[Exchange] = field(default_factory=lambda: [Exchange()])
    outcome: Outcome = "open"
    transferred_to: str = ""
    level: int = 0
    agent_version: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float = 0.0
    broke: str = ""

    @property
    def ran(self) -> list[Ran]:
        return [each for exchange in self.exchanges for each in exchange.ran]

    @property
    def shown(self) -> list[Shown]:
        return [each for exchange in self.exchanges for each in exchange.shown]

    @property
    def words(self) -> str:
        return " ".join(exchange.words for exchange in self.exchanges if exchange.said)

    @property
    def slots(self) -> dict[str, Any]:
        """What was understood: of each argument the last value that a tool was given."""
        return {name: value for each in self.ran for name, value in each.arguments.items() if value is not None}

    def transcript(self) -> list[str]:
        """Line by line, as it went."""
        lines = []
        for exchange in self.exchanges:
            if exchange.act:
                heard = f"  (heard as {exchange.misheard!r})" if exchange.misheard else ""
                lines.append(f"caller: {exchange.act}{heard}")
            for ran in exchange.ran:
                arguments = ", ".join(f"{name}={value!r}" for name, value in ran.arguments.items())
                lines.append(f"  tool: {ran.name}({arguments}) -> {ran.status or 'not ended'} {ran.told}".rstrip())
            lines += [f"  page: {shown.name} {shown.value}" for shown in exchange.shown]
            lines += [f"   bot: ({text})" for text in exchange.fillers]
            lines += [f"   bot: {text}" for text in exchange.said]
        match self.outcome:
            case "transferred":
                lines.append(f"        the bot transferred the caller to {self.transferred_to}")
            case "ended":
                lines.append("        the bot ended the call")
        return lines
