"""The tts service: `python -m services.tts`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from parley.bus import Bus
from parley.bus.cancels import Cancels
from parley.bus.engines import StageEngines
from parley.bus.live import Live
from parley.bus.presence import present
from parley.rpc import Server, run
from parley.settings import Settings
from parley.telemetry import TTS_TTFB
from parley.v1 import tts_pb2, tts_pb2_grpc
from services.tts.servicer import Servicer
from services.tts.synthesis import FAILURES, Speech, Synthesis


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    closing = AsyncExitStack()
    try:
        await _wire(server, settings, closing)
    except BaseException:
        await closing.aclose()
        raise
    return closing.aclose


async def _wire(server: Server, settings: Settings, closing: AsyncExitStack) -> None:
    bus, cancels = Bus(settings, "tts"), Cancels()
    cancels.listen(bus)
    await closing.enter_async_context(bus)
    engines = StageEngines(
        "tts",
        bus,
        lambda chosen, now: Synthesis(chosen, now.tts_stall_s, breakers=engines.breakers),
        TTS_TTFB,
        FAILURES,
        also=("PARLEY_TTS_STALL_S",),
        ready=True,
    )
    closing.push_async_callback(engines.aclose)
    live = await closing.enter_async_context(Live(settings, bus, "tts", opens=engines.variables).kept())
    await engines.begin(live)
    await server.configured(live)
    await closing.enter_async_context(present(bus, live, engines.state))
    servicer = Servicer(Speech(engines), server.admission, cancels)
    server.add(
        tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"], tts_pb2_grpc.add_TextToSpeechServicer_to_server, servicer
    )


if __name__ == "__main__":
    run("tts", wire)
