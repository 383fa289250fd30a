"""`parley eval`: an agent's conversations held and judged, and a recorded call made into one."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import structlog
import typer

from parley.agents.conversation import Conversation
from parley.agents.conversation_files import FOLDER, conversations_of
from parley.agents.files import known_agents
from parley.engines import engines_of
from parley.errors import BadInput, NotFound, ParleyError
from parley.settings import Settings
from testbed.eval.home import check, home
from testbed.eval.pace import Pace
from testbed.eval.report import Session, as_json, as_junit, comparison, lines
from testbed.eval.trials import Trial, trials
from testbed.eval.versions import source_of

MAX_RUNS = 100


def eval(
    name: Annotated[str, typer.Argument(help="The agent.")],
    only: Annotated[list[str] | None, typer.Option(help="Conversations whose name has this; may be repeated.")] = None,
    runs: Annotated[int, typer.Option(min=1, max=MAX_RUNS, help="Hold each so often.")] = 1,
    at_least: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of its runs that must pass.")] = 1.0,
    against: Annotated[str, typer.Option(help="Another version: a folder, or a git revision.")] = "",
    show: Annotated[bool, typer.Option("--show", help="Print all transcripts.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML there.")] = None,
    json_: Annotated[Path | None, typer.Option("--json", help="Write everything there, as JSON.")] = None,
) -> None:
    """Hold an agent's conversations (agents/NAME/conversations/*.yaml) and see what came of them.

    Exit status: 0 all passed, 1 some failed, 2 wrong files or arguments, or some could not be held.
    """
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),  # a tool's traceback is worth reading
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        settings = Settings.read()
        folder = _folder(settings, name)
        chosen = _chosen(conversations_of(folder), only or [], folder)
        session = _held(settings, name, folder, list(chosen.values()), runs, at_least)
        for line in lines(session, show):
            print(line)
        before = _before(settings, name, folder, list(chosen.values()), runs, at_least, against)
        if before is not None:
            print()
            for line in comparison(session, before):
                print(line)
        _write(junit, as_junit(session))
        _write(json_, json.dumps(as_json(session, before), indent=2, ensure_ascii=False, default=str).encode() + b"\n")
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(session.status)


def _folder(settings: Settings, name: str) -> Path:
    if name not in (known := known_agents(settings.agents_dir)):
        raise NotFound(f"there is no agent {name!r} in {settings.agents_dir}; known are {', '.join(known) or 'none'}")
    return settings.agents_dir / name


def _chosen(known: Mapping[str, Conversation], only: list[str], folder: Path) -> Mapping[str, Conversation]:
    if not known:
        raise NotFound(f"{folder / FOLDER}: no conversations; write one, docs/eval.md says how")
    for wanted in only:
        if not any(wanted.casefold() in name.casefold() for name in known):
            raise BadInput(f"--only {wanted}: no conversation has this in its name; there are {', '.join(known)}")
    wanted_any = [text.casefold() for text in only] or [""]
    return {name: each for name, each in known.items() if any(text in name.casefold() for text in wanted_any)}


def _held(
    settings: Settings, name: str, folder: Path, conversations: list[Conversation], runs: int, at_least: float
) -> Session:
    """In text. Raises Misconfigured."""
    engine = settings.engines("llm")[0]
    vendor = engines_of("llm")[engine].vendor
    pace = Pace()

    async def hold() -> list[Trial]:
        async with home(name, folder, pace) as made:
            return await trials(made, conversations, runs)

    try:
        held = pace.run(hold())
    finally:
        pace.close()
    version = next((t.course.agent_version for t in held if t.course.agent_version), check(folder))
    return Session(name, version, engine, "text", vendor, held, at_least)


def _before(
    settings: Settings,
    name: str,
    folder: Path,
    conversations: list[Conversation],
    runs: int,
    at_least: float,
    against: str,
) -> Session | None:
    """The same conversations with the other version."""
    if not against:
        return None
    with source_of(folder, against) as source:
        return _held(settings, name, source, conversations, runs, at_least)


def _write(path: Path | None, data: bytes) -> None:
    if path is None:
        return
    try:
        path.write_bytes(data)
    except OSError as e:
        raise BadInput(f"{path}: {e.strerror}") from e
