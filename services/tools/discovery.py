"""The tools of each agent, from `agents/<name>/tools.py` and `tools.yaml`; read again when the agent's files change.

A call keeps the tools it began with: it names the version it was told, and the last versions are kept for that.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import structlog
import yaml

from parley.agents.agent import Agent
from parley.agents.files import agent_now, digest_of_tools, files_of, known_agents, problem_of, tool_sources, with_tools
from parley.agents.page.wrapper import Wrapper, wrapper_now
from parley.errors import Misconfigured, NotFound
from parley.field_errors import line_in, near
from parley.reloading.rereading import Reread
from parley.secrets import Secrets
from parley.text.answers import consent
from parley.text.answers.consent import base_of
from parley.tooling import marks_of
from services.tools.asking import checked, yes_in
from services.tools.builtin import Builtin
from services.tools.database import Database
from services.tools.http.tools import HttpTools
from services.tools.schema import LoadedTool, load_tool, place_of

log = structlog.get_logger()

KEPT = 4  # versions of an agent's tools, for calls that began with them

Foreign = Callable[[Agent, Path, bool], Mapping[str, LoadedTool]]
"""The tools that servers elsewhere have at this moment for a version of an agent; True: it is the newest."""


@dataclass(frozen=True, slots=True)
class Toolbox:
    """One version of what an agent can do. `agent` has that version; `all` are the tools that it does not name too."""

    agent: Agent
    tools: Mapping[str, LoadedTool]
    digest: str
    all: Mapping[str, LoadedTool]
    module: str


class Toolboxes:
    """What each agent of the folder can do. `foreign`: see services/tools/mcp; without it there are none. `tag`: tells
    its modules from those of another folder."""

    def __init__(
        self,
        agents_dir: Path,
        database: Database | None = None,
        secrets: Secrets | None = None,
        foreign: Foreign | None = None,
        tag: str = "",
    ) -> None:
        """Without a database what `agent.yaml` gives beside tools.py can be described, and not called."""
        self._dir = agents_dir
        self._builtin = Builtin(database)
        self._http = HttpTools(secrets or Secrets())
        self._foreign = foreign
        self._collided: set[str] = set()
        self._tag = tag
        self._files: dict[str, Reread[Toolbox]] = {}
        self._kept: dict[str, dict[str, Toolbox]] = {}

    def beside(self, agents_dir: Path, tag: str) -> Toolboxes:
        """Those of another folder. HTTP clients and the room for queries are shared; close these alone."""
        made = Toolboxes(agents_dir, foreign=self._foreign, tag=tag)
        made._builtin, made._http = self._builtin, self._http
        return made

    def now(self, agent: str) -> Toolbox:
        """As the files are now; after a broken edit, as they last were good.

        Raises NotFound (no such agent), Misconfigured (file, function, parameter, what is wrong).
        """
        return self._with_foreign(self.read(agent), newest=True)

    def read(self, agent: str) -> Toolbox:
        """The same without the tools of servers, which are asked on the loop: this may be done in a thread."""
        if (known := self._files.get(agent)) is None:
            if agent not in (names := known_agents(self._dir)):
                raise NotFound(f"there is no agent {agent!r} in {self._dir}; known are {', '.join(names) or 'none'}")
            home = self._dir / agent
            known = self._files[agent] = Reread(agent, "tools", lambda: files_of(home), lambda: self._read(agent))
        return known.now()

    async def have(self, agent: str, version: str) -> None:
        """Before `of`, where a version may have to be fetched. Raises NotFound, Unavailable, Misconfigured."""

    def problem(self, agent: str) -> str:
        """What is wrong with the last edit of the agent's files, for which the last good one stays; empty: nothing."""
        tools = self._files[agent].problem if agent in self._files else ""
        return problem_of(self._dir, agent) or tools

    def of(self, agent: str, version: str) -> Toolbox:
        """What a call that was told this version began with, or the newest where that is not known here any more."""
        kept = self._kept.get(agent, {}).get(version)
        return self._with_foreign(kept, newest=False) if kept is not None else self.now(agent)

    def tools(self, agent: str) -> Mapping[str, LoadedTool]:
        """The newest, by name. Raises as `now` does."""
        return self.now(agent).tools

    def wrapper(self, agent: str, version: str = "") -> Wrapper:
        """What the agent's page has cards for. Raises Misconfigured, if the file never was good."""
        return wrapper_now(self._dir, agent)

    def tool(self, agent: str, name: str, version: str = "") -> LoadedTool:
        """Raises NotFound (lists the known ones), Misconfigured."""
        tools = self.of(agent, version).tools
        if name not in tools:
            raise NotFound(f"agent {agent} has no tool {name!r}; known are {', '.join(sorted(tools)) or 'none'}")
        return tools[name]

    async def close(self) -> None:
        await self._http.close()

    def _with_foreign(self, box: Toolbox, newest: bool) -> Toolbox:
        """With the tools of servers as they are now. An agent's own tool goes before one of the same name."""
        if self._foreign is None or not (foreign := self._foreign(box.agent, self._dir / box.agent.name, newest)):
            return box
        for name in foreign.keys() & box.all.keys() - self._collided:
            self._collided.add(name)
            log.warning("a server's tool is left out, the agent has one of this name", agent=box.agent.name, tool=name)
        return replace(box, tools={**box.tools, **{n: tool for n, tool in foreign.items() if n not in box.all}})

    def forget(self) -> None:
        """Nobody asks for these any more."""
        for kept in self._kept.values():
            for box in kept.values():
                sys.modules.pop(box.module, None)

    def _read(self, name: str) -> Toolbox:
        home = self._dir / name
        sources = tool_sources(home)
        digest = digest_of_tools(sources)
        agent = with_tools(agent_now(self._dir, name), digest)
        kept = self._kept.setdefault(name, {})
        same = next((box for box in kept.values() if box.digest == digest), None)
        module = same.module if same is not None else f"parley_agent_{name}_{digest}{self._tag}"
        tools = same.all if same is not None else self._load(module, home, sources)
        chosen = {**_chosen(agent, tools, home, sources), **self._given(agent, tools, home / "tools.py")}
        box = Toolbox(agent, chosen, digest, tools, module)
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

    def _load(self, module: str, home: Path, sources: Mapping[str, bytes]) -> dict[str, LoadedTool]:
        written = self._http.load(home, sources)
        coded = _loaded(module, home / "tools.py", sources.get("tools.py", b""))
        if both := sorted(coded.keys() & written.keys()):
            sys.modules.pop(module, None)
            raise Misconfigured(f"{home / 'tools.yaml'}: tools.{both[0]}: tools.py has a tool of this name; rename one")
        return {**coded, **{name: checked(each, str(home / "tools.yaml")) for name, each in written.items()}}


def _forget(box: Toolbox, kept: Mapping[str, Toolbox]) -> None:
    if all(other.module != box.module for other in kept.values()):
        sys.modules.pop(box.module, None)


def _chosen(
    agent: Agent, tools: Mapping[str, LoadedTool], home: Path, sources: Mapping[str, bytes]
) -> Mapping[str, LoadedTool]:
    consequential = any(tool.marks.consequential for name, tool in tools.items() if name in (agent.tools or tools))
    if consequential and base_of(agent.language) not in consent.LANGUAGES and not agent.confirmation.yes:
        raise Misconfigured(
            f"{home / 'agent.yaml'}: confirmation.yes: missing; it has a consequential tool, and a yes in "
            f"{agent.language!r} is not known: write the words for yes and no"
        )
    for name in agent.tools or tools:
        if name in tools and (word := yes_in(tools[name], agent.language, agent.confirmation)):
            written = "tools.py" if inspect.isfunction(tools[name].function) else "tools.yaml"
            raise Misconfigured(
                f"{place_of(name, tools[name].function, str(home / written))}: confirm: {word!r} in it: a caller "
                f"who says {word!r} to it could be its echo; ask in other words, or end with the words for yes and no"
            )
    if agent.tools is None:
        return tools
    if missing := [name for name in agent.tools if name not in tools and name not in agent.builtin_tools]:
        where = "tools.py or tools.yaml; they have" if "tools.yaml" in sources else "tools.py; it has"
        names = ", ".join(sorted(tools)) or "none"
        meant = ", ".join(filter(None, (near(name, tools) for name in missing)))
        meant = f"; did you mean {meant}?" if meant else ""
        path = home / "agent.yaml"
        at = f" (line {line})" if (line := _line_of(path, agent.tools.index(missing[0]))) else ""
        raise Misconfigured(f"{path}: tools: {', '.join(missing)} not found in {where} {names}{meant}{at}")
    return {name: tools[name] for name in agent.tools if name in tools}


def _line_of(path: Path, tool: int) -> int:
    """Of the so many-eth name in `tools`; 0: it cannot be told."""
    try:
        return line_in(path.read_text("utf-8"), ("tools", tool))
    except (OSError, ValueError, yaml.YAMLError):
        return 0


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
