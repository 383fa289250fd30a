"""A worker process: decoders, and the streams of up to 20 callers, each served a little at a time.

pocketsphinx holds the interpreter's lock while it decodes, so recognition must not share a process with the service.
"""

from __future__ import annotations

import select
import signal
import socket
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from parley.audio import AudioFormat
from parley.workers.wire import Message, Unpacker
from services.stt.contract import SpeechEvent, SttConfig
from services.stt.local.decoding import Channel, Decoders
from services.stt.local.hearing import Hearing
from services.stt.local.model import Model
from services.stt.local.wire import COUNT, Kind, pack_events

SLICE_MS = 60
MAX_MODELS = 4
_READ = 1 << 16


@dataclass
class _Stream:
    hearing: Hearing
    slice_bytes: int
    waiting: deque[Message] = field(default_factory=deque)


def serve(sock: socket.socket) -> None:
    """Serve until the other end closes. Ctrl-C is the service's to handle: it closes the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _Worker(sock).run()
    except (ConnectionError, BrokenPipeError):
        return


class _Worker:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._unpacker = Unpacker(Kind)
        self._streams: dict[int, _Stream] = {}
        self._models: OrderedDict[tuple[str, str], Decoders] = OrderedDict()

    def run(self) -> None:
        while True:
            busy = any(stream.waiting for stream in self._streams.values())
            if select.select([self._sock], [], [], 0 if busy else None)[0]:
                data = self._sock.recv(_READ)
                if not data:
                    return
                for message in self._unpacker.push(data):
                    self._receive(message)
            for number, stream in list(self._streams.items()):
                if stream.waiting:
                    self._step(number, stream)

    def _receive(self, message: Message) -> None:
        if message.kind is Kind.OPEN:
            self._open(message)
        elif message.kind is Kind.CLOSE:
            if stream := self._streams.pop(message.stream, None):
                stream.hearing.close()
        elif message.kind is not Kind.UNKNOWN and (stream := self._streams.get(message.stream)):
            stream.waiting.append(message)

    def _open(self, message: Message) -> None:
        try:
            fields = orjson.loads(message.payload)
            config = SttConfig(format=AudioFormat(**fields["format"]), offset_ms=fields["offset_ms"])
            hearing = Hearing(config, self._decoders(fields["lm"], fields["words"], config.format.rate))
        except Exception as error:
            self._fail(message.stream, error)
            return
        self._streams[message.stream] = _Stream(hearing, config.format.bytes_per_ms * SLICE_MS)

    def _step(self, number: int, stream: _Stream) -> None:
        """One message, or 60 ms of it: nobody's backlog makes the others wait."""
        message = stream.waiting.popleft()
        if len(message.payload) > stream.slice_bytes:
            stream.waiting.appendleft(Message(Kind.AUDIO, number, message.payload[stream.slice_bytes :]))
            message = Message(Kind.AUDIO, number, message.payload[: stream.slice_bytes])
        try:
            events = self._hear(stream.hearing, message)
        except Exception as error:
            del self._streams[number]
            self._fail(number, error)
            return
        if events:
            self._send(Message(Kind.EVENTS, number, pack_events(events)))
        if message.kind is Kind.AUDIO:
            self._send(Message(Kind.TAKEN, number, COUNT.pack(len(message.payload))))
        elif message.kind is Kind.END:
            self._send(Message(Kind.DONE, number))

    @staticmethod
    def _hear(hearing: Hearing, message: Message) -> list[SpeechEvent]:
        match message.kind:
            case Kind.AUDIO:
                return list(hearing.push(message.payload))
            case Kind.FLUSH:
                return list(hearing.flush())
            case _:
                return list(hearing.end())

    def _decoders(self, lm: str, words: str, rate: int) -> Decoders:
        """The decoders of a model; those of the model not used for longest go when there are more than four."""
        key = (lm, words)
        if key not in self._models:
            self._models[key] = Decoders(Model(Path(lm), Path(words)))
        self._models[key].give_new(telephone=Channel(rate).telephone)
        self._models.move_to_end(key)
        while len(self._models) > MAX_MODELS:
            self._models.popitem(last=False)
        return self._models[key]

    def _fail(self, number: int, error: Exception) -> None:
        self._send(Message(Kind.FAILED, number, f"{type(error).__name__}: {error}"[:500].encode()))

    def _send(self, message: Message) -> None:
        self._sock.sendall(message.pack())


def main(sock: Any) -> None:
    """Entry of the process: `sock` is one end of a socket pair."""
    with sock:
        serve(sock)
