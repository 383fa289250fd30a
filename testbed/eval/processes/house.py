"""All services as processes of their own, for conversations that are held as users hold them.

The house is made for this and gone afterwards; what runs on the machine already is not touched. Time is real here, but
tools are told the conversation's `at`, and begin each call with the seeds only.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from parley.agents.conversations.conversation import Conversation
from parley.agents.files import load_agent
from parley.bus import Bus, records_of
from parley.engines import engines_of
from parley.errors import BadInput, Unavailable
from parley.rpc.local import LocalServer
from parley.settings import Settings
from parley.v1 import events_pb2
from runner.stack import Stack
from services.llm.wiring import wire as wire_llm
from services.orchestrator.run.prices import Prices, cost
from testbed.eval.course import Course, Exchange
from testbed.eval.home import began_at, check, settings_in
from testbed.eval.models import Model
from testbed.eval.processes.tools import pretend
from testbed.eval.recorded import recorded

RECORDS_S, BACK_S = 30.0, 60.0  # far longer than they take
MODULES = {"tools": "testbed.eval.processes.tools", "gateway": "testbed.eval.processes.gateway"}
_UNSET = (
    *("PARLEY_DATABASE_URL", "PARLEY_QDRANT_URL", "PARLEY_PUBLIC_URL", "PARLEY_NATS_URL"),
    *("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"),
)


class Processes:
    """Made by `processes`. One call at a time: `fresh` before it, `course` after it.

    Tools begin anew before a call of an agent whose tools have run since they last did: data are by agent.
    """

    def __init__(self, stack: Stack, settings: Settings, llm: LocalServer) -> None:
        self.stack = stack
        self.settings = settings
        self._llm = llm
        self._used: set[str] = set()  # agents whose data may not be new

    def model(self, agent: str) -> Model:
        """For those who judge."""
        return Model(self._llm, self.settings, agent)

    async def fresh(self, agent: str, conversation: Conversation) -> None:
        """It is when the conversation begins, and nothing has happened before. Raises BadInput (a language that is not
        the agent's), Unavailable."""
        if conversation.language not in ("", load_agent(self.settings.agents_dir, agent).language):
            raise BadInput("language: a call has its agent's; hold this conversation in text, in one process")
        pretend(self.settings.data_dir, began_at(conversation), conversation.time_zone)
        if agent in self._used:
            await self._restarted_tools()
            self._used.clear()
        self._used.add(agent)  # as long as it is not known otherwise

    async def course(
        self, agent: str, call_id: str, acts: Sequence[Exchange], at: Sequence[int], sound_s: float = 0.0
    ) -> Course:
        """What the records say of a call that is over. `sound_s`: how long it had sound, which costs."""
        found = recorded(await self._records(call_id), acts, at)
        if not found.course.ran:
            self._used.discard(agent)
        found.course.dollars = cost(
            Prices.of(self.settings), found.call, sound_s, load_agent(self.settings.agents_dir, agent)
        )
        return found.course

    async def _records(self, call_id: str) -> list[events_pb2.EventRecord]:
        """Once they are complete."""
        settings = Settings.read(**self.stack.plan.operator)
        until = time.monotonic() + RECORDS_S
        async with Bus(settings, "replay") as bus:
            await bus.ready(RECORDS_S)
            while True:
                records = [events_pb2.EventRecord.FromString(data) for data in await records_of(bus, call_id)]
                if records and records[-1].ended:
                    return records
                if time.monotonic() > until:
                    raise Unavailable(f"the records of call {call_id} were not complete within {RECORDS_S:.0f} s")
                await asyncio.sleep(0.2)

    async def _restarted_tools(self) -> None:
        (process,) = (each for each in self.stack.plan.processes if each.service == "tools")
        try:
            async with asyncio.timeout(BACK_S):
                for pid in self.stack.pids("tools"):  # none, when it has just died by itself
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                    await self.stack.restarted(process.name, pid, BACK_S)
                await _listens(process.env["PARLEY_LISTEN"])
        except TimeoutError as e:
            raise Unavailable(f"the tools service was not back within {BACK_S:.0f} s") from e


async def _listens(address: str) -> None:
    host, _, port = address.rpartition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return


@asynccontextmanager
async def processes(sources: Mapping[str, Path], env: Mapping[str, str] | None = None) -> AsyncIterator[Processes]:
    """All services for the agents in these folders, by name, on free ports. `env` comes on top of the environment.

    Raises Misconfigured, Unavailable.
    """
    for source in sources.values():
        check(source)
    with TemporaryDirectory(prefix="parley-eval-", ignore_cleanup_errors=True) as made:
        settings = settings_in(Path(made), sources, **(env or {}))
        pretend(settings.data_dir, datetime.now(UTC), "")
        own = {
            "PARLEY_AGENTS_DIR": str(settings.agents_dir),
            "PARLEY_AGENT": settings.agent,
            **dict.fromkeys(_UNSET, ""),
            "PARLEY_NATS_NODES": "1",
            "PARLEY_GATEWAY_PORT": "0",
            "PARLEY_GATEWAY_HOST": "127.0.0.1",
            "PARLEY_CALL_LINGER_S": "1",
        }
        stack = Stack(data_dir=settings.data_dir, env={**(env or {}), **own}, modules=MODULES)
        async with stack, _judges(settings) as llm:
            yield Processes(stack, settings, llm)


@asynccontextmanager
async def _judges(settings: Settings) -> AsyncIterator[LocalServer]:
    """The language model, where it is a vendor's."""
    llm = LocalServer("llm")
    close = await wire_llm(llm, settings) if engines_of("llm")[settings.engines("llm")[0]].vendor else None
    try:
        yield llm
    finally:
        if close is not None:
            await close()
