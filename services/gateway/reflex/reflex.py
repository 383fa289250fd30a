"""When the mouth falls silent by itself, and when it goes on by itself. Pure: time in ms comes as an argument.

Sound from the caller's side in 2 of 3 frames silences; the ears must confirm it as speech within 200 ms, else it was
nothing. What the ears call speech silences too, and must prove loud within 300 ms. A pause is a lease: without a
decision it ends 1.5 s after quiet, which is when the ears say so, or when nothing was loud any more, whatever they say.
A short sound ("uh-huh") is forgiven as soon as it is quiet again, before its words are known: if they turn out to be
real, a decision silences for good.
Two pauses for nothing within 10 s disarm the reflex: from then on only a decision silences. 20 s without a false alarm
arm it again; what would have been an alarm is still watched.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

CONFIRM_MS = 200.0
LEASE_MS = 1_500.0
LONGEST_MS = 10_000.0
"""Without a decision for so long the voice goes on, whoever speaks."""
FALSE_ALARMS, WITHIN_MS, DISARMED_MS = 2, 10_000.0, 20_000.0
SHORT_MS = 600.0
"""A sound no longer than this, and 120 ms of quiet behind it: few words that mean anything are over so soon."""
JUDGED_MS = 2_000.0
"""Who forgave too much is told by then."""
GOES_ON_MS = 350.0
FAINT_FRAMES = 15
"""Speech that silenced and of which so many frames are not loud (300 ms) is somewhere in the background."""
LATE_MS = 500.0
"""The ears' word may come so long after the mouth went on, and the alarm was none for nothing."""

_TWO_OF_THREE = tuple((n & 7).bit_count() >= 2 for n in range(64))
_QUIET = 0
"""No loud frame among the last six: what comes next is a new sound."""
_QUIET_FRAMES, _GONE_FRAMES = 1, 20
"""So many frames after that (400 ms), where a voice was forgiven that had not fallen silent: it takes breath."""


class Verdict(Enum):
    """What has come to its end by itself: why the mouth goes on."""

    UNCONFIRMED = "unconfirmed"
    LEASE = "lease"
    SHORT = "short"
    FALSE_ALARM = "false alarm"
    """Nothing was paused, being disarmed, or it was forgiven; and it was right so."""


class Reflex:
    """Asked once per frame and at each event; it owns no mouth."""

    def __init__(self) -> None:
        self.armed = True
        self._recent = 0
        self._spent = False
        self._speaking = False
        self._alarm_ends: float | None = None
        self._lease_ends: float | None = None
        self._paused_at: float | None = None
        self._faint: int | None = None
        self._loud_at = 0.0
        self._forgiven: deque[float] = deque(maxlen=FALSE_ALARMS)
        self._goes_on_at: float | None = None
        self._quiet_frames = 0
        self._over_and_gone = _QUIET_FRAMES
        self._unconfirmed_at = -LATE_MS
        self._false: deque[float] = deque(maxlen=FALSE_ALARMS)
        self._armed_again_at = 0.0

    @property
    def alarmed(self) -> bool:
        """A sound was noticed that nobody has confirmed yet."""
        return self._alarm_ends is not None

    def paused_for(self, now: float) -> float:
        """How long the mouth has been paused, in ms."""
        return now - self._paused_at if self._paused_at is not None else 0.0

    @property
    def busy(self) -> bool:
        """`due` will have something to say."""
        return self._alarm_ends is not None or bool(self._forgiven)

    @property
    def begun(self) -> int:
        """How many frames ago the newest sound began (1 = it is this one), of the last three."""
        return (self._recent & 7).bit_length()

    @property
    def quiet(self) -> bool:
        """No loud frame among the last six."""
        return self._recent == _QUIET

    # From the caller's side

    def frame(self, loud: bool, now: float) -> bool:
        """One frame, louder than noise and echo or not. True: somebody makes a new sound. Nothing has happened yet."""
        recent = self._recent = (self._recent << 1 | loud) & 63
        if self._faint is not None:
            self._faint = None if loud else self._faint + 1
        if loud:
            self._loud_at = now
        self._quiet_frames = self._quiet_frames + 1 if recent == _QUIET else 0
        if recent == _QUIET:
            if self._quiet_frames >= self._over_and_gone:
                self._spent, self._over_and_gone = False, _QUIET_FRAMES
            self._goes_on_at = None
            return False
        if self._goes_on_at is not None and now >= self._goes_on_at and _TWO_OF_THREE[recent]:
            self._goes_on_at = None
            return True
        if loud and self._speaking and self._paused_at is not None:
            self._extend(now)
        return not self._spent and _TWO_OF_THREE[recent]

    def alarm(self, now: float) -> bool:
        """The new sound falls on something it may silence. True: fall silent now."""
        self._spent = True
        self._alarm_ends = None if self._speaking else now + CONFIRM_MS
        return self.armed

    def speech_started(self, now: float) -> bool:
        """The ears hear speech. True: it silences what it may silence."""
        self._speaking = True
        self._alarm_ends = None
        if self._paused_at is not None:
            self._extend(now)
        elif self._false and now - self._unconfirmed_at <= LATE_MS:
            self._false.pop()
            self.armed = True
        late = self._forgiven and self.quiet and now - self._loud_at <= LATE_MS  # of what is forgiven already
        return self.armed and not late

    def speech_stopped(self, now: float) -> None:
        self._speaking = False
        if self._paused_at is not None:
            self._extend(now)

    # From the mouth and the mind

    def paused(self, now: float) -> None:
        """The mouth has paused."""
        self._paused_at = now
        self._faint = 0 if self._speaking and self.quiet else None
        self._extend(now)

    def resumed(self, now: float, false: bool = True) -> None:
        """The mouth goes on: the pause was for nothing (`false`), or was no alarm of ours."""
        self._over()
        if false:
            self._false_alarm(now)

    def forgiven(self, now: float, worded: bool = False) -> None:
        """The mouth goes on before anybody knows for sure what it was. What still sounds of it is no new sound.

        `worded`: its first words were understood and meant nothing. Who speaks on for long behind those means more.
        """
        self._over()
        self._forgiven.append(now)
        if not self.quiet and worded:
            self._goes_on_at = now + GOES_ON_MS
        elif not self.quiet:
            self._over_and_gone = _GONE_FRAMES

    def stopped(self) -> None:
        """A decision: the caller has the floor, so no alarm of late was false."""
        self._over()
        self._forgiven.clear()
        self._goes_on_at, self._over_and_gone = None, _QUIET_FRAMES
        self._false.clear()

    # By themselves

    def due(self, now: float) -> Verdict | None:
        """Asked every 20 ms while paused, or after an alarm: is it time to go on? Given once."""
        if self._alarm_ends is not None and now >= self._alarm_ends:
            self._alarm_ends = None
            if self._paused_at is not None:
                self._lease_ends = None
                self._unconfirmed_at = now
                return Verdict.UNCONFIRMED
            self._false_alarm(now)
            return Verdict.FALSE_ALARM
        if self._faint is not None and self._faint >= FAINT_FRAMES:
            self._faint = None
            return Verdict.UNCONFIRMED
        if self._short:
            self._lease_ends = None
            return Verdict.SHORT
        if self._lease_ends is not None and now >= self._lease_ends:
            self._lease_ends = None
            return Verdict.LEASE
        if self._forgiven and now - self._forgiven[0] >= JUDGED_MS:
            self._false_alarm(self._forgiven.popleft())
            return Verdict.FALSE_ALARM
        return None

    @property
    def _short(self) -> bool:
        """It was loud only for a moment, and is quiet again."""
        if self._paused_at is None or self._alarm_ends is not None or self._faint is not None:
            return False
        return self.quiet and self._lease_ends is not None and self._loud_at - self._paused_at <= SHORT_MS

    def rearmed(self, now: float) -> bool:
        """True once, when it has been disarmed for long enough."""
        if self.armed or now < self._armed_again_at:
            return False
        self.armed = True
        self._false.clear()
        return True

    def _extend(self, now: float) -> None:
        assert self._paused_at is not None
        self._lease_ends = min(now + LEASE_MS, self._paused_at + LONGEST_MS)

    def _over(self) -> None:
        self._paused_at = self._faint = None
        self._alarm_ends = self._lease_ends = None

    def _false_alarm(self, now: float) -> None:
        if not self.armed:
            self._armed_again_at = max(self._armed_again_at, now + DISARMED_MS)
            return
        self._false.append(now)
        if len(self._false) == FALSE_ALARMS and now - self._false[0] <= WITHIN_MS:
            self.armed = False
            self._armed_again_at = now + DISARMED_MS
