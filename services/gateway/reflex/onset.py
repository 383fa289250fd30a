"""Is this sound the caller's? Each frame of one leg is held against the line's noise and the bot's echo. Pure."""

from __future__ import annotations

from services.gateway.reflex.echo import HUSHED, Echo
from services.gateway.reflex.noise import FAINT, Noise
from services.gateway.reflex.own_sound import MARGIN

_UNDER_ECHO = 0.1
"""How much a frame counts as noise that may hold echo."""
_FAINT_RUN = 3
"""So many frames in a row (60 ms) of a faint sound are a voice that begins softly: an "s", an "h"."""
_LOUDER, _SOFTER = 24, 18
"""Who is so much louder (9 dB) than a sound from far away is not taken for one; nor one so much softer for them."""
_RISE, _FALL = 0.1, 0.01
"""How fast the caller's usual loudness is followed, per frame of their speech."""
_LATELY, _ENOUGH = (1 << 20) - 1, 3
"""Speech the ears report now was heard here within 20 frames; so many of them show that it was somebody."""


class Onset:
    """Asked once per frame; what it had learned wrongly it is told afterwards."""

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._noise = Noise()
        self._loudest = 0
        self._own = self._explained = 0
        self._faint = 0
        self._voice = 0.0

    def loud(self, level: int, now: float, *, maybe_speech: bool) -> bool:
        """One frame's level: is it above noise and echo? From `maybe_speech` no noise is learned."""
        noise, expected = self._noise, self._echo.heard(level, now)
        explained = level <= noise.known or (expected > 0 and level <= expected + MARGIN)
        sounds = level > HUSHED
        self._own = (self._own << 1 | (sounds and not explained)) & _LATELY
        self._explained = (self._explained << 1 | (sounds and explained)) & _LATELY
        self._faint = self._faint + 1 if level > noise.faint and not explained else 0
        loud = self._faint >= _FAINT_RUN or (level > noise.above and not explained)
        if loud and level > self._loudest:
            self._loudest = level
        if maybe_speech and not self._echo.possible:
            self._voice += (level - self._voice) * (_RISE if level > self._voice else _FALL)
        if not maybe_speech:
            if not loud:
                noise.follow(level)
            noise.learn(level, _UNDER_ECHO if self._echo.possible else 1.0)
            if self._loudest:
                self._loudest -= 1
        return loud

    @property
    def somebody(self) -> bool:
        """What the ears call speech may be the caller: it is not all echo, nor what was mistaken for speech before.

        Nor, while the bot speaks, too faint to be seen at all, where the caller is known to speak up.
        """
        if self._own.bit_count() >= _ENOUGH:
            return True
        return not self._explained and not (self._echo.possible and self._speaks_up)

    @property
    def _speaks_up(self) -> bool:
        return self._voice > FAINT + _LOUDER

    @property
    def echo_known(self) -> bool:
        """What comes back of the bot's voice is expected: it will not silence again."""
        return self._echo.delay is not None

    def own(self, begin_ms: float, end_ms: float) -> tuple[float, float] | None:
        """Where the caller's side was somebody's, ms ago; see Echo. Who is known to speak up does not whisper."""
        return self._echo.own(begin_ms, end_ms, FAINT if self._speaks_up else 0.0)

    @property
    def soft(self) -> bool:
        """What silenced is much softer than the caller usually is: somebody else, further away."""
        return 0 < self._loudest < self._voice - _SOFTER

    def was_echo(self) -> bool:
        """What came of late is like what was sent. From now on it is expected."""
        return self._echo.learn()

    @property
    def loudest(self) -> int:
        """Of the sound that silenced, or would have."""
        return self._loudest

    def mistook(self, loudest: int = 0) -> None:
        """The bot was silenced for nothing: by its echo, or by something that will sound again."""
        if not self._echo.learn():
            self._noise.mistook(loudest or self._loudest)
        self._loudest = 0

    def right(self) -> None:
        """It was the caller."""
        self._noise.right()
        self._loudest = 0
