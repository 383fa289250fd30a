"""The tools of each agent, from `agents/<name>/tools.py`; read again when the file changes."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from parley.agents import Agent, load_agent
from parley.errors import Misconfigured, NotFound
from parley.tooling import marks_of
from services.tools.schema import LoadedTool, load_tool


@dataclass(frozen=True, slots=True)
class _Loaded:
    stamp: tuple[int, int]
    digest: str
    module: str
    tools: Mapping[str, LoadedTool]


class Toolboxes:
    """What each agent of the folder can do."""

    def __init__(self, agents_dir: Path) -> None:
        self._dir = agents_dir
        self._loaded: dict[str, _Loaded] = {}

    def agent(self, name: str) -> Agent:
        """Raises NotFound, Misconfigured."""
        return load_agent(self._dir, name)

    def tools(self, agent: str) -> Mapping[str, LoadedTool]:
        """By name. Raises NotFound (no such agent), Misconfigured (file, function, parameter, what is wrong)."""
        settings = self.agent(agent)
        path = self._dir / agent / "tools.py"
        try:
            stat = path.stat()
        except FileNotFoundError:
            return _chosen(settings, {}, path)
        stamp = (stat.st_mtime_ns, stat.st_size)
        known = self._loaded.get(agent)
        if known is None or known.stamp != stamp:
            source = path.read_bytes()
            digest = hashlib.sha256(source).hexdigest()
            module = f"parley_agent_{agent}_{digest[:12]}"
            if known is None or known.digest != digest:
                tools = _chosen(settings, _read(module, path, source), path)
                if known is not None:
                    sys.modules.pop(known.module, None)
            else:
                tools = known.tools
            known = self._loaded[agent] = _Loaded(stamp, digest, module, tools)
        return known.tools

    def tool(self, agent: str, name: str) -> LoadedTool:
        """Raises NotFound (lists the known ones), Misconfigured."""
        tools = self.tools(agent)
        if name not in tools:
            raise NotFound(f"agent {agent} has no tool {name!r}; known are {', '.join(sorted(tools)) or 'none'}")
        return tools[name]


def _chosen(agent: Agent, tools: Mapping[str, LoadedTool], path: Path) -> Mapping[str, LoadedTool]:
    if agent.tools is None:
        return tools
    if missing := [name for name in agent.tools if name not in tools]:
        raise Misconfigured(
            f"{path.parent / 'agent.yaml'}: tools: {', '.join(missing)} not found in {path.name}; it has"
            f" {', '.join(sorted(tools)) or 'none'}"
        )
    return {name: tools[name] for name in agent.tools}


def _read(module_name: str, path: Path, source: bytes) -> dict[str, LoadedTool]:
    spec = importlib.util.spec_from_loader(module_name, loader=None, origin=str(path))
    assert spec is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[module_name] = module
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the agent's own code
    except (Exception, SystemExit) as e:
        del sys.modules[module_name]
        line = e.lineno if isinstance(e, SyntaxError) else _line_in(e, path)
        raise Misconfigured(f"{path}, line {line}: {type(e).__name__}: {e}") from e
    marked = [value for value in vars(module).values() if marks_of(value) is not None]
    return {function.__name__: load_tool(function, str(path)) for function in marked}


def _line_in(error: BaseException, path: Path) -> int | None:
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
