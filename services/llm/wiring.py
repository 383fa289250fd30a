"""What the language model service is made of, put together from settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, cast

from parley.bus import Bus
from parley.bus.cancels import Cancels
from parley.bus.editions import Editions
from parley.bus.outages import shared
from parley.rpc import Server
from parley.settings import Settings
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.llm.chat import Chain
from services.llm.servicer import LanguageModel

if TYPE_CHECKING:
    from services.llm.routing import Routing
    from services.llm.understanding.turns import Embeddings, Turns


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    closing = AsyncExitStack()
    chain = Chain.from_settings(settings)
    closing.push_async_callback(chain.aclose)
    bus, cancels = Bus(settings, "llm"), Cancels()
    cancels.listen(bus)
    await closing.enter_async_context(bus)
    if (routing := _routing(settings, chain)) is not None:
        closing.push_async_callback(routing.aclose)
    local = "local" in settings.engines("llm")
    if local or routing is not None:  # they read the agents' files, where they are unpacked
        editions = Editions.of_process(settings, bus)
        if local:
            editions.prepare = lambda edition: chain.learn(edition.name, edition.version)
        await closing.enter_async_context(editions.kept())
    await closing.enter_async_context(shared(bus, settings, chain.breakers, settings.engines("llm")))
    chain.prepare()
    service = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
    turns = None if routing is None else _turns(settings, routing)
    if turns is not None:
        closing.push_async_callback(turns.aclose)
    servicer = LanguageModel(chain, server.admission, cancels, routing, turns)
    server.add(service, llm_pb2_grpc.add_LanguageModelServicer_to_server, servicer)
    return closing.aclose


def _turns(settings: Settings, routing: Routing) -> Turns:
    """With the embedder that routing has, or loads."""
    from services.llm.understanding.turns import Turns

    return Turns(settings, cast("Callable[[], Awaitable[Embeddings | None]]", routing.embeds))


def _routing(settings: Settings, chain: Chain) -> Routing | None:
    """None: what it needs is not installed, as where only vendors answer."""
    try:
        from services.llm.routing import Routing
    except ModuleNotFoundError:
        return None
    return Routing(settings, getattr(chain.of("local"), "embeds", None))
