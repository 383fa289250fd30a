"""A Dockerfile as its stages, read for tests: comments gone, lines that go on joined."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stage:
    """`lines`: instruction and the rest, as ("COPY", "a/ /app/a/")."""

    name: str
    base: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [rest for name, rest in self.lines if name == instruction]

    def last(self, instruction: str) -> str:
        return self.all(instruction)[-1]

    def env(self) -> dict[str, str]:
        pairs = (re.match(r"(\w+)=(.*)", word) for line in self.all("ENV") for word in line.split())
        return {pair[1]: pair[2] for pair in pairs if pair}


def read(path: Path = ROOT / "Dockerfile") -> tuple[dict[str, Stage], list[str]]:
    """Stages by name, and the ARG lines before the first."""
    text = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE))
    stages: dict[str, Stage] = {}
    before: list[str] = []
    current: Stage | None = None
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            current = stages[name] = Stage(name, base)
        elif current is None:
            before.append(line)
        else:
            current.lines.append((instruction, " ".join(rest.split())))
    return stages, before


def chain(stages: dict[str, Stage], name: str) -> list[Stage]:
    """A stage and those below it that its files come out of, down to the base image."""
    found = [stages[name]]
    while found[-1].base in stages:
        found.append(stages[found[-1].base])
    return found


def words(line: str) -> Sequence[str] | None:
    """The words of an instruction in JSON, which needs no shell; None for one in a shell's words."""
    try:
        read_as: list[str] = json.loads(line.partition("CMD ")[2] or line)
    except ValueError:
        return None
    return read_as
