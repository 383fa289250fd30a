"""The stt service of one call: voice detection, recognition's account and endpointing are its own, run at once; the
recogniser is the vendor's stand-in, fed directly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from parley.audio import TELEPHONE, AudioFormat
from parley.audio.wire import to_wire
from parley.engines import Engine
from parley.v1 import stt_pb2
from services.stt import servicer, silero
from services.stt.contract import SpeechEvent
from services.stt.endpointing import policy
from services.stt.providers.deepgram import ENDPOINTING_MS, UTTERANCE_END_MS
from services.stt.providers.deepgram_results import Results
from services.stt.recognition import Recognition
from services.stt.silero import Rows
from services.stt.skipped import Skip
from services.stt.vad import Detector, Report, Track
from testbed.turns.virtual.time import VirtualTime
from testbed.vendors.deepgram.ear import Ear
from testbed.vendors.deepgram.nova import NovaQuery, NovaStream

INTERIM_MS = 250


@lru_cache(maxsize=1)
def _session() -> Any:
    return silero.load()


class AtOnce:
    """A detector whose model answers in the same breath."""

    def __init__(self) -> None:
        self._rows = Rows(_session(), TELEPHONE)

    def listen(self, audio: AudioFormat, offset_ms: int, report: Report) -> Track:
        return Track(cast(Detector, self), self._rows.new_lane(), audio, offset_ms, report)

    def enqueue(self, track: Track) -> None:
        for window in track.take():
            (probability,), (power,) = self._rows.run([track.lane], [window])
            track.told(probability, power)
        track.queued = False

    def leave(self, track: Track) -> None:
        """The rows die with the call."""


class VirtualEars:
    """`take` a request of the leg's ears; what is recognised goes to `tell`, until the ears are `dead`.

    `mute`: the recogniser says nothing more. `slow_ms`: the recogniser's words come so late.
    """

    def __init__(
        self,
        time: VirtualTime,
        tell: Callable[[stt_pb2.RecognizeEvent], None],
        slow_ms: float = 0.0,
        ear: Ear | None = None,
    ) -> None:
        self.dead = self.mute = False
        self._tell = tell
        self._time = time
        self._slow_ms = slow_ms
        self._ear = ear if ear is not None else Ear("mulaw", 8000)
        self._recognition: Recognition | None = None
        self._stream: NovaStream
        self._results = Results(0)

    def take(self, request: stt_pb2.RecognizeRequest, wish: stt_pb2.Endpointing) -> None:
        """`wish`: how to end turns; counts when this is the first request, and no config."""
        if self.dead:
            return
        if self._recognition is None:
            config = stt_pb2.RecognizeConfig(format=to_wire(TELEPHONE), endpointing=wish, turn=1)
            self._begin(request.config if request.HasField("config") else config)
        recognition = self._recognition
        assert recognition is not None
        match request.WhichOneof("request"):
            case "audio":
                recognition._hear(request.audio)
                self._stream.audio(request.audio)
            case "endpointing":
                changed = servicer._endpointing(request.endpointing)
                recognition._wish = changed
                recognition._tell(recognition._turns.configure(changed, policy(changed.policy)))
            case "end_of_turn":
                recognition._let_go()
        self._pass_on()

    def report(self, event: SpeechEvent, *, by_vendor: bool) -> None:
        """Something that nobody said: the vendor makes it up, or the service itself does."""
        assert self._recognition is not None
        if by_vendor:
            self._recognition._heard(event)
        else:
            self._recognition._tell([event])
        self._pass_on()

    def _begin(self, asked: stt_pb2.RecognizeConfig) -> None:
        config = servicer._config(asked)
        endpointing = config.endpointing
        detector = cast(Detector, AtOnce())
        engines = [Engine("stand-in", cast(Any, None))]
        self._recognition = Recognition(config, engines, detector)
        self._results = Results(config.offset_ms)
        self._recognition._clock = lambda: self._time.now
        self._recognition._audio_at = self._recognition._vendor_at = self._time.now
        self._recognition._feed.flush = self._flush  # type: ignore[method-assign]
        query = NovaQuery(
            "mulaw", 8000, "nova-3", True, endpointing.min_delay_ms or ENDPOINTING_MS, UTTERANCE_END_MS, True, True
        )
        self._stream = NovaStream(query, self._ear, self._post, "virtual", INTERIM_MS, 0, 0)

    def _flush(self) -> None:
        self._time.after(2, self._finalize)

    def _finalize(self) -> None:
        self._stream.control({"type": "Finalize"})
        self._pass_on()

    def _post(self, message: dict[str, Any], delay_ms: float) -> None:
        self._time.after(2 + delay_ms + self._slow_ms, lambda: self._heard(message))

    def _heard(self, message: dict[str, Any]) -> None:
        if self.dead or self.mute:
            return
        assert self._recognition is not None
        try:
            told = self._results.read(message)
        except Skip:  # as its socket's reader does
            return
        for event in told:
            self._recognition._heard(event)
        self._pass_on()

    def _pass_on(self) -> None:
        assert self._recognition is not None
        if self._recognition._error is not None:
            raise self._recognition._error
        while self._recognition._out:
            self._tell(servicer._event(self._recognition._out.popleft()))
