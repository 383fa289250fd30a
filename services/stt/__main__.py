"""`python -m services.stt`: the ears."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from parley.breaker import Breakers
from parley.bus import Bus
from parley.bus.editions import Editions
from parley.bus.outages import shared
from parley.engines import loaded
from parley.rpc import Server, run
from parley.settings import Settings
from parley.v1 import stt_pb2, stt_pb2_grpc
from services.stt.providers import introduce
from services.stt.servicer import SpeechToText
from services.stt.turn_model import TurnModel
from services.stt.vad import Detector


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    closing = AsyncExitStack()
    try:
        await _wire(server, settings, closing)
    except BaseException:
        await closing.aclose()
        raise
    return closing.aclose


async def _wire(server: Server, settings: Settings, closing: AsyncExitStack) -> None:
    bus = await closing.enter_async_context(Bus(settings, "stt"))
    if "local" in settings.engines("stt"):  # it alone reads the agents' files, where they are unpacked
        await closing.enter_async_context(Editions.of_process(settings, bus).kept())
    engines = loaded("stt", settings.engines("stt"), settings)
    introduce({engine.name: engine.provider for engine in engines})
    for engine in engines:
        closing.push_async_callback(engine.provider.aclose)
    detector = Detector() if settings.vad == "silero" else None
    if detector is not None:
        closing.push_async_callback(detector.aclose)
    service = stt_pb2.DESCRIPTOR.services_by_name["SpeechToText"]
    judge = TurnModel(Path(settings.turn_model)) if settings.turn_model else None
    if judge is not None:
        closing.push_async_callback(judge.aclose)
    breakers = Breakers("stt").know(engine.name for engine in engines)
    await closing.enter_async_context(shared(bus, settings, breakers, settings.engines("stt")))
    servicer = SpeechToText(server.admission, engines, detector, judge, breakers)
    server.add(service, stt_pb2_grpc.add_SpeechToTextServicer_to_server, servicer)
    server.on_drain(servicer.leave)


if __name__ == "__main__":
    run("stt", wire)
