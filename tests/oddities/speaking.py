"""A mouth whose voice is odd: the gateway's synthesis and the real tts service; only the vendor is scripted."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from parley.audio import TELEPHONE
from parley.audio.wire import to_wire
from parley.engines import Engine, load
from parley.engines.breaker import Breakers
from parley.errors import ParleyError
from parley.rpc import Admission, Peers, Server
from parley.settings import Settings
from parley.v1 import tts_pb2, tts_pb2_grpc
from services.gateway.mouth.track import Track
from services.gateway.voice.synthesis import Synthesis
from services.tts.servicer import Servicer
from services.tts.synthesis import Synthesis as Voices
from tests.oddities.elevenlabs_wire import lines, script
from tests.oddities.raw_socket import RawSocket, Script, SocketLine, raw_socket
from tests.oddities.rows import Row

PATIENCE_S = 20.0
"""An utterance that has not ended by then never will."""


@dataclass
class Uttered:
    """What came of one utterance. `heard`: its text as far as its words have sounded. `error`: "" when all was said."""

    line: SocketLine
    track: Track
    over: bool = False
    error: str = ""

    @property
    def heard(self) -> str:
        return self.track.text[: max((word.char_end for word in self.track.words), default=0)].strip()

    @property
    def ms(self) -> int:
        return int(self.track.size_ms)

    @property
    def streams(self) -> int:
        """Whatever the vendor was asked: sockets, and requests without one."""
        return self.line.connections + self.line.posts


class Speakers(tts_pb2_grpc.TextToSpeechServicer):
    """To each call its own tts service, so that no row opens another's breaker."""

    def __init__(self) -> None:
        self.of: dict[str, Servicer] = {}

    async def Synthesize(self, requests: Any, context: Any) -> AsyncIterator[tts_pb2.SynthesizeEvent]:
        stream = aiter(requests)
        first = await anext(stream)

        async def all_of_them() -> AsyncIterator[Any]:
            yield first
            async for request in stream:
                yield request

        async for event in self.of[first.config.call_id].Synthesize(all_of_them(), context):
            yield event


@dataclass
class Speaking:
    """Plays rows, each as one utterance of a call of its own, with one voice and nobody to stand in for it."""

    server: RawSocket
    speakers: Speakers
    peers: Peers
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def play(self, row: Row, sends: list[Any] | None = None) -> Uttered:
        """The row, or other items in the place of its first stream's."""
        scripts = [script(items) for items in (sends or row.sends, row.get("then", [])) if items]
        http = lines(row.get("http")) if row.get("http") is not None else None
        return await self.say(row.get("says"), scripts, row.get("refuses", 0), http)

    async def say(self, text: str, scripts: list[Script], refuses: int = 0, http: list[bytes] | None = None) -> Uttered:
        call_id = f"CA{next(self.numbers)}"
        line = SocketLine(scripts or [[]], lambda said: said == {"text": ""}, stays=False, refuses=refuses, http=http)
        self.server.lines[call_id] = line
        provider: Any = load("tts", "elevenlabs")
        engine = Engine(
            "elevenlabs",
            provider(Settings.read(ELEVENLABS_API_KEY="k", ELEVENLABS_BASE_URL=f"{self.server.url}/{call_id}")),
        )
        voices = Voices([engine], breakers=Breakers("tts").know(["elevenlabs"]))
        self.speakers.of[call_id] = Servicer(voices, Admission(50))
        uttered = Uttered(line, Track(TELEPHONE))
        uttered.track.text, uttered.track.text_complete = text, True
        config = tts_pb2.SynthesizeConfig(call_id=call_id, format=to_wire(TELEPHONE), language="en", speed=1.0)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await Synthesis(self.peers, config, uttered.track, lambda: None).run()
            uttered.over = True
        except TimeoutError:
            pass
        except ParleyError as e:
            uttered.over, uttered.error = True, e.code
        finally:
            await voices.aclose()
        return uttered


@asynccontextmanager
async def speaking() -> AsyncIterator[Speaking]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(raw_socket())
        speakers, organ = Speakers(), Server("tts", "127.0.0.1:0", Admission(400))
        named = tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"]
        organ.add(named, tts_pb2_grpc.add_TextToSpeechServicer_to_server, speakers)
        await organ.start()
        stack.push_async_callback(organ.drain, 0)
        peers = await stack.enter_async_context(Peers("tts", [f"127.0.0.1:{organ.port}"]))
        assert await peers.ready(PATIENCE_S)
        yield Speaking(server, speakers, peers)
