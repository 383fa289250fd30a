"""What the orchestrator is made of, put together from settings."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

import structlog

from parley.agents.agent import Agent
from parley.agents.files import load_agent
from parley.aio import background
from parley.bus import Bus, make_events_stream
from parley.bus.callstate import CallStore, make_bucket
from parley.bus.configuring import make_bucket as make_config
from parley.bus.editions import Editions
from parley.bus.live import Live as LiveSettings
from parley.bus.outages import make_bucket as make_outages
from parley.bus.presence import make_bucket as make_processes
from parley.bus.presence import present
from parley.bus.publishing import make_buckets as make_agents
from parley.bus.streams.dead_letters import make_dead_letter_streams
from parley.configuration.table import of_stage
from parley.errors import Misconfigured, Unavailable
from parley.rpc import Peers, Server
from parley.security.certificates import Certificates
from parley.settings import Settings, addresses
from parley.v1 import events_pb2
from services.orchestrator.own.calls import Calls
from services.orchestrator.own.sweeper import Sweeper
from services.orchestrator.run.figures import Figures
from services.orchestrator.run.means import Means
from services.orchestrator.run.organs import Organs
from services.orchestrator.run.prices import Prices
from services.orchestrator.run.rosters import Rosters
from services.orchestrator.watch.live import Live

log = structlog.get_logger()

TOOLS_S = 1.0  # at the start, for the tools to be known; calls do not wait for them
Close = Callable[[], Awaitable[None]]
CHANGED_LIVE = of_stage("stt") | of_stage("llm") | of_stage("tts") | {"PARLEY_CALL_LINGER_S", "PARLEY_WITHOUT_NATS"}
"""What calls cost follows from the engines."""


def read_agents(settings: Settings, editions: Editions) -> list[Agent]:
    """Read every agent before the first call, as most calls have it. A broken one is named in the log; the one calls go
    to must be whole. Gives the whole ones.

    Raises Misconfigured, NotFound, Unavailable.
    """
    whole = {}
    for name in {*editions.names(), settings.agent}:
        try:
            whole[name] = load_agent(editions.chosen(name).root, name)
        except (Misconfigured, Unavailable) as e:
            if name == settings.agent:
                raise
            log.error("agent left out", agent=name, error=str(e))
    return list(whole.values())


async def wired(
    settings: Settings, reach: Callable[[str, list[str]], Peers] | None = None, server: Server | None = None
) -> tuple[Calls, Close]:
    """The calls of this process, connected to the organs and to NATS; and what closes it all.

    `reach`: the replicas of an organ, by its name and addresses; over the network unless it is given. `server`: of the
    process, when it has one of its own.
    """
    stack = AsyncExitStack()
    try:
        reach = reach or partial(Peers, certificates=Certificates.of(settings))
        return await _wired(settings, stack, reach, server), stack.aclose
    except BaseException:
        await stack.aclose()
        raise


async def _wired(
    settings: Settings, stack: AsyncExitStack, reach: Callable[[str, list[str]], Peers], server: Server | None
) -> Calls:
    llm = await stack.enter_async_context(reach("llm", addresses(settings.llm_address)))
    tools = await stack.enter_async_context(reach("tools", addresses(settings.tools_address)))
    rag = await stack.enter_async_context(reach("rag", addresses(settings.rag_address)))
    bus = Bus(settings, "orchestrator")
    store = CallStore(bus)
    organs = Organs(llm, tools, rag)
    editions = Editions.of_process(settings, bus)
    rosters = Rosters(editions, organs)
    editions.prepare = rosters.prepare
    figures, told = Figures(editions.label), Live(bus.publish, Prices.of(settings))

    def means_of(now: Settings) -> Means:
        return Means(
            organs=organs,
            bus=bus,
            store=store,
            engine=now.engines("llm")[0],
            prices=Prices.of(now),
            linger_s=now.call_linger_s,
            refuse_without_nats=now.without_nats == "refuse",
            figures=figures,
            live=told,
        )

    means = means_of(settings)
    calls = Calls(means, rosters)
    sweeper = Sweeper(means, calls)

    async def take(now: Settings) -> None:
        calls.work_with(means_of(now))
        sweeper.work_with(means_of(now))
        told.price(Prices.of(now))

    async def signal(subject: str, data: bytes, headers: dict[str, str]) -> None:
        calls.signal(events_pb2.CallSignal.FromString(data))

    async def watch(subject: str, data: bytes, headers: dict[str, str]) -> None:
        calls.watch(events_pb2.CallWatch.FromString(data))

    bus.on_connect(lambda bus: make_streams(bus, settings))
    bus.subscribe("call.*.signal", signal)
    bus.subscribe("call.watch", watch)
    await stack.enter_async_context(bus)
    stack.push_async_callback(rosters.aclose)
    live = await stack.enter_async_context(LiveSettings(settings, bus, "orchestrator").kept())
    await live.part(CHANGED_LIVE, take, made=True)
    if server is not None:
        await server.configured(live)
        await stack.enter_async_context(present(bus, live))
    await stack.enter_async_context(editions.kept())
    await asyncio.wait({rosters.first(agent) for agent in read_agents(settings, editions)}, timeout=TOOLS_S)
    stack.push_async_callback(store.aclose)
    stack.push_async_callback(calls.aclose)
    await stack.enter_async_context(background(sweeper.run()))
    return calls


async def make_streams(bus: Bus, settings: Settings) -> None:
    """All that the house keeps in NATS; what is there stays as it is."""
    await make_bucket(bus, settings.nats_replicas)
    await make_events_stream(bus, settings.nats_replicas, settings.events_mb, settings.events_hours)
    await make_outages(bus, settings.nats_replicas)
    await make_agents(bus, settings.nats_replicas)
    await make_config(bus, settings.nats_replicas)
    await make_processes(bus, settings.nats_replicas)
    await make_dead_letter_streams(bus, settings.nats_replicas)
