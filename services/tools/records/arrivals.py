"""The data of agents that come to the folder while the service runs: loaded once, as at its start."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from parley.agents.files import known_agents, load_agent
from parley.aio import TaskSet
from parley.errors import Misconfigured, ParleyError
from parley.reloading.rereading import Stamp, stamp_of
from services.tools.records.seeds import load_seeds
from services.tools.records.store import RecordStore

log = structlog.get_logger()

_AGENT = ""
"""In Stamps, for agent.yaml."""
Stamps = dict[str, Stamp | None]
"""By collection, by what an edit of its file is known."""


@dataclass(slots=True)
class _Seen:
    """Of one agent. `begun`: all its files were loaded, as at a start; `collections`: those that were there then, or
    came since; `stamps`: of the files as they last were looked at, `whole`: to be loaded all."""

    begun: bool = False
    collections: set[str] = field(default_factory=set)
    stamps: Stamps = field(default_factory=dict)
    whole: bool = True


class Arrivals:
    """Of the agents' folder. What could not be loaded is tried again when its files change."""

    def __init__(self, store: RecordStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._seen: dict[str, _Seen] = {}
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._tasks = TaskSet(lambda e: log.error("data not loaded", exc_info=e))

    def begun(self, agent: str) -> None:
        """The service has loaded the data of the folder's agent itself."""
        stamps = self._stamps(agent)
        self._seen[agent] = _Seen(True, stamps.keys() - {_AGENT}, stamps)

    async def look(self, agent: str, whole: bool = True) -> None:
        """Before anything is asked of an agent of the folder. A few stats when there is nothing new. What goes wrong
        is in the log: the agent's tools do what they can without the data. Not `whole`: nothing that is there is
        replaced, others may have it newer."""
        if agent not in self._seen and agent not in known_agents(self._folder):
            return
        seen = self._seen.setdefault(agent, _Seen())
        if seen.stamps == self._stamps(agent) and (seen.whole or not whole):
            return
        if (task := self._loading.get(agent)) is None:
            task = self._loading[agent] = self._tasks.spawn(self._load(agent, seen, whole))
            task.add_done_callback(lambda _: self._loading.pop(agent, None))
        await asyncio.shield(task)

    async def close(self) -> None:
        await self._tasks.close()

    async def _load(self, agent: str, seen: _Seen, whole: bool) -> None:
        stamps = self._stamps(agent)  # before reading: what is written meanwhile is seen next time
        new = stamps.keys() - seen.collections - {_AGENT}
        changed = {name for name in seen.collections if stamps.get(name) != seen.stamps.get(name)}
        if changed:
            seen.stamps |= {name: stamps.get(name) for name in changed}
            remedy = "restart the tools service, or use `parley agent publish`"
            log.warning("an edit of data is not taken yet", agent=agent, collections=sorted(changed), remedy=remedy)
        try:
            if new or not seen.begun:
                loaded = load_agent(self._folder, agent)
                await load_seeds(self._store, self._folder, loaded, only_new=seen.begun or not whole)
        except ParleyError as e:
            log.error("data not loaded", agent=agent, error=str(e))
            if isinstance(e, Misconfigured):
                seen.stamps, seen.whole = stamps, whole
            return
        seen.begun, seen.stamps, seen.whole = seen.begun or whole, stamps, whole
        if seen.begun:
            seen.collections |= new

    def _stamps(self, agent: str) -> Stamps:
        home = self._folder / agent
        stamps: Stamps = {path.stem: stamp_of([path]) for path in sorted((home / "data").glob("*.yaml"))}
        stamps[_AGENT] = stamp_of([home / "agent.yaml"])
        return stamps
