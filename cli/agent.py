"""`parley agent`: a new bot, what is wrong with one, a chat with one, its versions, and what an editor should know."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from cli.agents import conversations_schema
from cli.agents.check import check
from cli.agents.schema import FILE, WRAPPER_FILE, text_of
from cli.agents.versions import promote, publish, rollback, unpublish, versions
from cli.calling.chat import chat
from cli.reach.operating import operator_settings
from cli.recorded.records import fetch, read
from parley.agents.files import known_agents, load_agent
from parley.errors import BadInput, ParleyError
from parley.settings import Settings
from testbed.eval.recorded import recorded, script

Told = TypeVar("Told")

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
MOST = 40
_TEMPLATE = Path(__file__).parent / "agents" / "new"
_FILES = {
    "agent.yaml": "agent.yaml",
    "tools.py": "tools.txt",
    "wrapper.json": "wrapper.txt",
    "knowledge/about.md": "about.txt",
    "conversations/hours.yaml": "conversations.txt",
}

agent = typer.Typer(no_args_is_help=True, help="Make a bot, see whether it is right, and give it to calls.")


@agent.command("new")
def new_command(
    name: Annotated[str, typer.Argument(help="Its folder's name: small letters, digits, hyphens.")],
    company: Annotated[str, typer.Option(help="Whose bot it is; else its name.")] = "",
) -> None:
    """Write a small, whole bot into the agents' folder. Exit status 2: a wrong name, or it exists."""
    folder = _or_exit(lambda: new(Settings.read().agents_dir, name, company), 2)
    print(f"{folder}: talk to it with `make run` (no restart, if it runs) and ?agent={name} behind the page's address,")
    print(f"or `parley agent chat {name}`. After an edit: `parley agent check {name}`, `parley eval {name}`.")


@agent.command("check")
def check_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Which; none: all.")] = None,
) -> None:
    """Read a bot's files as the services do and say what is wrong, with file, field, line and remedy.

    Exit status: 0 all is well, 1 something is wrong, 2 there is no such bot.
    """
    folder = _or_exit(lambda: Settings.read().agents_dir, 2)
    known = known_agents(folder)
    if unknown := [name for name in names or [] if name not in known]:
        print(f"parley: there is no agent {unknown[0]!r} in {folder}; known are {', '.join(known)}", file=sys.stderr)
        raise typer.Exit(2)
    wrong = False
    for name in names or known:
        finding = check(folder, name)
        wrong = wrong or not finding.good
        print(f"{name}: {finding.summary}")
        for line in (*finding.errors, *finding.notes):
            print(f"  {line}")
    raise typer.Exit(1 if wrong else 0)


@agent.command("chat")
def chat_command(
    name: Annotated[str, typer.Argument(help="Who is to answer.")],
    gateway: Annotated[str, typer.Option(help="Address of the gateway; else the one of `make run`.")] = "",
    specialist: Annotated[str, typer.Option(help="The specialist that the chat begins with.")] = "",
) -> None:
    """Talk to it in text; the same as `parley chat --agent NAME`."""
    chat(gateway, name, specialist)


@agent.command("record")
def record_command(
    call_id: Annotated[str, typer.Argument(help="Id of the call, as in the log. Not with --file.")] = "",
    file: Annotated[Path | None, typer.Option(help="Records that `parley replay --save` wrote, not NATS.")] = None,
) -> None:
    """Print a recorded call as a conversation for `parley eval`. It holds personal data.

    Exit status 2: no such call, records missing, NATS away.
    """

    def made() -> str:
        settings = operator_settings()
        found = recorded(read(file) if file is not None else asyncio.run(fetch(settings, call_id)))
        return script(found, _language(settings.agents_dir, found.call.agent))

    print(_or_exit(made, 2), end="")


for command in (publish, versions, promote, rollback, unpublish):
    agent.command(command.__name__)(command)


@agent.command("schema")
def schema_command(
    wrapper: Annotated[bool, typer.Option("--wrapper", help="Of wrapper.json.")] = False,
) -> None:
    """Print the JSON Schema of agent.yaml, or of wrapper.json, for editors."""
    print(text_of(WRAPPER_FILE if wrapper else FILE), end="")


def _language(folder: Path, name: str) -> str:
    """Empty where there is no such bot here: then its calls' language is told."""
    try:
        return load_agent(folder, name).language
    except ParleyError:
        return ""


def new(folder: Path, name: str, company: str) -> Path:
    """The new bot's folder. Raises BadInput: a name that is none, or is taken."""
    if not re.fullmatch(NAME, name) or len(name) > MOST:
        raise BadInput(f"{name!r}: a name is small letters, digits and single hyphens, at most {MOST} of them")
    if (folder / name).exists():
        raise BadInput(f"{folder / name} exists; choose another name, or remove it")
    company = company.strip() or name.replace("-", " ").title()
    if not re.fullmatch(r"[\w .,&'-]{1,60}", company):
        raise BadInput(f"--company {company!r}: at most 60 letters, digits, spaces and . , & ' -")
    for file, source in _FILES.items():
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (_TEMPLATE / source).read_text("utf-8")
        path.write_text(text.replace("{company}", company).replace("{name}", name), "utf-8")
    for file in (FILE, WRAPPER_FILE):
        (folder / file).write_text(text_of(file), "utf-8")
    conversations = json.dumps(conversations_schema.schema(), indent=2) + "\n"
    (folder / conversations_schema.FILE).write_text(conversations, "utf-8")
    return folder / name


def _or_exit(act: Callable[[], Told], status: int) -> Told:
    try:
        return act()
    except ParleyError as error:
        print(f"parley: {error}", file=sys.stderr)
        raise typer.Exit(status) from None
