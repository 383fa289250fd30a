"""The tools of each agent, from `agents/<name>/tools.py`; read again when the agent's files change.

A call keeps the tools it began with: it names the version it was told, and the last versions are kept for that.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from parley.agents.agent import Agent
from parley.agents.files import agent_now, digest_of, known_agents, with_tools
from parley.agents.wrapper import Wrapper, wrapper_now
from parley.errors import Misconfigured, NotFound
from parley.rereading import Reread
from parley.text import consent
from parley.text.consent import base_of
from parley.tooling import marks_of
from services.tools.asking import checked
from services.tools.builtin import Builtin
from services.tools.database import Database
from services.tools.schema import LoadedTool, load_tool

KEPT = 4  # versions of an agent's tools, for calls that began with them


@dataclass(frozen=True, slots=True)
class Toolbox:
    """One version of what an agent can do. `agent` has that version; `all` are the tools that it does not name too."""

    agent: Agent
    tools: Mapping[str, LoadedTool]
    digest: str
    all: Mapping[str, LoadedTool]
    module: str


class Toolboxes:
    """What each agent of the folder can do."""

    def __init__(self, agents_dir: Path, database: Database | None = None) -> None:
        """Without a database what `agent.yaml` gives beside tools.py can be described, and not called."""
        self._dir = agents_dir
        self._builtin = Builtin(database)
        self._files: dict[str, Reread[Toolbox]] = {}
        self._kept: dict[str, dict[str, Toolbox]] = {}

    def now(self, agent: str) -> Toolbox:
        """As the files are now; after a broken edit, as they last were good.

        Raises NotFound (no such agent), Misconfigured (file, function, parameter, what is wrong).
        """
        if (known := self._files.get(agent)) is None:
            if agent not in (names := known_agents(self._dir)):
                raise NotFound(f"there is no agent {agent!r} in {self._dir}; known are {', '.join(names) or 'none'}")
            paths = tuple(self._dir / agent / file for file in ("agent.yaml", "tools.py"))
            known = self._files[agent] = Reread(agent, "tools", paths, lambda: self._read(agent))
        return known.now()

    def of(self, agent: str, version: str) -> Toolbox:
        """What a call that was told this version began with, or the newest where that is not known here any more."""
        return self._kept.get(agent, {}).get(version) or self.now(agent)

    def tools(self, agent: str) -> Mapping[str, LoadedTool]:
        """The newest, by name. Raises as `now` does."""
        return self.now(agent).tools

    def wrapper(self, agent: str) -> Wrapper:
        """What the agent's page has cards for. Raises Misconfigured, if the file never was good."""
        return wrapper_now(self._dir, agent)

    def tool(self, agent: str, name: str, version: str = "") -> LoadedTool:
        """Raises NotFound (lists the known ones), Misconfigured."""
        tools = self.of(agent, version).tools
        if name not in tools:
            raise NotFound(f"agent {agent} has no tool {name!r}; known are {', '.join(sorted(tools)) or 'none'}")
        return tools[name]

    def _read(self, name: str) -> Toolbox:
        path = self._dir / name / "tools.py"
        source = path.read_bytes() if path.is_file() else b""
        digest = digest_of(source)
        agent = with_tools(agent_now(self._dir, name), digest)
        kept = self._kept.setdefault(name, {})
        same = next((box for box in kept.values() if box.digest == digest), None)
        module = same.module if same is not None else f"parley_agent_{name}_{digest}"
        tools = same.all if same is not None else _loaded(module, path, source)
        box = Toolbox(agent, {**_chosen(agent, tools, path), **self._given(agent, tools, path)}, digest, tools, module)
        kept.pop(agent.version, None)
        kept[agent.version] = box
        if len(kept) > KEPT:
            _forget(kept.pop(next(iter(kept))), kept)
        return box

    def _given(self, agent: Agent, tools: Mapping[str, LoadedTool], path: Path) -> Mapping[str, LoadedTool]:
        """The tools that the agent has by its agent.yaml."""
        given = self._builtin.of(agent)
        if taken := [name for name in given if name in tools]:
            raise Misconfigured(f"{path}: tool {taken[0]}: agent.yaml gives the agent one of this name; choose another")
        return given


def _forget(box: Toolbox, kept: Mapping[str, Toolbox]) -> None:
    if all(other.module != box.module for other in kept.values()):
        sys.modules.pop(box.module, None)


def _chosen(agent: Agent, tools: Mapping[str, LoadedTool], path: Path) -> Mapping[str, LoadedTool]:
    consequential = any(tool.marks.consequential for name, tool in tools.items() if name in (agent.tools or tools))
    if consequential and base_of(agent.language) not in consent.LANGUAGES and not agent.confirmation.yes:
        raise Misconfigured(
            f"{path.parent / 'agent.yaml'}: confirmation.yes: missing; {path.name} has a consequential tool, "
            f"and a yes in {agent.language!r} is not known: write the words for yes and no"
        )
    if agent.tools is None:
        return tools
    if missing := [name for name in agent.tools if name not in tools and name not in agent.builtin_tools]:
        raise Misconfigured(
            f"{path.parent / 'agent.yaml'}: tools: {', '.join(missing)} not found in {path.name}; it has"
            f" {', '.join(sorted(tools)) or 'none'}"
        )
    return {name: tools[name] for name in agent.tools if name in tools}


def _loaded(module_name: str, path: Path, source: bytes) -> dict[str, LoadedTool]:
    spec = importlib.util.spec_from_loader(module_name, loader=None, origin=str(path))
    assert spec is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[module_name] = module
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the agent's own code
        marked = [value for value in vars(module).values() if marks_of(value) is not None]
        return {function.__name__: checked(load_tool(function, str(path)), str(path)) for function in marked}
    except Misconfigured:
        del sys.modules[module_name]
        raise
    except (Exception, SystemExit) as e:
        del sys.modules[module_name]
        line = e.lineno if isinstance(e, SyntaxError) else _line_in(e, path)
        raise Misconfigured(f"{path}, line {line}: {type(e).__name__}: {e}") from e


def _line_in(error: BaseException, path: Path) -> int | None:
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
