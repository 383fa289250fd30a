"""`python -m services.llm`: the language model service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from parley.outages import shared
from parley.rpc import Server, run
from parley.settings import Settings
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.llm.chat import Chain
from services.llm.providers import KNOWN
from services.llm.servicer import LanguageModel


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    closing = AsyncExitStack()
    chain = Chain.from_settings(settings, KNOWN)
    closing.push_async_callback(chain.aclose)
    await closing.enter_async_context(shared(settings, chain.breakers, settings.engines("llm")))
    chain.prepare()
    service = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
    server.add(service, llm_pb2_grpc.add_LanguageModelServicer_to_server, LanguageModel(chain, server.admission))
    return closing.aclose


if __name__ == "__main__":
    run("llm", wire)
