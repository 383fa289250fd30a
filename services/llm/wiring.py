"""What the language model service is made of, put together from settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from parley.bus import Bus
from parley.bus.cancels import Cancels
from parley.bus.editions import Editions
from parley.bus.engines import StageEngines
from parley.bus.live import Live
from parley.bus.presence import present
from parley.rpc import Server
from parley.settings import Settings
from parley.telemetry import LLM_TTFT
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.llm.chat import FAILURES, Chain, Chains
from services.llm.servicer import LanguageModel
from services.llm.understanding.process import Process

if TYPE_CHECKING:
    from services.llm.local.understanding.understanding import Embeds
    from services.llm.routing import Routing


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    closing = AsyncExitStack()
    try:
        await _wire(server, settings, closing)
    except BaseException:
        await closing.aclose()
        raise
    return closing.aclose


async def _wire(server: Server, settings: Settings, closing: AsyncExitStack) -> None:
    bus, cancels = Bus(settings, "llm"), Cancels()
    cancels.listen(bus)
    await closing.enter_async_context(bus)
    engines = StageEngines(
        "llm",
        bus,
        lambda chosen, now: Chain.of_engines(chosen, engines.breakers, now.llm_first_token_s),
        LLM_TTFT,
        FAILURES,
        also=("PARLEY_LLM_FIRST_TOKEN_S", "PARLEY_LLM_STALL_S"),
    )
    closing.push_async_callback(engines.aclose)
    live = await closing.enter_async_context(Live(settings, bus, "llm", opens=engines.variables).kept())
    editions = Editions.of_process(settings, bus)
    editions.prepare = lambda edition: engines.newest.learn(edition.name, edition.version)
    routing: Routing | None = None

    async def take(now: Settings) -> None:
        await engines.take(now)
        reads = "local" in now.engines("llm") or routing is not None
        if reads and not editions.begun:  # they read the agents' files, where they are unpacked
            await closing.enter_async_context(editions.kept())

    if (routing := _routing(settings, engines)) is not None:
        closing.push_async_callback(routing.aclose)
    await live.part(engines.variables, take)
    await server.configured(live)
    await closing.enter_async_context(present(bus, live, engines.state))
    service = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
    understanding = None if routing is None else Process(settings)
    if understanding is not None:
        closing.push_async_callback(understanding.aclose)
    servicer = LanguageModel(Chains(engines), server.admission, cancels, routing, understanding)
    server.add(service, llm_pb2_grpc.add_LanguageModelServicer_to_server, servicer)


def _routing(settings: Settings, engines: StageEngines[Chain]) -> Routing | None:
    """None: what it needs is not installed, as where only vendors answer."""
    try:
        from services.llm.routing import Routing
    except ModuleNotFoundError:
        return None

    async def embeds() -> Embeds | None:
        """The local engine's, while calls have that."""
        ask: Callable[[], Awaitable[Embeds | None]] = getattr(engines.provider("local"), "embeds", routing.own)
        return await ask()

    routing = Routing(settings, embeds)
    return routing
