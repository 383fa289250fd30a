"""`python -m services.stt`: the ears."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from parley.bus import Bus
from parley.bus.editions import Editions
from parley.bus.engines import StageEngines
from parley.bus.live import Live
from parley.bus.presence import present
from parley.engines import Engine
from parley.rpc import Server, run
from parley.settings import Settings
from parley.telemetry import STT_LATENCY
from parley.v1 import stt_pb2, stt_pb2_grpc
from services.stt.providers import introduce
from services.stt.recognition import FALLBACKS, Recogniser
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


def _introduced(engines: Sequence[Engine[Recogniser]], settings: Settings) -> Sequence[Engine[Recogniser]]:
    introduce({engine.name: engine.provider for engine in engines})
    return engines


async def _wire(server: Server, settings: Settings, closing: AsyncExitStack) -> None:
    bus = await closing.enter_async_context(Bus(settings, "stt"))
    engines = StageEngines("stt", bus, _introduced, STT_LATENCY, FALLBACKS)
    closing.push_async_callback(engines.aclose)
    live = await closing.enter_async_context(Live(settings, bus, "stt", opens=engines.variables).kept())
    editions = Editions.of_process(settings, bus)

    async def take(now: Settings) -> None:
        await engines.take(now)
        if "local" in now.engines("stt") and not editions.begun:  # it alone reads the agents' files, as unpacked
            await closing.enter_async_context(editions.kept())

    await live.part(engines.variables, take)
    await server.configured(live)
    await closing.enter_async_context(present(bus, live, engines.state))
    detector = Detector() if settings.vad == "silero" else None
    if detector is not None:
        closing.push_async_callback(detector.aclose)
    service = stt_pb2.DESCRIPTOR.services_by_name["SpeechToText"]
    judge = TurnModel(Path(settings.turn_model)) if settings.turn_model else None
    if judge is not None:
        closing.push_async_callback(judge.aclose)
    servicer = SpeechToText(server.admission, engines, detector, judge, engines.breakers)
    server.add(service, stt_pb2_grpc.add_SpeechToTextServicer_to_server, servicer)
    server.on_drain(servicer.leave)


if __name__ == "__main__":
    run("stt", wire)
