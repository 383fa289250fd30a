"""The agents as a call that begins now has them: their files, and the tools that the tools service has for them.

Both are looked at when a call begins: a few stats, and nothing more unless the files have changed. Who begins right
after an edit waits a moment for it to be read. A call keeps what it began with.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from pathlib import Path

import structlog

from parley.agents.agent import Agent
from parley.agents.files import agent_now, files_of, load_agent, with_tools
from parley.aio import TaskSet
from parley.errors import ParleyError, Unavailable
from parley.reloading.rereading import Stamp, stamp_of
from parley.v1 import tools_pb2
from services.orchestrator.run.organs import Organs

log = structlog.get_logger()

EDIT_S = 0.3  # that a call waits for an edit; then it begins with what was there before
AGAIN_S = 1.0  # between two looks at tools that are not those of the files: their edit is broken, or not there yet
COMPLETED_BY = 60  # tries
STALE_S = 30.0  # the tools service may have other files than we do
PATIENT_S = 10.0  # that the tools service may be starting too, before that is worth a warning
PAUSES_S = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Listed:
    """What the tools service has for an agent. `digest`: of its tool files; empty: it does not tell. `incomplete`:
    servers elsewhere have not said yet what they can do. `problem`: what is wrong with the last edit.
    """

    tools: tuple[tools_pb2.ToolInfo, ...]
    digest: str
    at: float
    problem: str = ""
    incomplete: bool = False

    def of(self, agent: Agent) -> Agent:
        """The agent, as it is with these tools."""
        return with_tools(agent, self.digest) if self.digest else agent


class Roster:
    """One for all calls of the process that have this folder of agents. `version`: of a published one (`Rosters`)."""

    def __init__(self, folder: Path, organs: Organs, version: str = "") -> None:
        self._folder = folder
        self._version = version
        self._organs = organs
        self._listed: dict[str, Listed] = {}
        self._first: dict[str, asyncio.Task[Listed]] = {}
        self._stamps: dict[str, Stamp] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._completing: set[str] = set()
        self._tasks = TaskSet(lambda e: log.error("looking at an agent failed", exc_info=e))

    async def now(self, name: str) -> tuple[Agent, Listed | None]:
        """For a call that begins. None: its tools are not known yet, see `first`. Raises NotFound, Misconfigured."""
        agent = load_agent(self._folder, name)
        self.first(name)
        listed, stamp = self._listed.get(name), self._stamp(name)
        if stamp != self._stamps[name]:
            self._stamps[name] = stamp
            looking = self._look(name, after=self._looking.get(name))
            await asyncio.wait({looking}, timeout=EDIT_S)
        elif listed is not None and self._outdated(agent, listed) and name not in self._looking:
            self._look(name)
        agent, listed = load_agent(self._folder, name), self._listed.get(name)
        return (listed.of(agent) if listed is not None else agent), listed

    def first(self, name: str) -> asyncio.Task[Listed]:
        """The first list of the agent's tools, asked for as long as it takes. No call waits for it."""
        if name not in self._first:
            self._stamps[name] = self._stamp(name)
            self._first[name] = self._tasks.spawn(self._insist(name))
        return self._first[name]

    async def aclose(self) -> None:
        await self._tasks.close()

    def _stamp(self, name: str) -> Stamp:
        return stamp_of(files_of(self._folder / name))

    def _outdated(self, agent: Agent, listed: Listed) -> bool:
        age_s = asyncio.get_running_loop().time() - listed.at
        return age_s > STALE_S or (age_s > AGAIN_S and listed.of(agent).version != agent.version)

    def _look(self, name: str, after: asyncio.Task[None] | None = None) -> asyncio.Task[None]:
        looking = self._looking[name] = self._tasks.spawn(self._reread(name, after))
        return looking

    async def _reread(self, name: str, after: asyncio.Task[None] | None) -> None:
        """The files, off the loop, then the tools; where one of them fails the last good one stays."""
        if after is not None:
            await asyncio.wait({after})
        try:
            await asyncio.to_thread(agent_now, self._folder, name)
            self._listed[name] = await self._list(name)
        except ParleyError as e:
            log.warning("tools could not be listed again, the last list stays", agent=name, error=str(e))
        finally:
            if self._looking.get(name) is asyncio.current_task():
                del self._looking[name]

    async def _insist(self, name: str) -> Listed:
        began = asyncio.get_running_loop().time()
        for pause in itertools.chain(PAUSES_S, itertools.repeat(PAUSES_S[-1])):
            try:
                return await self.listed(name)
            except ParleyError as e:
                starting = e.retryable and asyncio.get_running_loop().time() - began < PATIENT_S
                tell = log.info if starting else log.warning
                tell("tools are not known yet, asked again", agent=name, error=str(e))
            await asyncio.sleep(pause)
        raise AssertionError

    async def listed(self, name: str) -> Listed:
        """The list of the agent's tools, asked for now if it is not known. Raises ParleyErrors."""
        if name not in self._listed:
            self._listed[name] = await self._list(name)
        return self._listed[name]

    async def _list(self, name: str) -> Listed:
        reply = await self._organs.list_tools(name, self._version)
        if self._version and reply.agent_version not in ("", self._version):
            raise Unavailable(f"the tools service has {reply.agent_version}, not {self._version}")
        digest = reply.agent_version.partition(".")[2]
        if reply.incomplete and name not in self._completing:
            self._completing.add(name)
            self._tasks.spawn(self._complete(name))
        at = asyncio.get_running_loop().time()
        return Listed(tuple(reply.tools), digest, at, reply.problem, reply.incomplete)

    async def _complete(self, name: str) -> None:
        """Ask again while servers of tools are starting; they are given up at some time by who starts them."""
        try:
            for _ in range(COMPLETED_BY):
                await asyncio.sleep(AGAIN_S)
                if name not in self._looking:
                    await asyncio.wait({self._look(name)})
                if (listed := self._listed.get(name)) is not None and not listed.incomplete:
                    return
        finally:
            self._completing.discard(name)
