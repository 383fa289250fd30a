"""`python -m services.rag`: what the company knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from parley.bus import Bus
from parley.bus.editions import Editions
from parley.bus.live import Live
from parley.bus.presence import present
from parley.embedding import Embedder
from parley.rpc import Server, run
from parley.settings import Settings
from parley.v1 import rag_pb2, rag_pb2_grpc
from services.rag.indexes import open_index
from services.rag.library import Library
from services.rag.servicer import KnowledgeServicer


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    closing = AsyncExitStack()
    try:
        await _wire(server, settings, closing)
    except BaseException:
        await closing.aclose()
        raise
    return closing.aclose


async def _wire(server: Server, settings: Settings, closing: AsyncExitStack) -> None:
    index = open_index(settings)
    bus = Bus(settings, "rag")
    editions = Editions.of_process(settings, bus)
    library = Library(editions, await asyncio.to_thread(Embedder.load, settings.embedding_dir), index)
    closing.push_async_callback(library.close)
    editions.prepare = library.prepare
    await closing.enter_async_context(bus)
    live = await closing.enter_async_context(Live(settings, bus, "rag").kept())
    await server.configured(live)
    await closing.enter_async_context(present(bus, live))
    await closing.enter_async_context(editions.kept())
    library.start()
    service = rag_pb2.DESCRIPTOR.services_by_name["Knowledge"]
    server.add(service, rag_pb2_grpc.add_KnowledgeServicer_to_server, KnowledgeServicer(library))


if __name__ == "__main__":
    run("rag", wire)
