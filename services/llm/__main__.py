"""`python -m services.llm`: the language model service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from parley.rpc import Server, run
from parley.settings import Settings
from parley.v1 import llm_pb2, llm_pb2_grpc
from services.llm.chat import Chain
from services.llm.providers import KNOWN
from services.llm.servicer import LanguageModel


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    chain = Chain.from_settings(settings, KNOWN)
    chain.prepare()
    service = llm_pb2.DESCRIPTOR.services_by_name["LanguageModel"]
    server.add(service, llm_pb2_grpc.add_LanguageModelServicer_to_server, LanguageModel(chain, server.admission))
    return chain.aclose


if __name__ == "__main__":
    run("llm", wire)
