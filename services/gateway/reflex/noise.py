"""What a caller's side sounds like when nobody there talks to the bot. Pure; levels in level units, once per frame.

Two things are known: the level that almost no frame of the line's own sound exceeds, and, for a while, the level of
sounds that were taken for the caller and were not (a television, a colleague).
"""

from __future__ import annotations

LEAST = 16.0
"""Quieter sound than this (-44 dBov) is nobody, however quiet the line."""
FAINT = 12.0
"""Speech that is no louder than this (-48 dBov) comes from far away from the telephone."""
_QUIET_LINE = 4.0
"""A line whose own sound is no louder lets a faint voice be told from it."""
_UP, _DOWN, _DROP = 0.475, 0.025, 0.1
"""Steps that settle where 95 % of the frames are below; where it has become much quieter, the way down is shorter."""
_FAR_BELOW = 16.0
MISTAKEN_ONCE, MISTAKEN_MORE, MISTAKEN_AT_MOST = 28.0, 4.0, 44.0
"""What was mistaken once must not make the bot deaf to somebody who speaks up: -36 dBov; then 1.5 dB more each time."""
_FORGET, _SLOWER = 0.016, 8
"""6 dB in 20 s; what was mistaken again and again is remembered longer, at most so many times as long."""
_NEVER = -100.0
_AT_FIRST, _QUICKLY = 25, 0.3
"""So many frames of a new line are learned from quickly: the bot's greeting is near."""
_FOLLOW, _SWELLS = 0.2, 10.0
"""A voice begins at once; cars that come nearer are never much louder (4 dB) than a tenth of a second ago."""


class Noise:
    """`above` is the level of a frame that is more than noise; up to `known` it was mistaken before, or is far away."""

    def __init__(self) -> None:
        self.usual = 0.0
        """What 95 % of the frames do not exceed."""
        self._lately = 0.0
        self._frames = 0
        self.mistaken = _NEVER
        self._limit = MISTAKEN_ONCE
        self._times = 0
        self.above = LEAST
        self.known = FAINT

    @property
    def faint(self) -> float:
        """A frame above this is something too, though less than `above`, where the line is quiet enough to tell."""
        return self.known if self.usual <= _QUIET_LINE else self.above

    def learn(self, level: int, weight: float = 1.0) -> None:
        """A frame in which nobody spoke. `weight` below 1: it may hold the bot's own echo."""
        usual = self.usual
        if level > usual:
            if self._frames < _AT_FIRST:
                usual += (level - usual) * _QUICKLY
            usual += _UP * weight
        else:
            usual -= _DROP if level < usual - _FAR_BELOW else _DOWN
        self.usual = usual
        self._frames += 1
        self.mistaken -= _FORGET / (self._times or 1)
        self.known = max(FAINT, self.mistaken + 4)
        self.above = max(LEAST, usual + 6 + usual / 8, self.mistaken + 6, self._lately + _SWELLS)

    def follow(self, level: int) -> None:
        """A frame that was not loud: what comes and goes slowly is noise, however loud it gets."""
        self._lately += (level - self._lately) * _FOLLOW

    def mistook(self, level: int) -> None:
        """Sound up to this level silenced the bot for nothing."""
        if level < LEAST:
            return
        self._times = min(self._times + 1, _SLOWER)
        self.mistaken = max(self.mistaken, min(float(level), self._limit))
        self._limit = min(self._limit + MISTAKEN_MORE, MISTAKEN_AT_MOST)
        self.known = max(FAINT, self.mistaken + 4)
        self.above = max(self.above, self.mistaken + 6)

    def right(self) -> None:
        """It was the caller, this time."""
        self._limit = MISTAKEN_ONCE
        self._times = 1
