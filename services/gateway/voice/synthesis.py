"""One utterance's stream to tts: text goes in as it is thought of, sound comes back into the utterance's track.

A stream that breaks is opened elsewhere with the text that is not sound yet, from a word's start.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import structlog

from parley.aio import background
from parley.errors import (
    BadInput,
    Misconfigured,
    NoSound,
    NotAllowed,
    NotFound,
    ParleyError,
    Unavailable,
    VendorLost,
)
from parley.rpc import CallStream, Peers
from parley.v1 import tts_pb2
from parley.words import has_words, whole_until
from services.gateway.metrics import REOPENED
from services.gateway.mouth.track import Track, Word
from services.gateway.voice.prepared import Prepared, open_voice

log = structlog.get_logger()

STALL_S = 4.0
"""A voice that owes sound and gives none for so long has stalled."""
MAX_STREAMS = 20
"""An utterance that needs more streams than this cannot be spoken."""
PAUSES_S = (0.0, 0.0, 0.5, 2.0)
"""Before the next stream behind so many in a row that gave no sound, each a cost to a vendor. More are not tried."""
MAX_SOUNDLESS = 2
"""Nor one for which so many replicas found no voice with a sound for its words; waiting does not help."""
GIVE_UP_S = 8.0
"""Without a sound for so long, over all attempts, the utterance cannot be spoken."""
MAX_AHEAD_MS = 30_000
"""The stream is not read while this much sound waits to be played."""
_PIECE = 4_000
"""Characters of one message to tts."""
_HOPELESS = (BadInput, Misconfigured, NotAllowed, NotFound)


class Synthesis:
    """Turns `track.text` into `track` audio. `on_audio` is called after each piece; `run` raises when all is lost."""

    def __init__(
        self,
        peers: Peers,
        config: tts_pb2.SynthesizeConfig,
        track: Track,
        on_audio: Callable[[], None],
        prepared: Prepared | None = None,
    ) -> None:
        self._peers = peers
        self._config = tts_pb2.SynthesizeConfig()
        self._config.CopyFrom(config)
        self._track = track
        self._on_audio = on_audio
        self._prepared = prepared
        self._more_text = asyncio.Event()
        self._room = asyncio.Event()
        self._from = 0
        self._written = 0
        self._got_audio = False
        self._stalled = False
        self.unbroken = True
        """All of it came in one stream, so in one voice."""
        self._moved_at = self._quiet_since = 0.0

    def text_added(self) -> None:
        self._more_text.set()

    def made_room(self) -> None:
        """Audio was played: the stream may be read again."""
        self._room.set()

    async def run(self) -> None:
        """Until the whole text is sound. Raises ParleyError when every attempt failed or none can help."""
        avoid: list[str] = []
        failures = heard_of = streams = soundless = 0
        self._progress()
        while not self._said_all():
            stream: CallStream | None = None
            try:
                stream = await self._prepared.take() if self._prepared is not None else None
                stream = stream or await open_voice(self._peers, self._config, avoid)
                self._got_audio = False
                await self._converse(stream)
            except _HOPELESS:
                raise
            except ParleyError as error:
                self.unbroken = False
                said, self._from = self._from, self._track.cut_to_word()
                silent = self._from == said
                failures = failures + 1 if silent else 1
                heard_of = heard_of + (stream is not None) if silent else 1
                self._config.attempt = failures if silent else 0
                streams, soundless = streams + 1, soundless + isinstance(error, NoSound)
                hopeless = heard_of >= len(PAUSES_S) or soundless >= MAX_SOUNDLESS or streams >= MAX_STREAMS
                if hopeless or self._gives_up():
                    raise
                if stream is not None:
                    avoid = [*avoid[-3:], stream.peer.address]
                    REOPENED.labels("tts").inc()
                log.warning("voice broke off, going on elsewhere", error=str(error), attempt=failures)
                if stream is not None and heard_of > 1:
                    await asyncio.sleep(random.uniform(0.7, 1.3) * PAUSES_S[heard_of])  # noqa: S311
                elif failures > 1 or stream is None:
                    await asyncio.sleep(random.uniform(0.05, 0.15) * min(failures, 4))  # noqa: S311 - spreads re-opens
            finally:
                if stream is not None:
                    stream.cancel()
        self._track.audio_complete = True
        self._on_audio()

    def _gives_up(self) -> bool:
        return time.monotonic() - self._moved_at > GIVE_UP_S

    def _said_all(self) -> bool:
        """A voice that broke off after its last word needs no new stream for what makes no sound."""
        return self._track.text_complete and self._from > 0 and not has_words(self._track.text, self._from)

    async def _converse(self, stream: CallStream) -> None:
        base_ms, base_char = int(self._track.size_ms), self._from
        self._written = base_char
        self._quiet_since = time.monotonic()
        self._stalled = False
        async with background(self._write(stream), self._watch(stream)) as (writer, _):
            while (event := await stream.read()) is not None:
                words = [
                    Word(w.char_start + base_char, w.char_end + base_char, w.start_ms + base_ms, w.end_ms + base_ms)
                    for w in event.audio.words
                ]
                if event.audio.data:
                    self._got_audio = True
                    self._progress()
                self._track.append(event.audio.data, words)
                self._on_audio()
                while self._track.ahead_ms > MAX_AHEAD_MS:
                    self._room.clear()
                    await self._room.wait()
                    self._progress()
            if self._stalled:
                raise VendorLost("the voice has stalled")
            if writer.done() and not writer.cancelled() and (failed := writer.exception()) is not None:
                raise failed
            if not (self._track.text_complete and self._written >= len(self._track.text)):
                raise Unavailable("the voice ended before its text did")
            if self._track.lacks_sound(base_char, base_ms):
                raise NoSound("the voice ended before its words did")
        self._from = len(self._track.text)

    def _progress(self) -> None:
        self._moved_at = self._quiet_since = time.monotonic()

    async def _watch(self, stream: CallStream) -> None:
        """Ends a stream that owes sound and gives none. (A pending gRPC read cannot be timed out without ending it.)"""
        while True:
            await asyncio.sleep(STALL_S / 8)
            if not self._owes_sound() or self._track.ahead_ms > MAX_AHEAD_MS:
                self._progress()
            elif time.monotonic() - self._quiet_since > STALL_S:
                self._stalled = True
                stream.cancel()
                return

    def _owes_sound(self) -> bool:
        """Silence is a voice's right only when it has said all the text it was given."""
        track = self._track
        given = track.text[: self._written]
        if track.text_complete or not self._got_audio:
            return has_words(given, self._from)
        return bool(track.words) and has_words(given, track.words[-1].char_end)

    async def _write(self, stream: CallStream) -> None:
        while True:
            self._more_text.clear()
            while self._written < len(self._track.text):
                piece = _piece(self._track.text[self._written : self._written + _PIECE + 1])
                await stream.write(tts_pb2.SynthesizeRequest(text=piece))
                self._written += len(piece)
            if self._track.text_complete:
                await stream.done_writing()
                return
            await self._more_text.wait()


def _piece(text: str) -> str:
    """What is sent of it at once: all, or whole words."""
    return text if len(text) <= _PIECE else text[: whole_until(text, _PIECE) or _PIECE]
