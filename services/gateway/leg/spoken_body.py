"""The body of a leg with a voice: ears that stt gives, a mouth that tts gives, and the reflex between them."""

from __future__ import annotations

from parley.audio import AudioFormat
from parley.v1 import call_pb2, conversation_pb2, stt_pb2
from services.gateway.call import Call, Wire
from services.gateway.doors.flood import Flood
from services.gateway.ears.ears import Ears
from services.gateway.leg.body import Reports
from services.gateway.leg.button import Button
from services.gateway.metrics import STOP_TO_CLEAR
from services.gateway.mouth.clock import now_ms
from services.gateway.mouth.link_stall import LinkStall
from services.gateway.mouth.mouth import Mouth
from services.gateway.mouth.outlet import Outlet
from services.gateway.organs import Organs
from services.gateway.reflex.barge_in import BargeIn
from services.gateway.reflex.echo import Echo

CallEvent = conversation_pb2.CallEvent


class SpokenBody:
    """See `Body`."""

    def __init__(self, call: Call, wire: Wire, organs: Organs, reports: Reports, sound: AudioFormat) -> None:
        self._reports = reports
        self._flood = Flood(sound.bytes_per_ms, wire)
        self._steady = LinkStall() if call.channel == "phone" else None
        echo = Echo()
        self._wire = wire
        self._types = call.channel == "browser"
        self._deaf = ""
        self.ears = Ears(sound, organs.stt, call.call_id, self._heard, self._refused)
        outlet = Outlet(wire, sound, echo)
        ways = organs.tts, organs.clock, organs.rehearsal
        self.mouth = Mouth(outlet, sound, *ways, call.call_id, self._spoke, self._steady)
        self._barge_in = BargeIn(sound, self.ears, self.mouth, echo, organs.clock, reports.tell)
        self._button = Button(self.ears)
        self._sounding = 0
        self.returned = self.mouth.returned
        self.state = self.mouth.state
        self.run = self.ears.run

    @property
    def hearing(self) -> bool:
        return self.ears.owes_words

    # From the far end

    def audio(self, frame: bytes, now: float) -> None:
        self.ears.clock.begin(now)
        if self._steady is not None and self._steady.frame(now):
            self.mouth.back(now)
        if self._flood.passes(len(frame), now) and self._button.hears and not self._deaf:
            self.ears.feed(frame, now)
            self._barge_in.frame(len(frame), now)

    def typed(self) -> None:
        self.mouth.expect_answer()

    def button(self, pressed: bool) -> None:
        """Pressing silences the bot, letting go ends the turn."""
        self._barge_in.button(pressed)
        self._reports.tell(CallEvent(button=conversation_pb2.Button(pressed=pressed)))
        self._button.moved(pressed, now_ms())

    def push_to_talk(self, on: bool) -> None:
        self._button.decide(on)
        self._reports.tell(CallEvent(push_to_talk=conversation_pb2.PushToTalk(on=on)))

    # From the mind

    def take(self, command: conversation_pb2.CallCommand) -> bool:
        kind = command.WhichOneof("command")
        if kind == "say":
            turn = call_pb2.TurnRef(epoch=command.epoch, turn=command.turn)
            self.mouth.say(command.say, turn, command.traceparent)
            if command.say.utterance == self._sounding and command.say.expect:
                self.ears.expect(command.say.expect)
        elif kind == "stop":
            arrived, sounding = now_ms(), self.mouth.waiting
            self.mouth.stop(command.turn)
            if command.stop.expect:
                self.ears.expect(command.stop.expect)
            self._barge_in.stopped()
            if sounding:
                STOP_TO_CLEAR.observe(now_ms() - arrived)
        elif kind == "resume":
            self._barge_in.resumed()
        elif kind == "session":
            self._deaf = self._deaf if self._deaf == command.session.language else ""
            self.mouth.session(command.session)
            self.ears.session(command.session)
        else:
            return False
        return True

    async def close(self) -> None:
        self._barge_in.close()
        await self.mouth.close()

    # From ears and mouth

    def _spoke(self, event: CallEvent) -> None:
        self._reports.tell(event)
        if event.HasField("utterance_started"):
            self._sounding = event.utterance_started.utterance
            self.ears.expect(self.mouth.expects(self._sounding))

    def _refused(self, session: conversation_pb2.Session) -> bool:
        """Nobody here hears this language. A page can be typed on, so the call goes on without ears, and it is told."""
        if self._types:
            self._deaf = session.language
            self._wire.tell({"type": "deaf", "language": session.language})
        return self._types

    def _heard(self, event: CallEvent) -> None:
        speech = event.speech
        kind = speech.WhichOneof("event")
        place = speech.speech_started.offset_ms
        if kind is not None:
            self._barge_in.weigh(event)
            self.ears.clock.told(event)
        self._reports.tell(event)
        if kind == "speech_started":
            self._barge_in.speech_started(place)
        elif kind == "speech_stopped":
            self._barge_in.speech_stopped()
        elif kind == "turn_ended":
            self._turn_ended(speech.turn_ended)

    def _turn_ended(self, ended: stt_pb2.TurnEnded) -> None:
        if ended.kind == stt_pb2.TurnEnded.KIND_CONFIRMED:
            self._barge_in.speech_stopped()
            by_ears = min(now_ms(), self.ears.clock.began + (ended.speech_end_ms or ended.offset_ms))
            self._reports.turn_began(self._button.speech_end(by_ears), "button" if self._button.decides else "voice")
        if ended.kind in (stt_pb2.TurnEnded.KIND_EAGER, stt_pb2.TurnEnded.KIND_CONFIRMED):
            self.mouth.expect_answer()
