"""`python -m services.rag`: what the company knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from parley.embedding import Embedder
from parley.rpc import Server, run
from parley.settings import Settings
from parley.v1 import rag_pb2, rag_pb2_grpc
from services.rag.indexes import open_index
from services.rag.library import Library
from services.rag.servicer import KnowledgeServicer


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    index = open_index(settings)
    library = Library(settings.agents_dir, await asyncio.to_thread(Embedder.load, settings.data_dir), index)
    library.start()
    service = rag_pb2.DESCRIPTOR.services_by_name["Knowledge"]
    server.add(service, rag_pb2_grpc.add_KnowledgeServicer_to_server, KnowledgeServicer(library))
    return library.close


if __name__ == "__main__":
    run("rag", wire)
