"""An agent's folder: `agents/<name>/agent.yaml`, read, checked, and read again. Tools and knowledge lie beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from parley.agents.agent import Agent
from parley.errors import Misconfigured, NotFound
from parley.field_errors import told, yaml_told
from parley.reloading.rereading import Reread
from parley.text.sentences import plain

OPENAPI = ("openapi*.yaml", "openapi*.yml", "openapi*.json")
"""Names of files that describe HTTP services for `tools.yaml`."""


def known_agents(folder: Path) -> list[str]:
    """Names of the agents in `folder`."""
    return sorted(p.parent.name for p in folder.glob("*/agent.yaml"))


VERSION_FILE = ".version"
"""Says of which version the agent is in a folder that was made of what was published (`parley.published.shelf`)."""
_FILES: dict[tuple[Path, str], Reread[Agent]] = {}
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_agent(folder: Path, name: str) -> Agent:
    """The agent `name`, as this process last read it. Raises NotFound (lists the known ones), Misconfigured (file,
    field, what is wrong, line)."""
    known = _FILES.get((folder, name))
    return known.good if known is not None and known.good is not None else agent_now(folder, name)


def problem_of(folder: Path, name: str) -> str:
    """What is wrong with the last edit of its `agent.yaml`, for which the last good one stays; empty: nothing."""
    known = _FILES.get((folder, name))
    return known.problem if known is not None else ""


def forget(folder: Path, name: str) -> None:
    """This folder of agents is no more."""
    _FILES.pop((folder, name), None)


def agent_now(folder: Path, name: str) -> Agent:
    """The agent `name`, read again when its files have changed; a broken edit is told in the log, and the last good
    one stays. Two stats, and some 10 ms of reading after an edit. Raises as `load_agent` does, if it never was good.
    """
    if (known := _FILES.get((folder, name))) is None:
        if name not in (names := known_agents(folder)):
            raise NotFound(f"there is no agent {name!r} in {folder}; known are {', '.join(names) or 'none'}")
        read = Reread(name, "settings", lambda: files_of(folder / name), lambda: _read(folder, name))
        known = _FILES.setdefault((folder, name), read)
    return known.now()


def _read(folder: Path, name: str) -> Agent:
    path = folder / name / "agent.yaml"
    try:
        source = path.read_bytes()
        data = yaml.load(source.decode(), _YAML)  # noqa: S506 - a safe loader, in C where there is one
    except (OSError, UnicodeDecodeError) as e:
        raise Misconfigured(f"{path}: cannot be read: {e}") from e
    except yaml.YAMLError as e:
        raise Misconfigured(f"{path}: {yaml_told(e)}") from e
    if not isinstance(data, dict):
        raise Misconfigured(f"{path}: expected a mapping at the top")
    version = _version(folder, name, source)
    try:
        return Agent.model_validate({**plain(data), "name": name, "version": version})
    except ValidationError as e:
        raise Misconfigured(f"{path}: {told(e, source.decode(), Agent)}") from None
    except ValueError as e:
        raise Misconfigured(f"{path}: {e}") from None


def _version(folder: Path, name: str, source: bytes) -> str:
    published = folder / VERSION_FILE
    if published.is_file():
        return published.read_text("utf-8")
    return f"{digest_of(source)}.{digest_of_tools(tool_sources(folder / name))}"


def files_of(home: Path) -> tuple[Path, ...]:
    """The files by which an agent's version is known, in its folder: `agent.yaml`, and what its tools are made of."""
    return home / "agent.yaml", *tool_files(home)


def tool_files(home: Path) -> tuple[Path, ...]:
    """`tools.py`, `tools.yaml`, whether they are there or not, and the descriptions of HTTP services beside them."""
    described = sorted(path for pattern in OPENAPI for path in home.glob(pattern))
    return home / "tools.py", home / "tools.yaml", *described


def tool_sources(home: Path) -> dict[str, bytes]:
    """What the tool files say, by name; without those that are not there. Raises Misconfigured."""
    try:
        return {path.name: path.read_bytes() for path in tool_files(home) if path.is_file()}
    except OSError as e:
        raise Misconfigured(f"{home}: a file of its tools cannot be read: {e}") from e


def digest_of_tools(sources: Mapping[str, bytes]) -> str:
    """What the tool files count for in an agent's version, as one. `tools.py` alone counts as it stands."""
    code = sources.get("tools.py", b"")
    others = [(name, source) for name, source in sorted(sources.items()) if name != "tools.py"]
    if not others:
        return digest_of(code)
    parts = [f"{name} {len(source)}\n".encode() + source for name, source in [("tools.py", code), *others]]
    return digest_of(b"".join(parts))


def digest_of(source: bytes) -> str:
    """What a file counts for in an agent's version. No file counts as an empty one."""
    return hashlib.sha256(source).hexdigest()[:8]


def with_tools(agent: Agent, digest: str) -> Agent:
    """The agent with the version it has with tools of this digest, which whoever runs the tools knows best. What was
    published is one piece."""
    if "." not in agent.version:
        return agent
    version = f"{agent.version.partition('.')[0]}.{digest}"
    return agent if version == agent.version else agent.model_copy(update={"version": version})
