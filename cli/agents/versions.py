"""`parley agent publish`, `versions`, `promote`, `rollback`, `unpublish`: what new calls have, without a restart.

Exit status of all: 0 done, 1 not done (the bot's files are wrong, there is nothing to do it to, somebody else was
faster), 2 it cannot be told (no such bot, NATS away).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Annotated

import typer

from cli.agents.check import check
from cli.reach.operating import operator_bus, run_or_exit, who_asks
from parley.agents.files import known_agents, load_agent
from parley.bus import Bus, publishing
from parley.bus.publishing import AGENT
from parley.errors import AlreadyExists, BadInput, Misconfigured, NotFound, Unavailable
from parley.published.changes import of_versions
from parley.published.versions import MAX_NOTE, Version, Versions
from parley.settings import Settings

NOT_DONE = (BadInput, Misconfigured, AlreadyExists)
Name = Annotated[str, typer.Argument(help="Which agent.")]


def publish(
    name: Name,
    canary: Annotated[str, typer.Option(help="For so many of new calls only, as 10%.")] = "",
    note: Annotated[str, typer.Option(help="What is new, in a few words.")] = "",
) -> None:
    """Check a bot's folder and give it to new calls; those under way keep what they began with."""
    run_or_exit(lambda settings: _publish(settings, name, canary, note), NOT_DONE)


def versions(name: Annotated[str, typer.Argument(help="Which agent; none: all.")] = "") -> None:
    """Show what is published, and which calls have it."""
    found = run_or_exit(lambda settings: _read(settings, name), NOT_DONE)
    for each, table in found.items():
        print(each if table.current else f"{each}: calls have the folder, nothing is published")
        for line in lines_of(table):
            print(f"  {line}")


def promote(name: Name) -> None:
    """Give the canary to all new calls."""
    after = _changed(name, "agent.promoted", Versions.promote)
    print(f"{name}: all new calls have {after.current}")


def rollback(
    name: Name, version: Annotated[str, typer.Argument(help="To which; none: end the canary, or the one before.")] = ""
) -> None:
    """Give new calls what they had before, or a version that is named."""
    after = _changed(name, "agent.rolled_back", lambda now: now.rollback(version))
    print(f"{name}: all new calls have {after.current}")


def unpublish(name: Name) -> None:
    """Give new calls the agent's folder again. The versions stay; `rollback` brings the last one back."""
    _changed(name, "agent.unpublished", Versions.unpublish)
    print(f"{name}: new calls have the folder, as it lies on each machine; edits of it reach them at once")


def lines_of(table: Versions) -> list[str]:
    """The versions of an agent as a table, newest first."""
    if not table.versions:
        return []
    rows = [("version", "published", "new calls", "size", "note")]
    for version in table.versions:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(version.at))
        rows.append((version.id, at, _share(table, version), _size(version.size), version.note))
    widths = [max(len(row[n]) for row in rows) for n in range(4)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)).rstrip() for row in rows
    ]


def _share(table: Versions, version: Version) -> str:
    if version.id == table.canary:
        return f"{table.percent:g}% (canary)"
    if version.id == table.current:
        return f"{100 - table.percent if table.canary else 100:g}%"
    return "(before)" if version.id == table.previous else ""


def _size(size: int) -> str:
    return f"{size / 1024:.0f} KB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MB"


def percent_of(text: str) -> float | None:
    """`10%`, `10` or `0.5%`; empty: no canary. Raises BadInput."""
    if not text:
        return None
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = 0.0
    if not 0 < percent < 100:
        raise BadInput(f"--canary {text}: a share of new calls, as 10%; more than 0 and less than 100")
    return percent


async def _publish(settings: Settings, name: str, canary: str, note: str) -> None:
    percent = percent_of(canary)
    if len(note) > MAX_NOTE or not note.isprintable():
        raise BadInput(f"--note: at most {MAX_NOTE} printable characters, on one line")
    if name not in (known := known_agents(settings.agents_dir)):
        raise NotFound(f"there is no agent {name!r} in {settings.agents_dir}; known are {', '.join(known) or 'none'}")
    finding = check(settings.agents_dir, name)
    print(f"{name}: {finding.summary}")
    for line in (*finding.errors, *finding.notes):
        print(f"  {line}")
    if not finding.good:
        raise Misconfigured("nothing was published; mend this first")
    folder, language = settings.agents_dir / name, load_agent(settings.agents_dir, name).language
    async with operator_bus(settings) as bus:
        before, after = await publishing.publish(bus, name, folder, language, note, percent, who_asks())
        if before == after:
            print(f"{after.current} is what all calls have already; nothing has changed")
            return
        await _swept(bus, name, after)
    made = f"published {after.versions[0].id} ({_size(after.versions[0].size)})"
    if percent is not None:
        print(f"{made}: {percent:g}% of new calls have it in about a second, the others {after.current}")
        print(f"`parley agent promote {name}` gives it to all, `parley agent rollback {name}` ends it.")
    else:
        print(f"{made}: new calls have it in about a second, those under way keep theirs")
    if not before.current:
        print(f"From now on edits of {folder} reach no call before they are published too;")
        print(f"`parley agent unpublish {name}` gives calls the folder again.")


async def _swept(bus: Bus, name: str, after: Versions) -> None:
    try:
        await publishing.sweep(bus, name, after)
    except Unavailable as error:
        print(f"parley: note: {error}", file=sys.stderr)


async def _read(settings: Settings, name: str) -> dict[str, Versions]:
    async with operator_bus(settings) as bus:
        found = await publishing.published(bus)
    names = sorted({*found, *known_agents(settings.agents_dir)})
    if name and name not in names:
        raise NotFound(f"there is no agent {name!r}; known are {', '.join(names) or 'none'}")
    return {each: found.get(each, Versions()) for each in names if name in ("", each)}


def _changed(name: str, kind: str, step: Callable[[Versions], Versions]) -> Versions:
    async def change(settings: Settings) -> Versions:
        async with operator_bus(settings) as bus:
            known = await publishing.published(bus)
            if name not in known:
                raise NotFound(f"nothing is published of {name!r}; published are {', '.join(sorted(known)) or 'none'}")
            told = of_versions(who_asks(), kind, name)
            return (await publishing.change(bus, AGENT + name, Versions, step, told))[1]

    return run_or_exit(change, NOT_DONE)
