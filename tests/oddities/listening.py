"""Ears whose recogniser is odd: the gateway's ears and the real stt service; only the vendor's socket is scripted."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from parley.audio import TELEPHONE
from parley.engines import Engine, load
from parley.engines.breaker import Breakers
from parley.rpc import Admission, Peers, Server
from parley.settings import Settings
from parley.v1 import conversation_pb2, stt_pb2, stt_pb2_grpc
from services.gateway.ears.ears import Ears
from services.gateway.mouth.clock import now_ms
from services.stt.servicer import SpeechToText
from tests.oddities.deepgram_wire import CONNECTED, Wire
from tests.oddities.raw_socket import RawSocket, Script, SocketLine, raw_socket
from tests.oddities.rows import Row

FRAME_MS = 80
PATIENCE_S = 30.0
"""For what a row expects to be heard."""
SETTLE_S = 0.4
"""After that, for what should not come: more words, another connection."""


@dataclass
class Caught:
    """What the ears told of."""

    line: SocketLine
    finals: list[str] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def take(self, event: conversation_pb2.CallEvent) -> None:
        if event.HasField("trouble"):
            self.troubles.append(event.trouble.message)
        elif event.speech.HasField("final") and event.speech.final.text:
            self.finals.append(event.speech.final.text)
        elif event.speech.HasField("turn_ended"):
            ended = event.speech.turn_ended
            if ended.kind == stt_pb2.TurnEnded.KIND_CONFIRMED and ended.text:
                self.turns.append(ended.text)


class Recognisers(stt_pb2_grpc.SpeechToTextServicer):
    """To each call its own stt service, so that no row opens another's breaker."""

    def __init__(self) -> None:
        self.of: dict[str, SpeechToText] = {}

    async def Recognize(self, requests: Any, context: Any) -> AsyncIterator[stt_pb2.RecognizeEvent]:
        stream = aiter(requests)
        first = await anext(stream)

        async def all_of_them() -> AsyncIterator[Any]:
            yield first
            async for request in stream:
                yield request

        async for event in self.of[first.config.call_id].Recognize(all_of_them(), context):
            yield event


@dataclass
class Listening:
    """Plays rows, each as the ears of a call of its own. Silence is all they are given to hear."""

    server: RawSocket
    recognisers: Recognisers
    peers: Peers
    patience_s: float = PATIENCE_S
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def play(self, row: Row, sends: list[Any] | None = None) -> Caught:
        """The row, or other items in the place of its first connection's."""
        scripts: list[Script] = [Wire().steps(items) for items in (sends or row.sends, row.get("then", [])) if items]
        if row.vendor == "flux":
            scripts = [[CONNECTED, *script] for script in scripts if isinstance(script, list)]
        finals = row.get("finals", [])
        return await self.listen(row.vendor, scripts, finals, row.get("turns", []))

    async def listen(self, engine: str, scripts: list[Script], finals: list[str], turns: list[str]) -> Caught:
        call_id = f"CA{next(self.numbers)}"
        line = self.server.lines[call_id] = SocketLine(scripts, lambda said: isinstance(said, bytes))
        provider: Any = load("stt", engine)
        settings = Settings.read(DEEPGRAM_API_KEY="k", DEEPGRAM_BASE_URL=f"{self.server.url}/{call_id}")
        engines = [Engine(engine, provider(settings))]
        self.recognisers.of[call_id] = SpeechToText(Admission(50), engines, None, None, Breakers("stt"))
        caught = Caught(line)
        ears = Ears(TELEPHONE, self.peers, call_id, caught.take)
        ends = stt_pb2.Endpointing(policy="vendor" if engine == "flux" else "fixed")
        ears.session(conversation_pb2.Session(language="en", agent="desk", endpointing=ends))
        running = [asyncio.ensure_future(ears.run()), asyncio.ensure_future(self._feed(ears))]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.patience_s):
                    while not self._done(caught, finals, turns):  # noqa: ASYNC110 - a script tells nobody of its end
                        await asyncio.sleep(0.02)
            await asyncio.sleep(SETTLE_S)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return caught

    @staticmethod
    def _done(caught: Caught, finals: list[str], turns: list[str]) -> bool:
        said = caught.line.ended > 0 or caught.line.connections > len(caught.line.scripts)
        return said and len(caught.finals) >= len(finals) and len(caught.turns) >= len(turns)

    @staticmethod
    async def _feed(ears: Ears) -> None:
        while True:
            ears.feed(TELEPHONE.silence(FRAME_MS), now_ms())
            await asyncio.sleep(FRAME_MS / 1000)


@asynccontextmanager
async def listening() -> AsyncIterator[Listening]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(raw_socket())
        recognisers, organ = Recognisers(), Server("stt", "127.0.0.1:0", Admission(400))
        named = stt_pb2.DESCRIPTOR.services_by_name["SpeechToText"]
        organ.add(named, stt_pb2_grpc.add_SpeechToTextServicer_to_server, recognisers)
        await organ.start()
        stack.push_async_callback(organ.drain, 0)
        peers = await stack.enter_async_context(Peers("stt", [f"127.0.0.1:{organ.port}"]))
        assert await peers.ready(PATIENCE_S)
        yield Listening(server, recognisers, peers)
