"""The services around the gateway, played by the test: real gRPC on loopback, every answer scripted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count, groupby
from operator import itemgetter
from typing import Any

from parley.errors import NotBuilt
from parley.rpc import Admission, Server
from parley.text.words import unit_at
from parley.v1 import (
    conversation_pb2,
    conversation_pb2_grpc,
    stt_pb2,
    stt_pb2_grpc,
    tts_pb2,
    tts_pb2_grpc,
)
from testbed.patience import PATIENCE_S

CallCommand = conversation_pb2.CallCommand
WORD_MS = 100
FRAME_MS = 20


class Talk:
    """One stream to a scripted service: what came in, and what the test sends back."""

    _born = count()

    def __init__(self) -> None:
        self.number = next(self._born)
        self.received: list[Any] = []
        self.closed = False
        self._news = asyncio.Event()
        self._out: asyncio.Queue[Any] = asyncio.Queue()

    def send(self, *messages: Any) -> None:
        for message in messages:
            self._out.put_nowait(message)

    def fail(self, error: Exception) -> None:
        self._out.put_nowait(error)

    def end(self) -> None:
        self._out.put_nowait(None)

    async def until(self, holds: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
        """What `holds()` gives as soon as it is true; asked again at every message."""
        async with asyncio.timeout(timeout_s):
            while not (found := holds()):
                self._news.clear()
                await self._news.wait()
        return found

    async def converse(self, requests: Any) -> AsyncIterator[Any]:
        reader = asyncio.ensure_future(self._read(requests))
        try:
            while (message := await self._out.get()) is not None:
                if isinstance(message, Exception):
                    raise message
                yield message
        finally:
            self.closed = True
            self._news.set()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def note(self, message: Any) -> None:
        self.received.append(message)
        self._news.set()

    async def _read(self, requests: Any) -> None:
        async for message in requests:
            self.note(message)
        self.end()


class Owner(Talk):
    """A conversation the mind has taken."""

    @property
    def open(self) -> conversation_pb2.Open:
        first: conversation_pb2.CallEvent = self.received[0]
        return first.open

    def events(self, kind: str) -> list[conversation_pb2.CallEvent]:
        return [e for e in self.received if e.WhichOneof("event") == kind]

    async def next(self, kind: str, count: int = 1) -> conversation_pb2.CallEvent:
        """The `count`-th event of this kind."""
        await self.until(lambda: len(self.events(kind)) >= count)
        return self.events(kind)[count - 1]

    def command(self, turn: int = 0, ack: int = 0, **command: Any) -> None:
        self.send(CallCommand(epoch=self.open.epoch, turn=turn, ack_seq=ack, **command))

    def say(self, utterance: int, text: str, turn: int = 0, complete: bool = True, interruptible: bool = True) -> None:
        say = conversation_pb2.Say(
            utterance=utterance,
            kind=conversation_pb2.Say.KIND_ANSWER,
            interruptible=interruptible,
            text=text,
            complete=complete,
        )
        self.command(turn, say=say)


class Scripted:
    """What all scripted services share: their talks, and a way to wait for the next."""

    talk: type[Talk] = Talk

    def __init__(self) -> None:
        self.talks: list[Any] = []
        self.refuse: Exception | None = None
        self._news = asyncio.Event()

    async def call(self, number: int = 1) -> Any:
        """The `number`-th stream, as soon as something came on it."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.talks) < number:
                self._news.clear()
                await self._news.wait()
        talk = self.talks[number - 1]
        await talk.until(lambda: talk.received)
        return talk

    def begin(self) -> Any:
        if self.refuse is not None:
            raise self.refuse
        talk = self.talk()
        self.talks.append(talk)
        self._news.set()
        return talk


class Mind(Scripted, conversation_pb2_grpc.ConversationServicer):
    """Sends a session as soon as a call opens. `problem`: what is wrong with the last edit of an agent."""

    talk = Owner
    problem = ""

    async def LookAtEdit(self, request: Any, context: Any) -> conversation_pb2.LookAtEditResponse:
        if self.refuse is not None:
            raise self.refuse
        return conversation_pb2.LookAtEditResponse(problem=self.problem)

    async def Replay(self, request: Any, context: Any) -> conversation_pb2.ReplayResponse:
        raise NotBuilt("not here")

    async def Converse(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        owner = self.begin()
        first = asyncio.ensure_future(self._greet(owner))
        try:
            async for command in owner.converse(requests):
                yield command
        finally:
            first.cancel()

    async def _greet(self, owner: Owner) -> None:
        await owner.until(lambda: owner.received)
        session = conversation_pb2.Session(voice="amy", language="en", agent="frontdesk", agent_version="0123456789ab")
        owner.command(session=session)


class Recogniser(Scripted, stt_pb2_grpc.SpeechToTextServicer):
    async def Recognize(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        async for event in self.begin().converse(requests):
            yield event


def audio_of(talk: Talk) -> bytes:
    return b"".join(r.audio for r in talk.received)


class Voice(Scripted, tts_pb2_grpc.TextToSpeechServicer):
    """Every word sounds 100 ms: its bytes are the word's number in `words`, so a listener can tell them apart."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.break_after: int | None = None
        self.stalls = False
        self.quits: list[int] = []
        """The next streams end politely after so many words each."""
        self.untimed = False

    async def Synthesize(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        talk = self.begin()
        per_ms = 8
        text, said, at_ms = "", 0, 0
        left = self.quits.pop(0) if self.quits else None
        async for request in requests:
            talk.note(request)
            if request.HasField("config"):
                per_ms = 8 if request.config.format.sample_rate_hz == 8000 else 32
                continue
            text += request.text
            while not self.stalls and (unit := unit_at(text, said)) is not None:
                if left is not None and (left := left - 1) < 0:
                    return
                start, end = unit
                yield tts_pb2.SynthesizeEvent(audio=self._sound(text[start:end], start, end, at_ms, per_ms))
                said, at_ms = end, at_ms + WORD_MS
                if self.break_after is not None:
                    self.break_after -= 1
                    if not self.break_after:
                        self.break_after, self.refuse = None, self.then_refuses or self.refuse
                        raise self.broken
        if self.stalls:
            await asyncio.Event().wait()

    engine = ""
    broken: Exception = RuntimeError("broken")
    then_refuses: Exception | None = None
    """From the break on."""

    def _sound(self, word: str, start: int, end: int, at_ms: int, per_ms: int) -> tts_pb2.SynthesizedAudio:
        if word not in self.words:
            self.words.append(word)
        sound = bytes([1 + self.words.index(word)]) * (WORD_MS * per_ms)
        times = tts_pb2.SynthesizedAudio(data=sound, engine=self.engine)
        if not self.untimed:
            times.words.add(char_start=start, char_end=end, start_ms=at_ms, end_ms=at_ms + WORD_MS)
        return times

    def heard(self, played: bytes, per_ms: int = 8) -> list[tuple[str, int]]:
        """Which words sounded, and for how many ms each, in order."""
        runs: list[tuple[str, int]] = []
        place = 0
        while place < len(played):
            end = place
            while end < len(played) and played[end] == played[place]:
                end += 1
            if 0 < played[place] <= len(self.words):
                runs.append((self.words[played[place] - 1], (end - place) // per_ms))
            place = end
        return runs

    def whole_words(self, played: bytes) -> list[str]:
        """Which words sounded to their end.

        A clear takes its time to arrive. When a word begins meanwhile, the one before it is said again, as the gateway
        knows of no more: of that beginning less than a frame is heard, and the word before it counts once.
        """
        runs = [run for run in self.heard(played) if run[1] >= FRAME_MS]
        return [word for word, said in groupby(runs, itemgetter(0)) if sum(ms for _, ms in said) >= WORD_MS]


_SERVICES: dict[str, tuple[Any, Any]] = {
    "orchestrator": (
        conversation_pb2.DESCRIPTOR.services_by_name["Conversation"],
        conversation_pb2_grpc.add_ConversationServicer_to_server,
    ),
    "stt": (
        stt_pb2.DESCRIPTOR.services_by_name["SpeechToText"],
        stt_pb2_grpc.add_SpeechToTextServicer_to_server,
    ),
    "tts": (
        tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"],
        tts_pb2_grpc.add_TextToSpeechServicer_to_server,
    ),
}


@asynccontextmanager
async def serving(name: str, servicer: Any) -> AsyncIterator[tuple[str, Server]]:
    """The scripted service as a real server; gives its address."""
    service, adder = _SERVICES[name]
    server = Server(name, "127.0.0.1:0", Admission(1000))
    server.add(service, adder, servicer)
    await server.start()
    try:
        yield f"127.0.0.1:{server.port}", server
    finally:
        await server._grpc.stop(0)
