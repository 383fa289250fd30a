"""What happened in a call that was played: all that expectations are asked of. Seconds of one clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.telephone.heard import Cleared
from testbed.turns.caller import Played
from testbed.turns.listener import HeardWord, Run
from testbed.turns.script import Script
from testbed.vendors.openai.script import lines_of

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that reached the model, and what the model has to say to it. Roles as in OpenAI's messages."""

    at: float
    messages: Sequence[Message]
    answer: str = ""

    @property
    def caller_turns(self) -> list[str]:
        return [str(m["content"]) for m in self.messages if m["role"] == "user"]

    @property
    def bot_lines(self) -> list[str]:
        return lines_of(self.messages)


@dataclass(slots=True)
class Record:
    """One call. `tools`: name and when it began; `failure`: why the script could not be played to its end.

    `holes`: where sound that belongs together came late; a word with a hole in it cannot be read. `late_s`: how late
    the player itself was at most. `waited`: the share of the time that services or player had no core to run on.
    """

    script: Script
    answered: float
    played: list[Played]
    words: list[HeardWord]
    runs: list[Run]
    fine: list[Run]
    clears: list[Cleared]
    asked: list[Asked] = field(default_factory=list)
    tools: list[tuple[str, float]] = field(default_factory=list)
    ended_by: str = ""
    ended_at: float = 0.0
    holes: list[float] = field(default_factory=list)
    late_s: float = 0.0
    waited: float = 0.0
    warnings: list[str] = field(default_factory=list)
    failure: str = ""

    def ms(self, at: float) -> int:
        """Since the call was answered."""
        return round((at - self.answered) * 1000)

    def holes_between(self, begin: float, end: float) -> int:
        return sum(1 for hole in self.holes if begin <= hole <= end)

    def shown(self) -> str:
        """Both sides, line by line, for somebody who wants to know why."""
        rows = [(p.begun, f"{self.ms(p.begun):6}..{self.ms(p.ends):6}  {p.line.shown}") for p in self.played]
        rows += [
            (word.end, f"{self.ms(word.start):6}..{self.ms(word.end):6}        bot: {word.text}") for word in self.words
        ]
        rows += [(c.at, f"{self.ms(c.at):6}          clear, {c.dropped_ms:.0f} ms dropped") for c in self.clears]
        for asked in self.asked:
            last = asked.messages[-1]
            rows.append((asked.at, f"{self.ms(asked.at):6}          model: {last['role']}: {last['content']}"))
        rows += [(at, f"{self.ms(at):6}          tool {name} began") for name, at in self.tools]
        rows += [(at, f"{self.ms(at):6}          a hole") for at in self.holes]
        return "\n".join(text for _, text in sorted(rows, key=lambda row: row[0]))
