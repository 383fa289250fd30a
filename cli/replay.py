"""`parley replay`: a recorded call through the same decisions again, or through those of another agent."""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import json_format

from cli.decisions import line_of, lines_of
from cli.operating import operator_bus, operator_settings
from parley.agents.agent import Agent
from parley.agents.files import known_agents, load_agent
from parley.agents.shelf import Shelf
from parley.bus import records_of
from parley.errors import BadInput, Misconfigured, NotFound, ParleyError
from parley.settings import Settings
from parley.v1 import events_pb2
from services.orchestrator.wire import codec
from services.orchestrator.wire import replay as folding
from services.orchestrator.wire.messages import policy_of

_SHOWN = 10  # differences; what follows the first ones is another call
Records = list[events_pb2.EventRecord]


def replay(
    call_id: Annotated[str, typer.Argument(help="Id of the call, as in the log. Not with --file.")] = "",
    file: Annotated[Path | None, typer.Option(help="Records saved with --save, instead of NATS.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the records there. They hold what was said.")] = None,
    other: Annotated[str, typer.Option("--with", help="Another agent: its folder, name or version.")] = "",
    show_text: Annotated[bool, typer.Option("--show-text", help="Print what was said: personal data.")] = False,
) -> None:
    """Fold a call's events through the same decisions and name the first difference.

    Exit status: 0 the same decisions, 1 others, 2 it cannot be told (no such call, records missing, NATS away).
    """
    try:
        settings = operator_settings()
        records = _read(file) if file is not None else asyncio.run(_fetch(settings, call_id))
        if save is not None:
            _save(save, records)
        records = folding.valid(records)
        same = _told(records, show_text)
        if other:
            same = _otherwise(records, _agent(settings, other), show_text) and same
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(0 if same else 1)


async def _fetch(settings: Settings, call_id: str) -> Records:
    if not call_id:
        raise BadInput("which call? Give its id, or --file")
    async with operator_bus(settings, " (or give --file)") as bus:
        found = await records_of(bus, call_id)
    if not found:
        raise NotFound(f"there are no records of call {call_id}; they are kept for a day")
    return [events_pb2.EventRecord.FromString(data) for data in found]


def _read(file: Path) -> Records:
    try:
        lines = file.read_text("utf-8").splitlines()
        return [json_format.Parse(line, events_pb2.EventRecord()) for line in lines if line]
    except (OSError, UnicodeDecodeError, json_format.ParseError) as e:
        raise BadInput(f"--file {file}: not records that --save wrote ({type(e).__name__})") from e


def _save(path: Path, records: Records) -> None:
    """One record a line, as JSON, for this user's eyes only."""
    text = "".join(json_format.MessageToJson(record, indent=None) + "\n" for record in records)
    try:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(text)
    except OSError as e:
        raise BadInput(f"--save {path}: {e.strerror}") from e


def _told(records: Records, show_text: bool) -> bool:
    """Say how the replay came out; gives whether it was the same."""
    result = folding.replayed(records)
    seen = f"{result.records} records, {result.inputs} inputs"
    if result.differs is not None:
        print(f"{seen}: other decisions, first in record {folding.name_of(result.differs)} ({result.why}). Its inputs:")
        for message in result.differs.inputs:
            print(f"  {line_of(_event(message), show_text)}")
        return False
    if not result.compared:
        raise BadInput(f"{seen}: none has a digest to compare with; they were recorded by an older version")
    for record in records:
        if record.anew:
            print(f"record {folding.name_of(record)} begins anew: its owner could not read what was stored")
    print(f"{seen}: the same decisions{'' if result.ended else '; the call has not ended'}")
    return True


def _event(message: events_pb2.StepInput) -> object:
    try:
        return codec.event_from_proto(message)
    except ValueError as e:
        return str(e)


def _otherwise(records: Records, agent: Agent, show_text: bool) -> bool:
    """Say what the other agent's policy would have done; gives whether it is all the same."""
    found = list(islice(folding.compared(records, policy_of(agent)), _SHOWN))
    if not found:
        print(f"agent {agent.name} {agent.version} decides the same")
        return True
    print(f"agent {agent.name} {agent.version} decides otherwise; after the first difference it is another call:")
    for each in found:
        print(f"{each.since_ms / 1000:9.3f} s  {folding.name_of(each.record)}  {line_of(each.event, show_text)}")
        for line in lines_of(each.recorded, each.other, show_text):
            print(f"{'':13}{line}")
    return False


def _agent(settings: Settings, wanted: str) -> Agent:
    """By folder, by name, or by version, of the folder or published. Raises NotFound, Misconfigured."""
    path, folder, shelf = Path(wanted), settings.agents_dir, Shelf(settings.data_dir)
    if (path / "agent.yaml").is_file():
        return load_agent(path.resolve().parent, path.resolve().name)
    agents: list[Agent] = []
    for name in known_agents(folder):
        try:
            agents.append(load_agent(folder, name))
        except Misconfigured:
            if name == wanted:
                raise
    for agent in agents:
        if wanted in (agent.name, agent.version):
            return agent
    for name in shelf.names(folder):
        if (root := shelf.find(name, wanted)) is not None:
            return load_agent(root, name)
    known = ", ".join(f"{agent.name} ({agent.version})" for agent in agents) or "none"
    raise NotFound(f"--with {wanted}: no folder with an agent.yaml, no agent in {folder}; known are {known}")
