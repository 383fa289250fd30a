"""`parley replay`: a recorded call through the same decisions again, or through those of another agent."""

from __future__ import annotations

import asyncio
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from cli.reach.operating import operator_settings
from cli.recorded.decisions import line_of, lines_of
from cli.recorded.records import Records, fetch, read
from cli.recorded.records import save as save_records
from parley.agents.agent import Agent
from parley.agents.files import known_agents, load_agent
from parley.errors import BadInput, Misconfigured, NotFound, ParleyError
from parley.published.shelf import Shelf
from parley.settings import Settings
from parley.v1 import events_pb2
from services.orchestrator.wire import codec
from services.orchestrator.wire import replay as folding
from services.orchestrator.wire.messages import policy_of

_SHOWN = 10  # differences; what follows the first ones is another call


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
        records = read(file) if file is not None else asyncio.run(fetch(settings, call_id))
        if save is not None:
            save_records(save, records)
        records = folding.valid(records)
        same = _told(records, show_text)
        if other:
            same = _otherwise(records, _agent(settings, other), show_text) and same
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(0 if same else 1)


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
