"""`python -m services.orchestrator`"""

from __future__ import annotations

from parley.rpc import Server, run
from parley.settings import Settings
from parley.v1 import conversation_pb2, conversation_pb2_grpc
from services.orchestrator.servicer import Conversation
from services.orchestrator.wiring import Close, wired


async def wire(server: Server, settings: Settings) -> Close:
    calls, close = await wired(settings, server=server)
    server.add(
        conversation_pb2.DESCRIPTOR.services_by_name["Conversation"],
        conversation_pb2_grpc.add_ConversationServicer_to_server,
        Conversation(calls, server.admission),
    )
    server.on_drain(calls.leave)
    return close


if __name__ == "__main__":
    run("orchestrator", wire)
