"""A voice opened before there is anything to say: the vendor's handshake happens while the model thinks."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from parley.aio import TaskSet
from parley.errors import ParleyError
from parley.rpc import CallStream, Peers
from parley.v1 import tts_pb2, tts_pb2_grpc
from services.gateway.voice.phrase_cache import key_of

KEPT_S = 8.0
"""An opened voice that is not used for so long is closed: vendors bill and count what is open."""


async def open_voice(peers: Peers, config: tts_pb2.SynthesizeConfig, avoid: Collection[str]) -> CallStream:
    """A `Synthesize` stream that knows its config and waits for text. Raises ParleyErrors."""
    stream = await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize", avoid=avoid)
    try:
        await stream.write(tts_pb2.SynthesizeRequest(config=config))
    except BaseException:
        stream.cancel()
        raise
    return stream


class WarmStream:
    """At most one voice in waiting."""

    def __init__(self, peers: Peers, tasks: TaskSet) -> None:
        self._peers = peers
        self._tasks = tasks
        self._opening: asyncio.Task[Any] | None = None
        self._config = tts_pb2.SynthesizeConfig()
        self._expiry: asyncio.TimerHandle | None = None

    def prepare(self, config: tts_pb2.SynthesizeConfig) -> None:
        """An answer is to be expected: open a voice for it, unless one waits already."""
        if self._opening is not None:
            return
        self._config = config
        self._opening = self._tasks.spawn(self._open(config))
        self._expiry = asyncio.get_running_loop().call_later(KEPT_S, self.drop)

    async def take(self, config: tts_pb2.SynthesizeConfig) -> CallStream | None:
        """The voice in waiting, if it is the one of `config`; None when there is none, or it could not be opened."""
        if key_of(config, "") != key_of(self._config, ""):  # the call was handed over meanwhile
            self.drop()
            return None
        return await self._taken()

    async def _taken(self) -> CallStream | None:
        opening, self._opening = self._opening, None
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if opening is None:
            return None
        stream: CallStream | None = await opening
        return stream

    def drop(self) -> None:
        """Nothing was said after all."""
        if self._opening is not None:
            self._tasks.spawn(self._discard())

    async def close(self) -> None:
        """Close the voice in waiting, if there is one."""
        await self._discard()

    async def _open(self, config: tts_pb2.SynthesizeConfig) -> CallStream | None:
        try:
            return await open_voice(self._peers, config, ())
        except ParleyError:
            return None

    async def _discard(self) -> None:
        stream = await self._taken()
        if stream is not None:
            stream.cancel()
