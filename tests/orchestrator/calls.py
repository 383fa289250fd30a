"""A phone call for `step`, as a script: who says what, and what the orchestrator then does."""

from __future__ import annotations

import re
from typing import Any

from services.orchestrator.mind import effects, events, history
from services.orchestrator.mind.actions import Outcome, Then, ToolUse
from services.orchestrator.mind.policy import Policy
from services.orchestrator.mind.state import Call, Epoch, Passage
from services.orchestrator.mind.turn import step
from services.orchestrator.wire import codec

POLICY = Policy(
    greeting="Bellweather Bikes, how can I help?",
    interrupt_ms=500,
    interrupt_words=1,
    backchannels=("uh-huh", "okay", "yeah", "right"),
    away_ms=8000,
    away_prompts=("Are you still there?", "Hello?"),
    goodbye="Goodbye then.",
    trouble="Something went wrong. Say that again?",
    unavailable="I cannot help you now. Goodbye.",
    too_long="Let me stop you there.",
    not_heard="Sorry, say that again?",
    not_transferred="Nobody could take your call.",
    time_is_up="Our time is up. Goodbye.",
)


class Script:
    """Drives `step`; keeps what it did. The clock stands still unless a line says otherwise."""

    def __init__(self, policy: Policy = POLICY, *, greet: bool = True, **opened: Any) -> None:
        self.at = 1_000_000
        self.call: Call | None = None
        self.last: list[effects.Effect] = []
        self.inputs: list[events.Event] = []
        self.outputs: list[list[effects.Effect]] = []
        self.seq = 0
        self.turn = 1  # of the caller, as the ears count; 0: they are of the version before, which does not
        self.feed(
            events.Opened(at_ms=self.at, call_id="CA1", epoch=Epoch(1, 1), agent="bikes", policy=policy, **opened)
        )
        if greet and policy.greeting:
            self.hears(1)

    @property
    def state(self) -> Call:
        assert self.call is not None
        return self.call

    def feed(self, event: events.Event) -> list[effects.Effect]:
        self.inputs.append(event)
        self.call, self.last = step(self.call, event)
        self.outputs.append(self.last)
        return self.last

    def _feed(self, event: Any, /, seq: bool = False, **values: Any) -> list[effects.Effect]:
        if seq:
            self.seq += 1
            values["seq"] = self.seq
        return self.feed(event(at_ms=self.at, **values))

    def wait(self, ms: int) -> None:
        """Time passes; timers that are due fire in order."""
        end = self.at + ms
        while due := sorted((t for t in self.state.timers if t.at_ms <= end), key=lambda t: t.at_ms):
            self.at = max(self.at, due[0].at_ms)
            self._feed(events.TimerFired, id=due[0].id)
        self.at = end

    def starts(self) -> list[effects.Effect]:
        return self._feed(events.SpeechStarted)

    def stops(self) -> list[effects.Effect]:
        return self._feed(events.SpeechStopped)

    def words(self, text: str, since: int = 0) -> list[effects.Effect]:
        """An interim; `since`: its first word began so long ago."""
        return self.feed(events.Interim(at_ms=self.at, turn=self.turn, text=text, **self._times(since)))

    def final(self, text: str, since: int = 0) -> list[effects.Effect]:
        self.seq += 1
        told = {"turn": self.turn, "text": text, **self._times(since)}
        return self.feed(events.Final(at_ms=self.at, seq=self.seq, **told))

    def _times(self, since: int) -> dict[str, Any]:
        leg_ms = self.at - 900_000
        return {"start_ms": leg_ms - since, "end_ms": leg_ms - 50, "leg_ms": leg_ms} if since else {}

    def ends(self, text: str = "") -> list[effects.Effect]:
        turn, self.turn = self.turn, self.turn + bool(self.turn)
        return self._feed(events.TurnEnded, seq=True, kind="confirmed", text=text, turn=turn)

    def eager(self, text: str = "") -> list[effects.Effect]:
        """The ears think that the turn may be over."""
        return self._feed(events.TurnEnded, kind="eager", text=text, turn=self.turn)

    def resumed(self) -> list[effects.Effect]:
        """It was not."""
        return self._feed(events.TurnEnded, kind="resumed", turn=self.turn)

    def says(self, text: str) -> list[effects.Effect]:
        """A whole turn of the caller; gives what followed its end."""
        self.starts()
        self.words(text)
        self.final(text)
        self.stops()
        return self.ends(text)

    def presses(self, digit: str) -> list[effects.Effect]:
        return self._feed(events.Dtmf, seq=True, digit=digit)

    def types(self, text: str) -> list[effects.Effect]:
        return self._feed(events.Typed, seq=True, text=text)

    def hangs_up(self) -> list[effects.Effect]:
        return self._feed(events.LegEnded, seq=True, reason="caller hung up")

    def thinks(self) -> effects.Think:
        """The last round asked for."""
        return next(e for out in reversed(self.outputs) for e in reversed(out) if isinstance(e, effects.Think))

    def phrase(self, text: str, think: effects.Think | None = None) -> list[effects.Effect]:
        t = think or self.thinks()
        return self._feed(events.PhraseReady, turn=t.turn, tries=t.tries, round=t.round, text=text)

    def finishes(
        self,
        text: str = "",
        tools: tuple[ToolUse, ...] = (),
        error: str = "",
        think: effects.Think | None = None,
        requests: int = 0,
        carry: bytes = b"",
    ) -> list[effects.Effect]:
        t = think or self.thinks()
        ended: dict[str, Any] = {"text": text, "tools": tools, "error": error, "requests": requests, "carry": carry}
        return self._feed(events.RoundEnded, turn=t.turn, tries=t.tries, round=t.round, **ended)

    def tool(
        self, intent: int, result: str = "{}", status: str = "ok", then: Then | None = None
    ) -> list[effects.Effect]:
        return self._feed(events.ToolEnded, intent=intent, outcome=Outcome(status, result, then=then))

    def finds(self, query: str, *texts: str) -> list[effects.Effect]:
        return self._feed(events.Retrieved, query=query, passages=tuple(Passage(t) for t in texts))

    def sounds(self, utterance: int) -> list[effects.Effect]:
        return self._feed(events.UtteranceStarted, utterance=utterance)

    def hears(self, utterance: int) -> list[effects.Effect]:
        """The caller hears an utterance to its end."""
        self.sounds(utterance)
        return self._feed(events.Heard, seq=True, utterance=utterance, chars=10_000, complete=True)

    def cut(self, utterance: int, chars: int) -> list[effects.Effect]:
        return self._feed(events.Heard, seq=True, utterance=utterance, chars=chars, cut=True)

    def reaches(self, utterance: int, chars: int) -> list[effects.Effect]:
        """The mouth of an older gateway says how far its voice is."""
        return self._feed(events.Progress, utterance=utterance, chars=chars)

    def tells(self, utterance: int, *places: tuple[int, int]) -> list[effects.Effect]:
        """The mouth says when its words sound: at which character the voice is in how many ms."""
        chars, in_ms = zip(*places, strict=True)
        return self._feed(events.Progress, utterance=utterance, chars=chars[0], places=chars, in_ms=in_ms)

    def pauses(self, utterance: int, chars: int) -> list[effects.Effect]:
        return self._feed(events.Paused, utterance=utterance, chars=chars)

    def lapses(self, utterance: int, chars: int) -> list[effects.Effect]:
        """The mouth goes on by itself: nobody decided in time."""
        return self._feed(events.Resumed, utterance=utterance, chars=chars, cause="lease")

    def holds(self) -> list[effects.Effect]:
        return self._feed(events.Button, seq=True, pressed=True)

    def lets_go(self) -> list[effects.Effect]:
        return self._feed(events.Button, seq=True, pressed=False)

    def all_of(self, kind: Any) -> list[Any]:
        """Everything of this kind that was done in the call."""
        return [effect for out in self.outputs for effect in out if isinstance(effect, kind)]

    @property
    def turns(self) -> list[str]:
        """What the model would be told the caller said."""
        return [message.text for message in history.messages(self.state) if message.role == "user"]

    @property
    def bot_said(self) -> list[str]:
        return [message.text for message in history.messages(self.state) if message.role == "assistant"]

    def answers(self, text: str) -> int:
        """The model says `text` in one round and the caller begins to hear it; gives the utterance."""
        self.finishes(text)
        utterance = self.state.utterance
        self.sounds(utterance)
        return utterance


def spoken(text: str, char_ms: int, since_ms: int = 0, from_char: int = 0) -> list[tuple[int, int]]:
    """For `Script.tells`: the places of a voice with so many ms a character, that has spoken for `since_ms`."""
    begins = [match.start() for match in re.finditer(r"\S+", text) if match.end() > from_char]
    return [(char, (char - from_char) * char_ms - since_ms) for char in (*begins, len(text))]


def of(kind: Any, out: list[effects.Effect]) -> list[Any]:
    return [e for e in out if isinstance(e, kind)]


def replayed(script: Script) -> list[list[effects.Effect]]:
    """The recorded inputs, through protobuf and back, through `step` again."""
    call: Call | None = None
    outputs = []
    for event in script.inputs:
        again = codec.event_from_proto(codec.event_to_proto(event))
        assert again == event
        if call is not None:
            call = codec.state_from_proto(codec.state_to_proto(call))
        call, out = step(call, again)
        outputs.append(out)
    assert call == script.call
    return outputs
