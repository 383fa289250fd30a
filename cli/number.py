"""`parley number`: which agent answers which of our numbers.

Exit status: 0 done, 1 not done (no number, no such agent), 2 it cannot be told (NATS away).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import yaml
from pydantic import ValidationError

from cli.reach.operating import operator_bus, run_or_exit, who_asks
from parley.agents.files import known_agents
from parley.bus import Bus, publishing
from parley.bus.publishing import NUMBERS, Conflict
from parley.errors import BadInput, NotFound
from parley.published.changes import of_number
from parley.published.hours import Hours
from parley.published.numbers import ALL, Numbers, checked
from parley.settings import Settings

NOT_DONE = (BadInput, NotFound, Conflict)
TRIES = 5
"""Others may change the table at the same time; each change is of its own number."""
Pattern = Annotated[str, typer.Argument(help="+15551234567, '+1555*', sip:desk@example.com, '*', page.")]

number = typer.Typer(no_args_is_help=True, help="Say which agent answers which of your numbers.")


@number.command("set")
def set_command(pattern: Pattern, name: Annotated[str, typer.Argument(help="Which agent answers.")]) -> None:
    """Have an agent answer a number. New calls reach it within about a second."""

    async def act(settings: Settings) -> None:
        wanted = checked(pattern)
        async with operator_bus(settings) as bus:
            names = await _names(bus, settings)
            if name not in names:
                raise NotFound(f"there is no agent {name!r}; known are {', '.join(names) or 'none'}")
            before, _ = await _changed(bus, wanted, lambda now: now.set(wanted, name))
        was = before.entries.get(wanted)
        print(f"{wanted} reaches {name}{f', no more {was}' if was not in (None, name) else ''}")

    run_or_exit(act, NOT_DONE)


@number.command("list")
def list_command() -> None:
    """Show the table. An exact number goes before the longest prefix, that before PARLEY_AGENT."""

    async def act(settings: Settings) -> None:
        async with operator_bus(settings) as bus:
            table, names = (await publishing.read(bus, NUMBERS, Numbers))[0], await _names(bus, settings)
        width = max([len(pattern) for pattern in table.entries] + [len("all others")])
        for pattern, name in sorted(table.entries.items()):
            gone = "" if name in names else f" (there is no such agent any more: {settings.agent} answers)"
            when = f", {_when(table.hours[pattern])}" if pattern in table.hours else ""
            print(f"{pattern.ljust(width)}  {name}{gone}{when}")
        if ALL not in table.entries:
            print(f"{'all others'.ljust(width)}  {settings.agent} (PARLEY_AGENT, as it is set here)")

    run_or_exit(act, NOT_DONE)


@number.command("hours")
def hours_command(
    pattern: Pattern,
    file: Annotated[str, typer.Argument(help="YAML: zone, week, holidays, outside; none: answered at all times.")] = "",
) -> None:
    """Say when a number is answered, and what happens outside of that (docs/operating.md)."""

    async def act(settings: Settings) -> None:
        hours = _hours(Path(file)) if file else None
        async with operator_bus(settings) as bus:
            names = await _names(bus, settings)
            if hours is not None and hours.outside.agent and hours.outside.agent not in names:
                raise NotFound(
                    f"outside.agent: there is no agent {hours.outside.agent!r}; known are {', '.join(names)}"
                )
            await _changed(bus, checked(pattern), lambda now: now.open_at(pattern, hours))
        print(f"{checked(pattern)} is answered {_when(hours)}")

    run_or_exit(act, NOT_DONE)


@number.command("remove")
def remove_command(pattern: Pattern) -> None:
    """Take a number out of the table: a prefix or PARLEY_AGENT then says who answers."""

    async def act(settings: Settings) -> None:
        wanted = checked(pattern)
        async with operator_bus(settings) as bus:
            _, after = await _changed(bus, wanted, lambda now: now.remove(wanted))
            names = await _names(bus, settings)
        name = after.agent_of(wanted.rstrip("*"))
        default = f"PARLEY_AGENT answers it now, {settings.agent} as it is set here"
        gone = "" if name in names or not name else f" (the table says {name}, and there is no such agent any more)"
        print(f"{wanted} is removed; {f'{name} answers it now' if name in names else default}{gone}")

    run_or_exit(act, NOT_DONE)


def _hours(file: Path) -> Hours:
    """Raises BadInput naming the field."""
    try:
        return Hours.model_validate(yaml.safe_load(file.read_text()))
    except (OSError, yaml.YAMLError) as e:
        raise BadInput(f"{file}: cannot be read: {e}") from None
    except ValidationError as e:
        raise BadInput(f"{file}: {'.'.join(map(str, e.errors()[0]['loc']))}: {e.errors()[0]['msg']}") from None


def _when(hours: Hours | None) -> str:
    if hours is None:
        return "at all times"
    now = datetime.now(UTC)
    opens = hours.opens_next(now)
    next_time = f", opens {opens:%A %H:%M}" if opens is not None else ""
    return f"by its hours ({hours.zone}): {'open' if hours.is_open(now) else 'closed'} now{next_time}"


async def _changed(bus: Bus, pattern: str, step: Callable[[Numbers], Numbers]) -> tuple[Numbers, Numbers]:
    told = of_number(who_asks(), pattern)
    for _ in range(TRIES - 1):
        try:
            return await publishing.change(bus, NUMBERS, Numbers, step, told)
        except Conflict:
            continue
    return await publishing.change(bus, NUMBERS, Numbers, step, told)


async def _names(bus: Bus, settings: Settings) -> list[str]:
    there = (name for name, versions in (await publishing.published(bus)).items() if versions.current)
    return sorted({*known_agents(settings.agents_dir), *there})
