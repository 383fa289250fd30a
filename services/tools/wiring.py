"""The parts of the tools service, put together."""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog

from parley.bus import Bus
from parley.bus.cancels import Cancels
from parley.bus.editions import Editions
from parley.errors import NotFound, ParleyError
from parley.rpc import Server
from parley.settings import Settings
from parley.v1 import tools_pb2, tools_pb2_grpc
from services.tools.database import Database, open_database
from services.tools.executor import Executor
from services.tools.ledger import Ledger
from services.tools.presence import Presence
from services.tools.published import Prepared, PublishedToolboxes
from services.tools.records import AgentRecords, load_seeds
from services.tools.servicer import Servicer

log = structlog.get_logger()

LINGER_S = 10.0  # for tools with effects whose caller has gone, at a stop


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    """Open the ledger, read all agents' tools and data, serve. Raises Misconfigured, Unavailable."""
    database = await open_database(settings.database_url.get_secret_value(), settings.data_dir)
    bus, cancels = Bus(settings, "tools"), Cancels()
    cancels.listen(bus)
    editions = Editions.of_process(settings, bus)
    toolboxes = PublishedToolboxes(editions)
    editions.prepare = Prepared(toolboxes, database, editions)
    instance = f"{os.getpid()}-{secrets.token_hex(6)}"
    ledger, presence = Ledger(database, instance), Presence(database, instance)
    executor = Executor(toolboxes, ledger, presence, instance, lambda agent: AgentRecords(database, agent))

    connected = AsyncExitStack()

    async def close() -> None:
        await connected.aclose()
        await executor.close(min(LINGER_S, settings.drain_s))
        await database.close()

    try:
        await connected.enter_async_context(bus)
        await connected.enter_async_context(editions.kept())
        await _load_agents(database, toolboxes, editions, settings)
        await executor.start()
    except BaseException:
        await close()
        raise
    servicer = Servicer(toolboxes, executor, server.admission, cancels)
    server.add(tools_pb2.DESCRIPTOR.services_by_name["Tools"], tools_pb2_grpc.add_ToolsServicer_to_server, servicer)
    return close


async def _load_agents(
    database: Database, toolboxes: PublishedToolboxes, editions: Editions, settings: Settings
) -> None:
    """As new calls have them. One broken agent does not keep the others from being served, unless it is the one that
    answers the phone."""
    names = editions.names()
    if settings.agent not in names:
        known = ", ".join(names) or "none"
        raise NotFound(f"PARLEY_AGENT: no agent {settings.agent!r} in {settings.agents_dir}; known are {known}")
    for name in names:
        try:
            edition = editions.chosen(name)
            await toolboxes.have(name, edition.version)
            toolboxes.of(name, edition.version)
            await load_seeds(database, edition.root, name)
        except ParleyError as e:
            if name == settings.agent:
                raise
            log.error("agent left out", agent=name, error=str(e))
