"""The parts of the tools service, put together."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from secrets import token_hex

import structlog

from parley.bus import Bus
from parley.bus.cancels import Cancels
from parley.bus.editions import Editions
from parley.bus.forgetting import SUBJECT
from parley.bus.live import Live
from parley.bus.presence import present
from parley.errors import Misconfigured, NotFound, ParleyError
from parley.rpc import Server
from parley.secrets import Secrets
from parley.settings import Settings
from parley.v1 import tools_pb2, tools_pb2_grpc
from services.tools.database import open_database
from services.tools.execution.executor import Executor
from services.tools.execution.invoker import Clock, local_now
from services.tools.execution.ledger import Ledger
from services.tools.execution.presence import Presence
from services.tools.forgetting import Forgetting
from services.tools.mcp.hub import Hub
from services.tools.published import Prepared, PublishedToolboxes
from services.tools.records.agent_records import AgentRecords
from services.tools.records.arrivals import Arrivals
from services.tools.records.seeds import load_seeds
from services.tools.records.store import RecordStore
from services.tools.servicer import Servicer
from services.tools.vault.vault import Vault

log = structlog.get_logger()

LINGER_S = 10.0  # for tools with effects whose caller has gone, at a stop


async def wire(
    server: Server, settings: Settings, now: Clock = local_now, hub: Hub | None = None
) -> Callable[[], Awaitable[None]]:
    """Open the ledger, read all agents' tools and data, serve. `now`: what tools are told. `hub`: the servers of tools,
    if they are somebody else's, who closes it.

    Raises Misconfigured, Unavailable.
    """
    database = await open_database(settings.database_url.get_secret_value(), settings.data_dir)
    secrets = Secrets.of(settings)
    ours = Hub(secrets) if hub is None else None
    servers = ours or hub
    assert servers is not None
    bus, cancels = Bus(settings, "tools"), Cancels()
    cancels.listen(bus)
    editions = Editions.of_process(settings, bus)
    store = RecordStore(database)
    arrivals = Arrivals(store, editions.folder)
    toolboxes = PublishedToolboxes(editions, database, secrets, servers.tools_of, arrivals)
    editions.prepare = Prepared(toolboxes, store, editions)
    instance = f"{os.getpid()}-{token_hex(6)}"
    ledger, presence = Ledger(database, instance, settings.audit_days), Presence(database, instance)
    vault = Vault(database, settings.vault_key.get_secret_value())
    executor = Executor(
        toolboxes, ledger, presence, instance, lambda agent, intent: AgentRecords(store, agent, intent), now, vault
    )
    bus.answer(SUBJECT, Forgetting(database, executor, presence, instance).answer)

    connected = AsyncExitStack()

    async def close() -> None:
        await connected.aclose()
        await executor.close(min(LINGER_S, settings.drain_s))
        await arrivals.close()
        await toolboxes.close()
        if ours is not None:
            await ours.close()
        await database.close()

    try:
        await connected.enter_async_context(bus)
        await connected.enter_async_context(editions.kept())
        await _load_agents(store, toolboxes, editions, arrivals, settings)
        await executor.start()
        live = await connected.enter_async_context(Live(settings, bus, "tools").kept())
        await live.part(("PARLEY_AUDIT_DAYS",), ledger.take, made=True)
        await server.configured(live)
        await connected.enter_async_context(present(bus, live))
    except BaseException:
        await close()
        raise
    servicer = Servicer(toolboxes, executor, server.admission, cancels, servers.ready, vault)
    server.add(tools_pb2.DESCRIPTOR.services_by_name["Tools"], tools_pb2_grpc.add_ToolsServicer_to_server, servicer)
    return close


async def _load_agents(
    store: RecordStore, toolboxes: PublishedToolboxes, editions: Editions, arrivals: Arrivals, settings: Settings
) -> None:
    """As new calls have them. One broken agent does not keep the others from being served, unless it is the one that
    answers the phone. Data that others may have newer are left alone: where it is not known (yet) what is published, or
    its files are not here."""
    names = editions.names()
    if settings.agent not in names:
        known = ", ".join(names) or "none"
        raise NotFound(f"PARLEY_AGENT: no agent {settings.agent!r} in {settings.agents_dir}; known are {known}")
    for name in names:
        try:
            edition = editions.chosen(name)
            if edition.version:
                await toolboxes.have(name, edition.version)
            newest = editions.is_current(edition)
            await load_seeds(store, edition.root, toolboxes.of(name, edition.version).agent, only_new=not newest)
            if newest and not edition.version:
                arrivals.begun(name)
        except ParleyError as e:
            if name == settings.agent:
                raise
            log.error("agent left out", agent=name, error=str(e))
        _look_at_wrapper(toolboxes, name)


def _look_at_wrapper(toolboxes: PublishedToolboxes, name: str) -> None:
    """What is wrong in it is told now, and not when somebody calls; the agent does its work without a page."""
    try:
        toolboxes.wrapper(name)
    except Misconfigured as e:
        log.error("nothing can be shown", agent=name, error=str(e))
