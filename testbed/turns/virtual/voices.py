"""A voice that renders text at once, a little after it was asked: in place of the leg's streams to tts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from parley.v1 import conversation_pb2
from services.gateway.mouth.track import Word
from services.gateway.mouth.utterance import Utterance
from testbed.turns.virtual.time import VirtualTime
from testbed.vendors import mulaw
from testbed.vendors.wordcodec import render

FIRST_MS = 55
MORE_MS = 5


class VirtualVoices:
    """`advance` is called when sound has come."""

    def __init__(self, time: VirtualTime, advance: Callable[[], None]) -> None:
        self._time = time
        self._advance = advance
        self._asked: dict[int, tuple[int, bool]] = {}
        self._ready: dict[int, float] = {}
        self._hushed: set[int] = set()

    def session(self, session: conversation_pb2.Session) -> None:
        """One voice for all."""

    def prepare(self) -> None:
        """Nothing: it is always ready."""

    def begin(self, queue: Iterable[Utterance]) -> None:
        for utterance in queue:
            self.text_added(utterance)

    def text_added(self, utterance: Utterance) -> None:
        """The new words sound a little later, after those before them."""
        track, known = utterance.track, self._asked.get(utterance.id)
        if known is None and not track.text.strip():
            track.audio_complete = track.text_complete
            return
        if known == (len(track.text), track.text_complete):
            return
        begin = known[0] if known is not None else 0
        self._asked[utterance.id] = len(track.text), track.text_complete
        text, whole = track.text[begin:], track.text_complete
        at = self._time.now + (MORE_MS if known is not None else FIRST_MS) / 1000
        self._ready[utterance.id] = max(at, self._ready.get(utterance.id, 0.0))
        self._time.at(self._ready[utterance.id], lambda: self._sounds(utterance, text, begin, whole))

    def played(self, utterance: Utterance) -> None:
        """Nothing: there is always room."""

    def hush(self, utterance: Utterance) -> None:
        self._hushed.add(utterance.id)

    async def close(self) -> None:
        """Nothing is open."""

    def _sounds(self, utterance: Utterance, text: str, begin: int, whole: bool) -> None:
        if utterance.id in self._hushed:
            return
        track = utterance.track
        if text.strip():
            spoken, at = render(text), track.size_ms
            words = [
                Word(begin + w.begin, begin + w.end, round(at + w.start_ms), round(at + w.end_ms)) for w in spoken.words
            ]
            track.append(mulaw.from_pcm(spoken.pcm), words)
        track.audio_complete = track.audio_complete or whole
        self._advance()
