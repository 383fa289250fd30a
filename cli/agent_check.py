"""Whether a bot's files are right: read as the services read them, and looked at for what no service complains of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from parley.agents.agent import Agent
from parley.agents.auth import SecretRef
from parley.agents.files import load_agent
from parley.errors import ParleyError
from parley.secrets import PREFIX, Secrets
from parley.settings import Settings
from services.tools.discovery import Toolboxes
from services.tools.schema import LoadedTool

_SHOWN = {"name": str, "tagline": str, "color": str, "language": str, "sample_call": str, "examples": list, "note": str}
"""What the page reads of wrapper.json."""


_EACH = re.compile(r"(?<=\d\)); ")
"""What is wrong in agent.yaml is told in one line, each with the line of the file behind it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`errors` keep the bot, or a part of it, from working; `notes` are worth knowing."""

    summary: str
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return not self.errors


def check(folder: Path, name: str) -> Finding:
    """All that can be said of a bot without running it. Its tools.py is run, as any service would; no server that it
    names is started or asked."""
    try:
        agent = load_agent(folder, name)
        box = Toolboxes(folder).now(name)
    except ParleyError as error:
        file, _, lines = str(error).partition(": ")
        return Finding("wrong", tuple(f"{file}: {line}" for line in _EACH.split(lines)))
    files = sorted((folder / name / "knowledge").glob("*.md")) + sorted((folder / name / "knowledge").glob("*.txt"))
    errors = [*_wrapper(folder / name / "wrapper.json"), *_domain(agent, box.tools, folder / name / "agent.yaml")]
    errors += [f"{path}: not UTF-8 text; save it as UTF-8" for path in files if not _readable(path)]
    notes = [*_notes(agent, box.all, files), *_secrets(agent, box.tools)]
    state = "wrong" if errors else "good"
    what = f"{len(box.tools)} tools, {len(files)} files of knowledge, version {box.agent.version}"
    return Finding(f"{state}: {what}", tuple(errors), tuple(notes))


def _wrapper(path: Path) -> Iterator[str]:
    if not path.is_file():
        return
    try:
        shown = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        yield f"{path}: not valid JSON: {error.msg} (line {error.lineno})"
        return
    except UnicodeDecodeError:
        yield f"{path}: not UTF-8 text; save it as UTF-8"
        return
    if not isinstance(shown, dict):
        yield f"{path}: expected an object at the top"
        return
    for key, value in shown.items():
        if key not in _SHOWN:
            yield f"{path}: {key}: the page knows no such field; known are {', '.join(_SHOWN)}"
        elif not isinstance(value, _SHOWN[key]):
            yield f"{path}: {key}: must be {'a list of texts' if _SHOWN[key] is list else 'a text'}, not {value!r}"


def _domain(agent: Agent, tools: Mapping[str, LoadedTool], path: Path) -> Iterator[str]:
    """What an intent names must be there."""
    for name, intent in agent.domain.intents.items():
        foreign = any(intent.tool.startswith(f"{server}_") for server in agent.mcp)
        if intent.tool and intent.tool not in tools and not foreign:
            yield f"{path}: domain.intents.{name}.tool: there is no tool {intent.tool}; known are {', '.join(tools)}"
        for slot in intent.needs:
            if slot not in agent.domain.slots:
                known = ", ".join(agent.domain.slots) or "none"
                yield f"{path}: domain.intents.{name}.needs: there is no slot {slot}; domain.slots has {known}"


def _notes(agent: Agent, tools: Mapping[str, LoadedTool], files: list[Path]) -> Iterator[str]:
    if unused := sorted(set(tools) - set(agent.tools or tools)):
        yield f"note: it has {', '.join(unused)}, which `tools` in agent.yaml does not name"
    if not files and agent.knowledge.retrieve == "always":
        yield "note: no knowledge/; it answers from its prompt and its tools only"
    if not agent.domain.intents:
        yield "note: no domain; without a vendor's key it understands nobody"
    for path in files:
        if _readable(path) and not path.read_text("utf-8").strip():
            yield f"note: {path}: empty"


def _secrets(agent: Agent, tools: Mapping[str, LoadedTool]) -> Iterator[str]:
    """What the tools service will look for; it may be set there and not here."""
    named = {f"tool {tool.name}": tool.secrets for tool in tools.values()}
    for name, server in agent.mcp.items():
        auth = (server.auth.secret,) if server.auth is not None else ()
        env = tuple(value.secret for value in server.env.values() if isinstance(value, SecretRef))
        named[f"mcp.{name}"] = (*auth, *env)
    secrets = Secrets.of(Settings.read())
    for whose, names in named.items():
        for missing in secrets.missing(names):
            yield f"note: {whose} needs the secret {missing}, which is not set here; {PREFIX}{missing} is one way"


def _readable(path: Path) -> bool:
    try:
        path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return True
