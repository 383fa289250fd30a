"""The ears: the caller's frames go to stt as they came, and what was said comes back.

80 ms a message, 20 ms where the caller begins and where the turn may end. A stream that breaks is opened at
another replica and hears again, faster than real time, what is not final yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NoReturn

import structlog

from parley import telemetry
from parley.aio import background
from parley.audio import AudioFormat
from parley.audio.wire import to_wire
from parley.errors import BadInput, ParleyError, Unavailable
from parley.rpc import CallStream, Peers
from parley.rpc.reopened import Reopened, Rules
from parley.rpc.writer import Writer
from parley.v1 import call_pb2, conversation_pb2, stt_pb2, stt_pb2_grpc
from services.gateway.ears.backlog import Backlog
from services.gateway.ears.leg_clock import LegClock
from services.gateway.ears.level import Level
from services.gateway.ears.report import Report
from services.gateway.metrics import DROPPED_AUDIO_MS, EARS_QUEUE, TROUBLES

log = structlog.get_logger()

CALM_MS, EDGE_MS = 80, 20
ONSET_AFTER_MS, ONSET_LASTS_MS = 250, 400
"""A rise after so long a quiet is the beginning of speech; a shorter one is the next syllable."""
END_FROM_MS, END_TO_MS = 100, 700
"""So long after a fall the turn may be over; before it, the gap between two words."""
MAX_OUTBOX = 250
"""Requests (about 15 s of audio) a replica may leave unread."""
REST_MS = 500
"""Silence after the button was let go, so that what is said at its next press does not touch what was said before."""

STREAMS = Rules(
    pauses_s=(0.0, 0.3, 1.6, 2.0, 2.0, 3.0, 5.0),  # whoever breaks them is asked each time
    give_up_s=6.0,  # then the caller is told, and may end the call
    lasting_s=2.0,  # nobody may speak for a long while: words prove a stream good, but so does its age
    at_most=((4, 4.0), (20, 60.0)),  # a few words in each do not make a storm of it
    persists=True,  # the ears may come back before the call is over
)

Request = stt_pb2.RecognizeRequest
Tell = Callable[[conversation_pb2.CallEvent], None]


class Ears:
    """Hears one leg. `feed` takes a frame and never waits; reports by `tell`: speech, trouble.

    Places in the sound are ms of what was fed; `clock` knows when that was.

    `refused` is asked first when no engine can hear what is wanted, such as a language: true, and there is no trouble.
    """

    def __init__(
        self,
        sound: AudioFormat,
        stt: Peers,
        call_id: str,
        tell: Tell,
        refused: Callable[[conversation_pb2.Session], bool] = lambda session: False,
    ) -> None:
        self._sound = sound
        self._call_id = call_id
        self._tell = tell
        self._refused = refused
        self.level = Level(sound)
        self.clock = LegClock()
        self._backlog = Backlog(sound)
        self._report = Report()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._edge_from = self._edge_until = self._fell_at = 0
        self._fed = 0
        self._session: conversation_pb2.Session | None = None
        self._known = asyncio.Event()
        self._streams = Reopened(
            "stt",
            lambda avoid: stt.open(stt_pb2_grpc.SpeechToTextStub, "Recognize", avoid=avoid),
            STREAMS,
            self._trouble,
            call_id=call_id,
        )
        self._wish = self._endpointing = stt_pb2.Endpointing()
        self._by_button = False
        self._writer: Writer | None = None
        self._opened = self._owes_end = False
        self._fullest = 0

    @property
    def fed_ms(self) -> int:
        """Place of the newest audio."""
        return self._fed // self._sound.bytes_per_ms

    @property
    def in_speech(self) -> bool:
        return self._report.in_speech

    @property
    def owes_words(self) -> bool:
        """Somebody speaks, or has spoken, and the end of their turn is not sure yet."""
        return self._report.waits(self.fed_ms)

    @property
    def open_turn(self) -> bool:
        """Something was said of which no turn was made yet."""
        return self._report.open_turn

    def feed(self, frame: bytes, now: float) -> None:
        """One frame from the caller, any length, at `now` (monotonic ms)."""
        self._take(frame)
        self.clock.fed(self.fed_ms, now)

    def _take(self, frame: bytes) -> None:
        self._fed += len(frame)
        self._pending.append(frame)
        self._pending_bytes += len(frame)
        per_ms = self._sound.bytes_per_ms
        if self.level.heard(frame):
            self._edge(per_ms)
        size = EDGE_MS if self._edge_from <= self._fed < self._edge_until else CALM_MS
        if self._pending_bytes >= size * per_ms:
            self._post_audio()

    def _edge(self, per_ms: int) -> None:
        """The level rose or fell: where do single frames matter?"""
        if self.level.voiced:
            onset = self._fed - self._fell_at >= ONSET_AFTER_MS * per_ms
            self._edge_from, self._edge_until = self._fed, self._fed + ONSET_LASTS_MS * per_ms * onset
        else:
            self._fell_at = self._fed
            self._edge_from, self._edge_until = self._fed + END_FROM_MS * per_ms, self._fed + END_TO_MS * per_ms

    def session(self, session: conversation_pb2.Session) -> None:
        """How to listen for this agent. A change of language or key terms needs a new stream."""
        before, self._session = self._session, session
        self._known.set()
        self.endpointing(session.endpointing)
        changed = before is not None and (
            before.language != session.language or list(before.keyterms) != list(session.keyterms)
        )
        if before != session:
            self._streams.otherwise()
        if changed and self._writer is not None:
            self._writer.stream.lose()

    def endpointing(self, endpointing: stt_pb2.Endpointing) -> None:
        """From now on a silence means this; also on every stream to come. While the button decides: nothing."""
        self._wish = endpointing
        if self._by_button:
            endpointing = _expecting(endpointing, call_pb2.EXPECT_BUTTON)
        if endpointing != self._endpointing:
            self._endpointing = endpointing
            self._post(Request(endpointing=endpointing))

    def expect(self, kind: int) -> None:
        """The bot's question asks for this kind of answer. Where callers speak by button it ends every answer."""
        if self._session is not None and self._session.endpointing.expect == call_pb2.EXPECT_BUTTON:
            kind = call_pb2.EXPECT_BUTTON
        self.endpointing(_expecting(self._wish, kind))

    def by_button(self, on: bool) -> None:
        """Only the button ends a turn; or again what `endpointing` and `expect` said last."""
        self._by_button = on
        self._owes_end = self._owes_end and on
        self.endpointing(self._wish)

    @property
    def button_only(self) -> bool:
        """The caller speaks by button or by keys: a voice alone means nothing."""
        return self._endpointing.expect == call_pb2.EXPECT_BUTTON

    def hurry(self) -> None:
        """Somebody may have begun to speak: the ears' word is waited for."""
        self._edge_from, self._edge_until = self._fed, self._fed + ONSET_LASTS_MS * self._sound.bytes_per_ms
        if self._pending:
            self._post_audio()

    def rest(self) -> None:
        """The microphone is closed for a while."""
        self._take(self._sound.silence(REST_MS))

    def end_of_turn(self) -> None:
        """The button was let go: what was said is the turn."""
        if self._pending:
            self._post_audio()
        self._owes_end = True
        self._post(Request(end_of_turn=stt_pb2.EndOfTurn()))

    def new_turn(self) -> None:
        """The button is pressed: an end of the turn before, if it is still owed, would now cut into this one."""
        self._owes_end = False

    async def run(self) -> NoReturn:
        """Listen until cancelled; streams come and go."""
        await self._known.wait()
        self._streams.moved()
        while True:
            async with self._streams.next(owed=lambda: self.owes_words) as stream:
                await self._listen(stream)
            for event in self._report.lost():
                self._heard(event)

    async def _listen(self, stream: CallStream) -> NoReturn:
        """One stream, to its end, which is never wanted here."""
        self._writer = Writer(stream, self._opening())
        try:
            async with background(self._writer.run()):
                async for event in stream:
                    if event.interim.text or event.final.text:  # edges are no proof: they need no recogniser
                        self._streams.proven()
                    self._heard(event)
            raise Unavailable("the ears' stream ended")
        finally:
            self._writer = None

    def _opening(self) -> list[Request]:
        """What a new stream is told first: how to listen, and what it must hear again. The rest follows."""
        report, session = self._report, self._session
        assert session is not None
        start_ms = max(self._backlog.start_ms, report.final_until_ms)
        replay = list(self._backlog.since(start_ms))
        report.replayed(self._backlog.end_ms if self._opened else 0)
        self._opened = True
        config = stt_pb2.RecognizeConfig(
            call_id=self._call_id,
            format=to_wire(self._sound),
            language=session.language,
            endpointing=self._endpointing,
            keyterms=session.keyterms[:100],
            offset_ms=start_ms,
            agent=session.agent,
            pauses=report.pauses,
            traceparent=telemetry.traceparent(),
            lead=self._backlog.lead,
            turn=report.turn,
            said=report.said,
        )
        requests = [Request(config=config), *(Request(audio=audio) for audio in replay)]
        if self._owes_end:
            requests.append(Request(end_of_turn=stt_pb2.EndOfTurn()))
        return requests

    def _heard(self, event: stt_pb2.RecognizeEvent) -> None:
        if not self._report.accept(event):
            return
        if event.HasField("final"):
            self._backlog.settle(self._report.final_until_ms)
        elif event.HasField("turn_ended"):
            self._owes_end = self._owes_end and event.turn_ended.kind != stt_pb2.TurnEnded.KIND_CONFIRMED
        self._tell(conversation_pb2.CallEvent(speech=event))

    def again(self, offset_ms: int) -> bool:
        """This moment is being heard for the second time: it must move no reflex."""
        return self._report.again(offset_ms)

    def _post_audio(self) -> None:
        audio = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
        self._pending.clear()
        self._pending_bytes = 0
        before = self._backlog.dropped_ms
        self._backlog.put(audio, self._report.open_turn)
        if (dropped := self._backlog.dropped_ms - before) > 0:
            DROPPED_AUDIO_MS.inc(dropped)
        self._post(Request(audio=audio))

    def _post(self, request: Request) -> None:
        """Queue for the stream. Without one nothing is queued: the backlog will be heard by the next."""
        if self._writer is None:
            return
        self._writer.post(request)
        if len(self._writer) > self._fullest:
            self._fullest = len(self._writer)
            EARS_QUEUE.observe(self._fullest)
        if len(self._writer) > MAX_OUTBOX:
            # The replica does not read: leave it. What it missed is in the backlog.
            self._writer.stream.lose()

    def _trouble(self, error: ParleyError) -> None:
        if isinstance(error, BadInput) and self._session is not None and self._refused(self._session):
            log.warning("nobody can listen", call_id=self._call_id, error=str(error))
            return
        TROUBLES.labels("ears").inc()
        log.error("nobody listens", call_id=self._call_id, error=str(error))
        trouble = conversation_pb2.Trouble(organ=conversation_pb2.Trouble.ORGAN_EARS, message=str(error))
        self._tell(conversation_pb2.CallEvent(trouble=trouble))


def _expecting(endpointing: stt_pb2.Endpointing, kind: int) -> stt_pb2.Endpointing:
    changed = stt_pb2.Endpointing()
    changed.CopyFrom(endpointing)
    changed.expect = kind  # type: ignore[assignment]
    return changed
