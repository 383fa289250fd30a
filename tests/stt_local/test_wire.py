"""What a worker of the local recogniser may say: what is of no use is skipped, and costs no other stream."""

from __future__ import annotations

import asyncio
import socket

import pytest

from parley.audio import TELEPHONE
from parley.errors import VendorLost
from parley.workers.wire import HEADER, MAX_PAYLOAD, Message, Unpacker
from parley.workers.worker import Worker
from services.stt.contract import Final, SpeechStarted, SttConfig, Word
from services.stt.local import worker
from services.stt.local.pool import Stream
from services.stt.local.wire import COUNT, Kind, pack_events, unpack_events
from testbed.patience import PATIENCE_S
from tests.stt.odd import skipped

HELLO = Final("hello", 0, 500, 0.9, (Word("hello", 0, 500, 0.9),))


class Served:
    """A worker's other end, and two streams of it."""

    def __init__(self) -> None:
        self.worker = Worker("local", 0, worker.main, Kind)
        self.worker._ours, self._theirs = socket.socketpair()
        self.worker._ours.setblocking(False)
        self.streams = [Stream(self.worker, n, TELEPHONE.bytes_per_ms) for n in (1, 2)]
        for stream in self.streams:
            self.worker.expect(stream)
        self.worker._closed = True  # nobody starts another
        self.serving = asyncio.ensure_future(self.worker._serve())

    def says(self, *messages: Message | bytes) -> None:
        for message in messages:
            self._theirs.sendall(message if isinstance(message, bytes) else message.pack())

    async def first(self, number: int) -> object:
        async with asyncio.timeout(PATIENCE_S):
            return await anext(aiter(self.streams[number - 1].events()))

    async def ends(self) -> None:
        self._theirs.close()
        async with asyncio.timeout(PATIENCE_S):
            await self.serving


@pytest.mark.parametrize(
    ("odd", "kind"),
    [
        (HEADER.pack(3, 77, 1) + b"abc", "unknown_type"),
        (Message(Kind.OPEN, 1, b"{}"), "unknown_type"),
        (Message(Kind.EVENTS, 1, b""), "half"),
        (Message(Kind.EVENTS, 1, b"not json"), "half"),
        (Message(Kind.EVENTS, 1, b"[5]"), "half"),
        (Message(Kind.EVENTS, 1, b'{"Final": {}}'), "half"),
        (Message(Kind.EVENTS, 1, b'[["Final", {"text": "x"}]]'), "half"),
        (Message(Kind.EVENTS, 1, b'[["Music", {}]]'), "half"),
        (Message(Kind.EVENTS, 1, b'[["Interim", {"text": "x", "mood": 1}]]'), "half"),
        (Message(Kind.TAKEN, 1, b"\x01"), "half"),
    ],
)
async def test_what_is_of_no_use_is_skipped_and_counted(odd: Message | bytes, kind: str) -> None:
    served, before = Served(), skipped("local").get(kind, 0)
    served.says(odd, Message(Kind.EVENTS, 1, pack_events([HELLO])), Message(Kind.EVENTS, 2, pack_events([HELLO])))
    assert await served.first(1) == HELLO
    assert await served.first(2) == HELLO
    assert skipped("local")[kind] == before + 1
    await served.ends()


async def test_what_is_for_nobody_is_not_even_read() -> None:
    served = Served()
    served.says(Message(Kind.EVENTS, 9, b"??"), Message(Kind.EVENTS, 1, pack_events([SpeechStarted(5)])))
    assert await served.first(1) == SpeechStarted(5)
    await served.ends()


async def test_a_size_beyond_all_bounds_loses_the_worker_and_all_its_streams_know() -> None:
    served = Served()
    served.says(HEADER.pack(MAX_PAYLOAD + 1, Kind.EVENTS, 1))
    for number in (1, 2):
        with pytest.raises(VendorLost, match="process died"):
            await served.first(number)
    await served.ends()


def test_both_ends_understand_each_other() -> None:
    unpacker = Unpacker(Kind)
    sent = [Message(Kind.EVENTS, 7, pack_events([HELLO])), Message(Kind.TAKEN, 7, COUNT.pack(160))]
    data = b"".join(message.pack() for message in sent)
    got = [message for byte in data for message in unpacker.push(bytes([byte]))]
    assert got == sent
    assert unpack_events(got[0].payload) == [HELLO]


async def test_a_worker_that_is_told_nonsense_serves_on(recogniser: object) -> None:
    """From the service's side: a stream that cannot be opened fails alone."""
    from services.stt.providers.local import Local
    from tests.stt_local.test_provider import playing, texts

    assert isinstance(recogniser, Local)
    assert await texts(recogniser.recognize(playing(b"\xff" * 160), SttConfig())) == []
    served = recogniser.pool.workers[0]
    pid = served.pid
    served.write(Message(Kind.OPEN, 4_000, b"not json"))
    served.write(Message(Kind.UNKNOWN, 4_000, b"x"))
    served.write(Message(Kind.FLUSH, 4_000))
    assert await texts(recogniser.recognize(playing(b"\xff" * 160), SttConfig())) == []
    assert served.pid == pid
