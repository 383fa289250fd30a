"""One utterance's stream to tts: text goes in as it is thought of, sound comes back into the utterance's track.

A stream that breaks is opened elsewhere with the text that is not sound yet, from a word's start.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from math import inf

from parley.aio import background
from parley.errors import NoSound, ParleyError, Unavailable, VendorLost
from parley.rpc import CallStream, Peers
from parley.rpc.reopened import Reopened, Rules
from parley.rpc.writer import Writer
from parley.text.words import has_words, whole_until
from parley.v1 import tts_pb2
from services.gateway.mouth.track import Track, Word
from services.gateway.voice.warm_stream import WarmStream, open_voice

STALL_S = 4.0
"""A voice that owes sound and gives none for so long has stalled."""
STREAMS = Rules(
    pauses_s=(0.0, 0.5, 2.0),  # each stream is a cost to a vendor,
    tries=4,  # so that more without a whole word are not tried,
    at_most=((20, inf),),  # nor more than these for one utterance
    give_up_s=8.0,  # without a sound; then its words are not said
    clock="told",  # a voice that owes sound is silent since its last, not since its loss
)
MAX_SOUNDLESS = 2
"""So many replicas found no voice with a sound for the words: waiting does not help."""
MAX_AHEAD_MS = 30_000
"""The stream is not read while this much sound waits to be played."""
_PIECE = 4_000
"""Characters of one message to tts."""


class Synthesis:
    """Turns `track.text` into `track` audio. `on_audio` is called after each piece; `run` raises when all is lost."""

    def __init__(
        self,
        peers: Peers,
        config: tts_pb2.SynthesizeConfig,
        track: Track,
        on_audio: Callable[[], None],
        prepared: WarmStream | None = None,
    ) -> None:
        self._peers = peers
        self._config = tts_pb2.SynthesizeConfig()
        self._config.CopyFrom(config)
        self._track = track
        self._on_audio = on_audio
        self._prepared = prepared
        self._streams = Reopened("tts", self._open, STREAMS, call_id=config.call_id, utterance=config.utterance)
        self._writer: Writer | None = None
        self._room = asyncio.Event()
        self._from = 0
        self._given = 0
        self._got_audio = False
        self.unbroken = True
        """All of it came in one stream, so in one voice."""
        self._quiet_since = 0.0

    def text_added(self) -> None:
        """All that is known is given to the stream, if there is one just now."""
        if self._writer is None:
            return
        while self._given < len(self._track.text):
            piece = _piece(self._track.text[self._given : self._given + _PIECE + 1])
            self._writer.post(tts_pb2.SynthesizeRequest(text=piece))
            self._given += len(piece)
        if self._track.text_complete:
            self._writer.end()

    def made_room(self) -> None:
        """Audio was played: the stream may be read again."""
        self._room.set()

    async def run(self) -> None:
        """Until the whole text is sound. Raises ParleyError when every attempt failed or none can help."""
        self._progress()
        soundless = 0
        while not self._said_all():
            async with self._streams.next() as stream:
                try:
                    await self._converse(stream)
                except ParleyError as error:
                    self._broke_off()
                    soundless += isinstance(error, NoSound)
                    raise
            if soundless >= MAX_SOUNDLESS:
                raise NoSound("no voice has a sound for these words")
        self._track.audio_complete = True
        self._on_audio()

    def _broke_off(self) -> None:
        """What has no sound yet is said by another, from a word's start. A whole word proves that one was good."""
        self.unbroken = False
        said, self._from = self._from, self._track.cut_to_word()
        if self._from > said:
            self._streams.proven()
            self._config.attempt = 0
        else:
            self._config.attempt += 1

    async def _open(self, avoid: Collection[str]) -> CallStream:
        waiting = await self._prepared.take(self._config) if self._prepared is not None else None
        return waiting or await open_voice(self._peers, self._config, avoid)

    def _said_all(self) -> bool:
        """A voice that broke off after its last word needs no new stream for what makes no sound."""
        return self._track.text_complete and self._from > 0 and not has_words(self._track.text, self._from)

    async def _converse(self, stream: CallStream) -> None:
        base_ms, base_char = int(self._track.size_ms), self._from
        self._given = base_char
        self._got_audio = False
        self._quiet_since = time.monotonic()
        self._writer = Writer(stream)
        self.text_added()
        async with background(self._watch(stream), self._writer.run()) as (_, writing):
            while (event := await stream.read()) is not None:
                words = [
                    Word(w.char_start + base_char, w.char_end + base_char, w.start_ms + base_ms, w.end_ms + base_ms)
                    for w in event.audio.words
                ]
                self._track.engine = event.audio.engine or self._track.engine
                if event.audio.data:
                    self._got_audio = True
                    self._progress()
                self._track.append(event.audio.data, words)
                self._on_audio()
                while self._track.ahead_ms > MAX_AHEAD_MS:
                    self._room.clear()
                    await self._room.wait()
                    self._progress()
            all_given = writing.done()
        if not all_given:
            raise Unavailable("the voice ended before its text did")
        if self._track.lacks_sound(base_char, base_ms):
            raise NoSound("the voice ended before its words did")
        self._from = len(self._track.text)

    def _progress(self) -> None:
        self._quiet_since = time.monotonic()
        self._streams.moved()

    async def _watch(self, stream: CallStream) -> None:
        """Ends a stream that owes sound and gives none. (A pending gRPC read cannot be timed out without ending it.)"""
        while True:
            await asyncio.sleep(STALL_S / 8)
            if not self._owes_sound() or self._track.ahead_ms > MAX_AHEAD_MS:
                self._progress()
            elif time.monotonic() - self._quiet_since > STALL_S:
                stream.cancel()
                raise VendorLost("the voice has stalled")

    def _owes_sound(self) -> bool:
        """Silence is a voice's right only when it has said all the text it was given."""
        track = self._track
        given = track.text[: self._given]
        if track.text_complete or not self._got_audio:
            return has_words(given, self._from)
        return bool(track.words) and has_words(given, track.words[-1].char_end)


def _piece(text: str) -> str:
    """What is sent of it at once: all, or whole words."""
    return text if len(text) <= _PIECE else text[: whole_until(text, _PIECE) or _PIECE]
