"""The parts of the tools service, put together."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from secrets import token_hex

import structlog

from parley.agents.files import known_agents
from parley.bus import Bus
from parley.bus.cancels import Cancels
from parley.errors import NotFound, ParleyError
from parley.rpc import Server
from parley.secrets import Secrets
from parley.settings import Settings
from parley.v1 import tools_pb2, tools_pb2_grpc
from services.tools.database import Database, open_database
from services.tools.discovery import Toolboxes
from services.tools.executor import Executor
from services.tools.ledger import Ledger
from services.tools.mcp.hub import Hub
from services.tools.presence import Presence
from services.tools.records import AgentRecords, load_seeds
from services.tools.servicer import Servicer

log = structlog.get_logger()

LINGER_S = 10.0  # for tools with effects whose caller has gone, at a stop


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    """Open the ledger, read all agents' tools and data, serve. Raises Misconfigured, Unavailable."""
    database = await open_database(settings.database_url.get_secret_value(), settings.data_dir)
    secrets = Secrets.of(settings)
    hub = Hub(settings.agents_dir, secrets)
    toolboxes = Toolboxes(settings.agents_dir, secrets, hub.tools_of)
    instance = f"{os.getpid()}-{token_hex(6)}"
    ledger, presence = Ledger(database, instance), Presence(database, instance)
    executor = Executor(toolboxes, ledger, presence, instance, lambda agent: AgentRecords(database, agent))

    bus, cancels = Bus(settings, "tools"), Cancels()
    cancels.listen(bus)
    connected = AsyncExitStack()

    async def close() -> None:
        await connected.aclose()
        await executor.close(min(LINGER_S, settings.drain_s))
        await toolboxes.close()
        await hub.close()
        await database.close()

    try:
        await _load_agents(database, toolboxes, settings)
        await executor.start()
        await connected.enter_async_context(bus)
    except BaseException:
        await close()
        raise
    servicer = Servicer(toolboxes, executor, server.admission, cancels, hub.ready)
    server.add(tools_pb2.DESCRIPTOR.services_by_name["Tools"], tools_pb2_grpc.add_ToolsServicer_to_server, servicer)
    return close


async def _load_agents(database: Database, toolboxes: Toolboxes, settings: Settings) -> None:
    """One broken agent does not keep the others from being served, unless it is the one that answers the phone."""
    names = known_agents(settings.agents_dir)
    if settings.agent not in names:
        known = ", ".join(names) or "none"
        raise NotFound(f"PARLEY_AGENT: no agent {settings.agent!r} in {settings.agents_dir}; known are {known}")
    for name in names:
        try:
            toolboxes.tools(name)
            await load_seeds(database, settings.agents_dir, name)
        except ParleyError as e:
            if name == settings.agent:
                raise
            log.error("agent left out", agent=name, error=str(e))
