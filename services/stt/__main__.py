"""`python -m services.stt`: the ears."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from parley.providers import load
from parley.rpc import Server, run
from parley.settings import Settings
from parley.v1 import stt_pb2, stt_pb2_grpc
from services.stt.providers import KNOWN
from services.stt.recognition import Engine
from services.stt.servicer import SpeechToText
from services.stt.vad import Detector


async def wire(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    engines = [Engine(name, load(KNOWN, name, "PARLEY_STT")(settings)) for name in settings.engines("stt")]
    detector = Detector() if settings.vad == "silero" else None
    service = stt_pb2.DESCRIPTOR.services_by_name["SpeechToText"]
    adder = stt_pb2_grpc.add_SpeechToTextServicer_to_server
    server.add(service, adder, SpeechToText(server.admission, engines, detector))

    async def close() -> None:
        for engine in engines:
            await engine.provider.aclose()
        if detector is not None:
            await detector.aclose()

    return close


if __name__ == "__main__":
    run("stt", wire)
