"""The mouth: utterances sound one after the other, paced, and it knows what was heard of each.

At most 200 ms wait at the far end, so that silence is quick and the play clock is right. `pause` clears the far end
and goes back to what was heard; `resume` goes on at the start of the word where it stopped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from parley.audio import AudioFormat
from parley.errors import ParleyError
from parley.rpc import Peers
from parley.v1 import call_pb2, conversation_pb2
from services.gateway.metrics import DROPPED_COMMANDS, GAPS, HELD, MARKS, PAUSES, RESUMES
from services.gateway.mouth.clock import Clock, now_ms
from services.gateway.mouth.link_stall import SILENT_MS, LinkStall
from services.gateway.mouth.outlet import PIECE_MS, Outlet
from services.gateway.mouth.telling import AHEAD_MS, Telling, places
from services.gateway.mouth.utterance import Utterance
from services.gateway.voice.prefetch import Prefetch
from services.gateway.voice.tts_streams import TtsStreams

MARK_GRACE_MS = 1_000
"""An utterance whose last mark does not come back is over when the clock says so, and this much later."""
PROGRESS_MS = 1_000.0
"""How often it is told when words sound: by all mouths of the process at one moment, so that one message has it."""
NEWS_MS = 250.0
"""Less than that was heard since: not told. By then the times of the first words are known, and no echo is back."""
TORN_MS = 400.0
"""A word with such a hole in it is not understood: it is said again from its start."""
MAX_QUEUED = 32
MAX_TEXT = 20_000
"""Characters of one utterance."""

Tell = Callable[[conversation_pb2.CallEvent], None]
Cause = conversation_pb2.Paused.Cause
Why = conversation_pb2.Resumed.Cause


class Mouth:
    """Speaks into an outlet. Reports by `tell`: utterance_started, progress, heard, paused, resumed, trouble."""

    def __init__(
        self,
        outlet: Outlet,
        sound: AudioFormat,
        tts: Peers,
        clock: Clock,
        rehearsal: Prefetch,
        call_id: str,
        tell: Tell,
        line: LinkStall | None = None,
    ) -> None:
        self._line = line
        self._held_at: float | None = None
        self._told_in = now_ms() // PROGRESS_MS
        self._outlet = outlet
        self._sound = sound
        self._clock = clock
        self._tell = tell
        self._queue: deque[Utterance] = deque()
        self._voices = TtsStreams(tts, sound, call_id, self._advance, self._failed, rehearsal)
        self.paused = False
        self.last_utterance = 0
        self.sounded = 0, 0.0
        """The utterance last known to have begun at the caller's ear, and when."""

    def session(self, session: conversation_pb2.Session) -> None:
        """Voice, language and speed of the utterances to come."""
        self._voices.session(session)

    def expect_answer(self) -> None:
        """The caller's turn is over: get a voice ready."""
        self._voices.prepare()

    def interruptible(self, now: float) -> bool:
        """What sounds now may be silenced."""
        return (front := self._sounding(now)) is not None and front.interruptible

    def yields(self, now: float) -> bool:
        """What sounds now may be silenced by a mere sound: it is not in its protected first moments either."""
        front = self._sounding(now)
        return front is not None and front.interruptible and front.heard_ms >= front.protect_ms

    @property
    def waiting(self) -> bool:
        """Something is to be said or heard yet."""
        return bool(self._queue)

    @property
    def speaking(self) -> bool:
        """Something sounds, or was paused in its middle."""
        return any(utterance.started for utterance in self._queue)

    def expects(self, utterance: int) -> int:
        """The kind of answer that an utterance asks for."""
        return next((u.expect for u in self._queue if u.id == utterance), 0)

    # From the orchestrator

    def say(self, say: conversation_pb2.Say, turn: call_pb2.TurnRef, traceparent: str) -> None:
        """Words for the caller; more words of the same utterance are appended."""
        utterance = next((u for u in self._queue if u.id == say.utterance), None)
        if utterance is None:
            if say.utterance <= self.last_utterance:
                DROPPED_COMMANDS.labels("utterance is over").inc()
                return
            if len(self._queue) >= MAX_QUEUED:
                DROPPED_COMMANDS.labels("too many utterances").inc()
                unsaid = conversation_pb2.Heard(utterance=say.utterance, cut=True, failed=True, text=say.text)
                self._tell(conversation_pb2.CallEvent(heard=unsaid))
                self.last_utterance = say.utterance
                return
            self.last_utterance = say.utterance
            utterance = Utterance(say, turn, traceparent, self._sound)
            self._queue.append(utterance)
            self._clock.add(self)
        utterance.expect = say.expect or utterance.expect
        track = utterance.track
        if track.text_complete:
            DROPPED_COMMANDS.labels("utterance is over").inc()
            return
        fits = say.text[: MAX_TEXT - len(track.text)]
        if fits != say.text:
            DROPPED_COMMANDS.labels("utterance is full").inc()
            utterance.clipped = True
        track.text += fits
        track.text_complete = say.complete
        self._voices.text_added(utterance)
        self._voices.begin(self._queue)

    def stop(self, turn: int) -> None:
        """Silence now: every utterance of this turn and below is cut, for good."""
        cut = [u for u in self._queue if u.turn.turn <= turn]
        if not cut:
            return
        if any(u.started for u in cut) and not self.paused:
            self._hush()
        for utterance in cut:
            if utterance in self._queue:
                self._cut(utterance)
        self.paused = False
        self._voices.begin(self._queue)
        self._pump(now_ms())

    def pause(self, cause: Cause.ValueType) -> None:
        """Silence now, but keep the place. Nothing happens when there is nothing to silence."""
        if self._sounding(now_ms()) is None:
            return
        self._hush()
        if not self._queue:
            return
        self.paused = True
        PAUSES.labels(Cause.Name(cause)).inc()
        front = self._queue[0]
        paused = conversation_pb2.Paused(utterance=front.id, chars=front.heard_chars, cause=cause)
        self._tell(conversation_pb2.CallEvent(paused=paused))

    def resume(self, why: Why.ValueType) -> None:
        """Go on at the start of the word where it paused."""
        if not self.paused:
            return
        self.paused = False
        RESUMES.labels(Why.Name(why)).inc()
        if self._queue:
            front = self._queue[0]
            chars = front.rewind()
            resumed = conversation_pb2.Resumed(utterance=front.id, chars=chars, cause=why)
            self._tell(conversation_pb2.CallEvent(resumed=resumed))
        self._pump(now_ms())

    # From the far end and the clock

    def returned(self, mark: str) -> bool:
        """A mark came back. False when it was never sent."""
        now = now_ms()
        self.back(now)
        outcome = self._outlet.returned(mark, now)
        MARKS.labels({True: "heard", False: "cleared", None: "unknown"}[outcome]).inc()
        if outcome:
            self._follow(now)
        return outcome is not None

    def back(self, now: float) -> None:
        """The line had stood still: what was sent meanwhile is taken back, and said now."""
        if self._held_at is None:
            return
        if not self.paused and any(utterance.runs for utterance in self._queue):
            self._hush()
        self._held_at = None
        self._pump(now)

    def tick(self, now: float) -> None:
        """Every 20 ms while there is something to say."""
        since = self._line.stands_still_since(now) if self._line is not None else None
        if self._held_at is None and since is not None and self._outlet.overdue(now) > SILENT_MS:
            self._held_at = since
            HELD.inc()
        self._pump(now)
        # Where marks do not come back, the clock's word is taken, a little later.
        self._follow(now - MARK_GRACE_MS)
        all_tell = now // PROGRESS_MS != self._told_in
        self._told_in = now // PROGRESS_MS
        self._tell_progress(now, all_tell)
        if not self._queue:
            self._clock.remove(self)

    # For a new owner, and the end

    def state(self, turn: int) -> conversation_pb2.Mouth:
        """What the mouth is doing; `turn` is the highest seen on any command."""
        mouth = conversation_pb2.Mouth(turn=turn, last_utterance=self.last_utterance, paused=self.paused)
        if self._queue:
            tells = self._for_a_new_owner()
            if not self.paused:
                tells.follow(self._played(now_ms()))
            mouth.utterance, mouth.text, mouth.complete = tells.id, tells.track.text, tells.track.text_complete
            mouth.heard_chars = tells.heard_chars
        for utterance in self._queue:
            utterance.telling = Telling(utterance.heard_ms)  # whoever takes over was told nothing
        return mouth

    def _for_a_new_owner(self) -> Utterance:
        """What its owner had not finished, for it would keep all behind it waiting; else what sounds, or is next.

        A filler is over in a moment.
        """
        words = [u for u in self._queue if u.kind != conversation_pb2.Say.KIND_FILLER] or list(self._queue)
        return next((u for u in words if not u.track.text_complete), words[0])

    def progress(self) -> tuple[int, str, int] | None:
        """Utterance, its text and how much of it was heard, for subtitles."""
        if not self._queue or not self._queue[0].started:
            return None
        front = self._queue[0]
        return front.id, front.track.text, front.heard_chars

    async def close(self) -> None:
        """The far end is gone: what it has not heard is cut."""
        self._follow(now_ms())
        for utterance in list(self._queue):
            self._cut(utterance)
        self._clock.remove(self)
        await self._voices.close()

    # Inside

    def _played(self, now: float) -> float:
        """How much the far end has played since the last `clear`; nothing that went out while the line stands still."""
        played = self._outlet.played(now)
        return played if self._held_at is None else min(played, self._outlet.sent_by(self._held_at))

    def _sounding(self, now: float) -> Utterance | None:
        """The utterance the far end plays by the clock (its last mark may still be due); None when silent or paused."""
        if self.paused or not self._queue:
            return None
        played = self._played(now)
        for utterance in self._queue:
            if not utterance.started:
                return None
            utterance.follow(played)
            if not utterance.all_heard:
                return utterance
        return None

    def _hush(self) -> None:
        """`clear` first, then settle what was heard and go back to it."""
        now = now_ms()
        played = self._played(now)
        self._outlet.clear(now)
        for utterance in list(self._queue):
            utterance.follow(played)
            if utterance.all_heard:
                self._finish(utterance)
            else:
                utterance.rewind()

    def _pump(self, now: float) -> None:
        """Send what is due, in the order of the utterances."""
        if self.paused or self._held_at is not None:
            return
        for utterance in self._queue:
            self._send(utterance, now)
            if not utterance.all_sent:
                break

    def _send(self, utterance: Utterance, now: float) -> None:
        outlet, track = self._outlet, utterance.track
        if utterance.runs and track.ahead_ms > 0 and (dry := outlet.dry(now)) > TORN_MS:
            GAPS.observe(dry)
            utterance.follow(self._played(now))
            utterance.rewind()
        while track.ahead_ms > 0 and outlet.wants(now):
            flowing = utterance.enters(outlet.position)
            gap = outlet.play(track.take(PIECE_MS), now)
            if not utterance.started:
                utterance.started = True
                started = conversation_pb2.UtteranceStarted(utterance=utterance.id, kind=utterance.kind)
                self._tell(conversation_pb2.CallEvent(utterance_started=started))
            if gap > 1 and flowing:
                GAPS.observe(gap)
            if not track.exhausted:
                outlet.mark(now)
        if track.exhausted and not utterance.end_marked:
            utterance.end_marked = True
            outlet.mark(now, end=True)
        self._voices.played(utterance)

    def _follow(self, now: float) -> None:
        """Settle what has been heard by `now`; utterances heard to their end are over."""
        played = self._played(now)
        while self._queue and not self.paused:
            front = self._queue[0]
            front.track.forget(front.follow(played))
            if front.heard_ms and front.in_one_run and self.sounded[0] != front.id and self._outlet.calibrated:
                self.sounded = front.id, now - front.heard_ms
            if not front.all_heard:
                return
            self._finish(front)

    def _tell_progress(self, now: float, all_tell: bool) -> None:
        """By the clock, also where marks do not come back. While the line stands still the voice stays where it was."""
        for utterance in self._queue:
            if not utterance.runs:
                return
            telling = utterance.telling
            if telling.begun and not all_tell:
                continue
            heard_ms, track, sounds_at = utterance.heard_by(self._played(now)), utterance.track, self._outlet.sounds_at
            chars = track.char_at(heard_ms)
            if self._held_at is not None:
                due = [(chars, self._held_at)]
            elif heard_ms - telling.heard_ms < NEWS_MS:
                continue
            else:
                known = places(track, telling.heard_ms, heard_ms + AHEAD_MS)
                due = [(char, sounds_at(utterance.lies_at(ms), now)) for char, ms in known]
            if news := telling.news(due, heard_ms):
                told = conversation_pb2.Progress(utterance=utterance.id, chars=chars)
                told.places.extend(char for char, _ in news)
                told.in_ms.extend(round(at - now) for _, at in news)
                self._tell(conversation_pb2.CallEvent(progress=told))

    def _finish(self, utterance: Utterance) -> None:
        whole = not (utterance.failed or utterance.clipped)
        chars = len(utterance.track.text) if whole else utterance.heard_chars
        self._over(utterance, chars, whole, utterance.failed)

    def _cut(self, utterance: Utterance) -> None:
        self._voices.hush(utterance)
        self._over(utterance, utterance.heard_chars)

    def _over(self, utterance: Utterance, chars: int, whole: bool = False, failed: bool = False) -> None:
        self._queue.remove(utterance)
        track = utterance.track
        heard = conversation_pb2.Heard(utterance=utterance.id, chars=chars, complete=whole, cut=not whole)
        heard.text, heard.engine, heard.failed = track.text, track.engine, failed
        self._tell(conversation_pb2.CallEvent(heard=heard))

    def _advance(self) -> None:
        """Sound has come, or a voice is free."""
        self._voices.begin(self._queue)
        self._pump(now_ms())

    def _failed(self, utterance: Utterance, error: ParleyError) -> None:
        trouble = conversation_pb2.Trouble(
            organ=conversation_pb2.Trouble.ORGAN_MOUTH, utterance=utterance.id, message=str(error)
        )
        self._tell(conversation_pb2.CallEvent(trouble=trouble))
