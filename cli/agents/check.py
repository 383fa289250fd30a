"""Whether a bot's files are right: read as the services read them, and looked at for what no service complains of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.agents.identity_check import check_identity
from parley.agents.agent import Agent
from parley.agents.conversations.conversation import Conversation
from parley.agents.conversations.files import conversations_of
from parley.agents.domain import Intent
from parley.agents.files import load_agent
from parley.agents.foreign.auth import SecretRef
from parley.agents.page.wrapper import FILE, read_wrapper
from parley.agents.specialists import OWN_TOOLS
from parley.errors import ParleyError
from parley.secrets import PREFIX, Secrets
from parley.settings import Settings
from services.tools.discovery import Toolboxes
from services.tools.schema import LoadedTool

_EACH = re.compile(r"(?<=\d\)); ")
"""What is wrong in a file is told in one line, each with the line of the file behind it."""


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
        return Finding("wrong", tuple(_each(error)))
    files = sorted((folder / name / "knowledge").glob("*.md")) + sorted((folder / name / "knowledge").glob("*.txt"))
    errors = [*_wrapper(folder / name / FILE), *_domain(agent, box.tools, folder / name / "agent.yaml")]
    errors += _specialists(agent, box.tools, folder / name / "agent.yaml")
    errors += _payment(agent, box.tools, folder / name / "agent.yaml")
    errors += [f"{path}: not UTF-8 text; save it as UTF-8" for path in files if not _readable(path)]
    wrong, worth_knowing = check_identity(agent, folder / name)
    conversations, wrong_there = _conversations(folder / name)
    errors += [*wrong, *wrong_there]
    notes = [*_notes(agent, box.all, files), *worth_knowing, *_unknown_tools(conversations, box.tools)]
    notes += _secrets(agent, box.tools)
    state = "wrong" if errors else "good"
    held = f"{len(conversations)} conversations, " if conversations else ""
    what = f"{len(box.tools)} tools, {len(files)} files of knowledge, {held}version {box.agent.version}"
    return Finding(f"{state}: {what}", tuple(errors), tuple(notes))


def _each(error: ParleyError) -> Iterator[str]:
    file, _, lines = str(error).partition(": ")
    yield from (f"{file}: {line}" for line in _EACH.split(lines))


def _conversations(folder: Path) -> tuple[list[Conversation], list[str]]:
    """The agent's, and what is wrong with their files."""
    try:
        return list(conversations_of(folder).values()), []
    except ParleyError as error:
        return [], list(_each(error))


def _unknown_tools(conversations: list[Conversation], tools: Mapping[str, LoadedTool]) -> Iterator[str]:
    """One that is misspelt among the forbidden ones would never be found."""
    for each in conversations:
        parts = (each.expect, *each.turns)
        named = {name for part in parts for name in (*part.forbidden, *(tool.tool for tool in part.tools))}
        if unknown := sorted(named - set(tools)):
            yield f"note: conversation {each.name!r} names {', '.join(unknown)}, which is no tool of this agent"


def _wrapper(path: Path) -> Iterator[str]:
    try:
        read_wrapper(path)
    except ParleyError as error:
        yield from _each(error)


def _domain(agent: Agent, tools: Mapping[str, LoadedTool], path: Path) -> Iterator[str]:
    """What an intent names must be there."""
    for name, intent in agent.domain.intents.items():
        foreign = any(intent.tool.startswith(f"{server}_") for server in agent.mcp)
        if intent.tool and intent.tool not in tools and not foreign:
            yield f"{path}: domain.intents.{name}.tool: there is no tool {intent.tool}; known are {', '.join(tools)}"
        elif intent.tool in tools:
            yield from (f"{path}: domain.intents.{name}.needs: {wrong}" for wrong in _needs(intent, tools[intent.tool]))


def _needs(intent: Intent, tool: LoadedTool) -> Iterator[str]:
    """What the engine without a vendor would ask for is what the tool takes: a slot has the name of an argument."""
    schema = json.loads(tool.parameters_json)
    known, required = schema.get("properties", {}), schema.get("required", ())
    for name in required:
        if name not in intent.needs:
            yield f"leaves out {name}, without which tool {tool.name} is refused; add it, and a slot of this name"
    for slot in intent.needs:
        if slot not in known:
            yield f"tool {tool.name} has no argument {slot}; it takes {', '.join(known) or 'none'}"


def _payment(agent: Agent, tools: Mapping[str, LoadedTool], path: Path) -> Iterator[str]:
    """Tokens are made where `payment` is, and are of use to tools that take them."""
    taking = [name for name, tool in tools.items() if tool.vaulted]
    if agent.payment and not taking:
        yield f'{path}: payment: no tool takes a card; declare it as Annotated[str, Secret("card")] in tools.py'
    if taking and not agent.payment:
        yield f"{path}: payment: tool {taking[0]} takes a card, and no token is ever made of one; write `payment: true`"


def _specialists(agent: Agent, tools: Mapping[str, LoadedTool], path: Path) -> Iterator[str]:
    """What a specialist names must be there; the platform's own tools must not."""
    for name, each in agent.specialists.items():
        for tool in each.tools:
            if tool not in tools:
                yield f"{path}: specialists.{name}.tools: there is no tool {tool}; known are {', '.join(tools)}"
    for own in OWN_TOOLS if agent.specialists else ():
        if own in tools:
            yield f"{path.parent / 'tools.py'}: {own}: is the platform's own for agents with specialists; rename it"


def _notes(agent: Agent, tools: Mapping[str, LoadedTool], files: list[Path]) -> Iterator[str]:
    if unused := sorted(set(tools) - set(agent.tools or tools)):
        yield f"note: it has {', '.join(unused)}, which `tools` in agent.yaml does not name"
    if not files and agent.knowledge.retrieve == "always":
        yield "note: no knowledge/; it answers from its prompt and its tools only"
    for specialist, each in agent.specialists.items():
        if not (each.phrases or each.patterns or each.examples):
            yield f"note: specialists.{specialist}: no phrases, no examples; only a model finds the way to it"
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
