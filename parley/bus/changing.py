"""A change of the live configuration, checked against the processes that are to take it; and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from parley.bus import configuring
from parley.bus.connection import Bus
from parley.bus.presence import ProcessState, processes
from parley.configuration.history import Configuration, Revision, undone_by
from parley.configuration.sealing import Seals
from parley.configuration.table import checked, known
from parley.errors import AlreadyExists, BadInput

REACH_S = 2.0
"""Within which a change reaches every process."""
_LOOK_S = 0.1


class Locked(BadInput):
    """The environment of a process sets it, and counts more."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that is stored, and the processes that use what it changed, as they told of themselves last."""

    revision: Revision
    processes: tuple[ProcessState, ...]

    @property
    def waiting(self) -> list[ProcessState]:
        """Who has not told that it has it."""
        return [each for each in self.processes if each.revision < self.revision.revision]

    @property
    def refused(self) -> dict[str, str]:
        """`<service>: <why>` by setting, of what this changed."""
        changed = self.revision.configuration.changed
        return {
            v: f"{each.service}: {why}" for each in self.processes for v, why in each.refused.items() if v in changed
        }


async def set_live(
    bus: Bus,
    changes: Mapping[str, str | None],
    seals: Seals,
    who: str,
    at: float,
    note: str = "",
    expected: int | None = None,
) -> Changed:
    """Store it, and wait for the processes. `expected`: the revision that was looked at.

    Raises BadInput, Locked, NotFound, Misconfigured (no key for a secret), Conflict, Unavailable.
    """
    check(changes, await processes(bus))

    def step(before: Configuration) -> Configuration:
        return before.set(changes, seals, who, at, note)

    return await _reached(bus, await configuring.change(bus, step, expected))


async def undo_live(bus: Bus, revision: int, who: str, at: float) -> Changed:
    """Take a change back; 0: the newest. Raises as `set_live`."""
    undone, before = undone_by(await configuring.history(bus), revision)
    changes = {variable: before.values.get(variable) for variable in undone.configuration.changed}
    check_locks(changes, await processes(bus))
    return await _reached(bus, await configuring.change(bus, lambda now: now.put_back(undone, before, who, at)))


def check(changes: Mapping[str, str | None], those: Sequence[ProcessState]) -> None:
    """Raises what is wrong with it, by what the processes tell."""
    for variable, text in changes.items():
        known(variable)
        if text is not None:
            checked(variable, text)
    check_locks(changes, those)
    agents = sorted({name for each in those for name in each.agents})
    agent = changes.get("PARLEY_AGENT")
    if agent is not None and agents and agent.strip() not in agents:
        raise BadInput(f"PARLEY_AGENT: there is no agent {agent[:40]!r}; known are {', '.join(agents)}")


def check_locks(changes: Mapping[str, str | None], those: Sequence[ProcessState]) -> None:
    """Raises Locked."""
    for variable, text in changes.items():
        owners = sorted({each.service for each in those if variable in each.locked})
        if owners and text is not None:
            raise Locked(
                f"{variable}: the environment of {', '.join(owners)} sets it, and counts more; take it out there and "
                "start anew, then it can be set here"
            )


async def _reached(bus: Bus, revision: Revision) -> Changed:
    """Once every process has it, or when the time is over."""
    loop = asyncio.get_running_loop()
    until, changed = loop.time() + REACH_S, set(revision.configuration.changed)
    while True:
        those = tuple(each for each in await processes(bus) if changed & {*each.settings})
        found = Changed(revision, those)
        if not found.waiting or loop.time() >= until:
            return found
        await asyncio.sleep(_LOOK_S)


Told = TypeVar("Told")


async def retried(change: Callable[[], Awaitable[Told]], tries: int = configuring.TRIES) -> Told:
    """Of a change that others may make at the same time, each of its own part. Raises Conflict after some tries."""
    for _ in range(tries - 1):
        with suppress(AlreadyExists):
            return await change()
    return await change()
