"""`parley eval`: an agent's conversations held and judged, and a recorded call made into one."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import structlog
import typer

from cli.reach.operating import operator_settings
from cli.reach.published import published_folder
from parley.agents.conversations.conversation import Conversation
from parley.agents.conversations.files import FOLDER, conversations_of
from parley.agents.files import known_agents
from parley.engines import engines_of
from parley.errors import BadInput, NotFound, ParleyError
from parley.published.bundle import is_published
from parley.settings import Settings
from testbed.eval.home import check, home
from testbed.eval.pace import Pace
from testbed.eval.report import Session, as_json, as_junit, comparison, lines
from testbed.eval.trials import Trial, trials
from testbed.eval.versions import source_of

MAX_RUNS = 100
How = Literal["text", "processes", "voice"]


def eval(
    name: Annotated[str, typer.Argument(help="The agent.")],
    only: Annotated[list[str] | None, typer.Option(help="Conversations whose name has this; may be repeated.")] = None,
    runs: Annotated[int, typer.Option(min=1, max=MAX_RUNS, help="Hold each so often.")] = 1,
    at_least: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of its runs that must pass.")] = 1.0,
    against: Annotated[str, typer.Option(help="Another: a folder, a published version, a git revision.")] = "",
    processes: Annotated[
        bool, typer.Option("--processes", help="Typed at the chat of services of their own, through real processes.")
    ] = False,
    voice: Annotated[bool, typer.Option("--voice", help="As real calls with sound, on services of their own.")] = False,
    noise: Annotated[float | None, typer.Option(max=0.0, help="With --voice: white noise, in dBFS, as -45.")] = None,
    caller_voice: Annotated[str, typer.Option(help="With --voice: one of espeak-ng's, as en-us+klatt4.")] = "",
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
        plan = _Plan(
            settings,
            name,
            list(chosen.values()),
            runs,
            at_least,
            _how(processes, voice),
            _sound(voice, noise, caller_voice),
        )
        before = None
        with _against(name, folder, against) as other:
            session = _held(plan, folder)
            for line in lines(session, show):
                print(line)
            try:
                before = _held(plan, other) if other is not None else None
            finally:  # what was held is not lost where the other version cannot be
                _write(junit, as_junit(session))
                told = as_json(session, before)
                _write(json_, json.dumps(told, indent=2, ensure_ascii=False, default=str).encode() + b"\n")
        if before is not None:
            print()
            for line in comparison(session, before):
                print(line)
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(session.status)


def _folder(settings: Settings, name: str) -> Path:
    if name not in (known := known_agents(settings.agents_dir)):
        raise NotFound(f"there is no agent {name!r} in {settings.agents_dir}; known are {', '.join(known) or 'none'}")
    return settings.agents_dir / name


def _against(name: str, folder: Path, version: str) -> AbstractContextManager[Path | None]:
    """The folder of the agent as it was. Raises NotFound."""
    if not version:
        return nullcontext()
    return source_of(folder, version, lambda: asyncio.run(published_folder(operator_settings(), name, version)))


def _chosen(known: Mapping[str, Conversation], only: list[str], folder: Path) -> Mapping[str, Conversation]:
    if not known:
        raise NotFound(f"{folder / FOLDER}: no conversations; write one, docs/eval.md says how")
    for wanted in only:
        if not any(wanted.casefold() in name.casefold() for name in known):
            raise BadInput(f"--only {wanted}: no conversation has this in its name; there are {', '.join(known)}")
    wanted_any = [text.casefold() for text in only] or [""]
    return {name: each for name, each in known.items() if any(text in name.casefold() for text in wanted_any)}


@dataclass(frozen=True)
class _Sound:
    """Of a caller who speaks."""

    noise_db: float | None
    voice: str


@dataclass(frozen=True)
class _Plan:
    """What is to be held, and how; `sound`: of the voice."""

    settings: Settings
    name: str
    conversations: list[Conversation]
    runs: int
    at_least: float
    how: How
    sound: _Sound


def _how(processes: bool, voice: bool) -> How:
    if processes and voice:
        raise BadInput("--processes and --voice: choose one; --voice is held through real processes, too")
    return "processes" if processes else "voice" if voice else "text"


def _sound(voice: bool, noise: float | None, caller_voice: str) -> _Sound:
    if not voice and (noise is not None or caller_voice):
        raise BadInput("--noise and --caller-voice are for --voice: add it")
    return _Sound(noise, caller_voice)


def _held(plan: _Plan, folder: Path) -> Session:
    """Raises Misconfigured, Unavailable."""
    engine = plan.settings.engines("llm")[0]
    held = {"text": _in_text, "processes": _through_processes, "voice": _aloud}[plan.how](plan, folder)
    version = check(folder)
    if not is_published(version):
        version = next((t.course.agent_version for t in held if t.course.agent_version), version)
    return Session(plan.name, version, engine, plan.how, engines_of("llm")[engine].vendor, held, plan.at_least)


def _in_text(plan: _Plan, folder: Path) -> list[Trial]:
    pace = Pace()

    async def hold() -> list[Trial]:
        async with home(plan.name, folder, pace) as made:
            return await trials(made, plan.conversations, plan.runs)

    try:
        return pace.run(hold())
    finally:
        pace.close()


def _through_processes(plan: _Plan, folder: Path) -> list[Trial]:
    from testbed.eval.processes.chat_house import ChatHouse  # brings the processes, which text does without
    from testbed.eval.processes.house import processes

    async def hold() -> list[Trial]:
        async with processes({plan.name: folder}) as of:
            return await trials(ChatHouse(of, plan.name), plan.conversations, plan.runs, _tell)

    return asyncio.run(hold())


def _aloud(plan: _Plan, folder: Path) -> list[Trial]:
    from testbed.eval.processes.voice_house import voice_house  # brings sound and processes, which text does without

    async def hold() -> list[Trial]:
        async with voice_house(plan.name, folder, noise_db=plan.sound.noise_db, voice=plan.sound.voice) as made:
            return await trials(made, plan.conversations, plan.runs, _tell)

    return asyncio.run(hold())


def _tell(trial: Trial) -> None:
    """A call takes a while: what is over is told."""
    print(f"{'ok  ' if trial.passed else 'FAIL'}  {trial.conversation}", file=sys.stderr, flush=True)


def _write(path: Path | None, data: bytes) -> None:
    if path is None:
        return
    try:
        path.write_bytes(data)
    except OSError as e:
        raise BadInput(f"{path}: {e.strerror}") from e
