"""The tts service: `python -m services.tts`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from parley.bus import Bus
from parley.bus.cancels import Cancels
from parley.bus.outages import shared
from parley.rpc import Server, run
from parley.settings import Settings
from parley.v1 import tts_pb2, tts_pb2_grpc
from services.tts.servicer import Servicer
from services.tts.synthesis import Synthesis


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    closing = AsyncExitStack()
    synthesis = Synthesis.of(settings)
    closing.push_async_callback(synthesis.aclose)
    await synthesis.warm()
    bus, cancels = Bus(settings, "tts"), Cancels()
    cancels.listen(bus)
    await closing.enter_async_context(bus)
    await closing.enter_async_context(shared(bus, settings, synthesis.breakers, settings.engines("tts")))
    servicer = Servicer(synthesis, server.admission, cancels)
    server.add(
        tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"], tts_pb2_grpc.add_TextToSpeechServicer_to_server, servicer
    )
    return closing.aclose


if __name__ == "__main__":
    run("tts", wire)
