"""The bot's own voice coming back from the caller's side: how loud it is expected to be in each frame. Pure.

A speakerphone returns what it plays, later and weaker. How much later and how much weaker is learned from this leg:
the level of what was sent and of what came, over the last moments, lie on each other at one delay or at none.
Time is counted in slots of 20 ms; levels in level units.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from services.gateway.reflex.own_sound import DECAY, own_sound

Levels = NDArray[np.float32]

SLOT_MS = 20.0
_SLOTS, _LAST = 4096, 4095
"""What is kept: 80 s, more than a recogniser's longest words that are told at once."""
_STOOD_STILL = 25
"""Slots without frames after which what lies before them is no longer known by its time: half a second."""
_AHEAD = 32
"""What was sent may sound this many slots later (the mouth sends 200 ms ahead)."""
WINDOW = 75
"""Slots that are compared: 1.5 s."""
FARTHEST = 45
"""Longest delay looked for: 900 ms, there and back over two mobile networks."""
LEARN_EVERY, CHECK_EVERY = 25, 50
"""Slots from one comparison to the next, before an echo is known and after."""
ALIKE, AGAIN = 0.72, 0.55
"""How alike (correlation) sent and heard must be to be an echo; less is enough where it is known already."""
SURE, OTHER_MOMENTS = 2, 40
"""So many times seen at one delay, it is no caller who by chance spoke as the bot had: words are told by it. A look
counts when so many slots are new since the last that did."""
BEYOND_DOUBT = 0.92
"""So alike one look is enough: two voices that have nothing to do with each other are not."""
_DOUBT = 0.5
"""What a look takes from that which does not see it; below one nothing is sure any more."""
_SENT_MOVES, _CAME_MOVES = 5.0, 2.0
"""A level that moves less than this (standard deviation) tells nothing."""
HUSHED = 5
"""Sound no louder than this (-58 dBov) is a line's own, or an echo too soft to matter."""
_NO_ECHO = 110.0
"""An echo weaker than this (41 dB) is none."""
WITHIN, ENOUGH = 0.5, 15
"""Two voices that begin together are alike as wholes: also while the bot speaks, over so many frames, they must be."""
_LOUDER_BY = 1.0
"""An echo becomes louder slowly (a third of a dB at each look); who speaks over it is louder at once."""
_CHANGED = 12
"""So much weaker than known (4 dB), it is another echo or none."""
_LOUD = 24


class Echo:
    """`sent` is told what goes out, `heard` each frame that comes in; `expected` is the echo's level in it."""

    def __init__(self) -> None:
        self._sent = bytearray(_SLOTS)
        self._came = bytearray(_SLOTS)
        self._slot = 0
        self._known_from = 0
        self._sounded = -_SLOTS
        self._loudest = 0
        self._tail = 0
        self.delay: int | None = None
        """Slots from the time a sound should be playing to the time its echo comes; None while none is known."""
        self.loss = 0.0
        """Level units between what was sent and its echo."""
        self._seen = 0.0
        self._sure = False
        self._seen_at = 0

    def sent(self, at_ms: float, levels: Iterable[int]) -> None:
        """Sound of these levels, one per 20 ms, begins to play at the far end at `at_ms` by the plain clock."""
        slot = int(at_ms / SLOT_MS)
        for level in levels:
            if slot - self._slot < _AHEAD:
                self._sent[slot & _LAST] = level
                if level > _LOUD:
                    self._sounded = slot
            slot += 1

    def cleared(self, now: float) -> None:
        """What has not sounded yet never will."""
        slot = int(now / SLOT_MS)
        for later in range(slot + 1, slot + 1 + _AHEAD):
            self._sent[later & _LAST] = 0
        self._sounded = min(self._sounded, slot)

    @property
    def possible(self) -> bool:
        """The bot was loud lately: what comes now may be its echo."""
        return self._slot - self._sounded <= FARTHEST

    def heard(self, level: int, now: float) -> int:
        """A frame of the caller's side. Returns how loud an echo in it may be; 0 where none is expected."""
        slot, due, sent = self._slot + 1, int(now / SLOT_MS), self._sent
        if not due - 3 <= slot <= due + 10:
            slot = self._jump(due)
        self._slot = slot
        sent[(slot + _AHEAD) & _LAST] = 0
        self._came[slot & _LAST] = level
        if slot - self._sounded > FARTHEST + WINDOW:
            self._tail = self._loudest = 0
            return 0
        if level > self._loudest:
            self._loudest = level
        if not slot % (LEARN_EVERY if self.delay is None else CHECK_EVERY):
            if self._loudest > HUSHED or self.delay is not None:
                self.learn()
            self._loudest = 0
        if self.delay is None:
            return 0
        at = slot - self.delay
        played = max(sent[(at - 1) & _LAST], sent[at & _LAST], sent[(at + 1) & _LAST])
        self._tail = max(int(played - self.loss), self._tail - DECAY, 0)
        return self._tail

    @property
    def sure(self) -> bool:
        """An echo is known, and not only since a moment ago."""
        return self.delay is not None and self._sure

    def learn(self) -> bool:
        """Compare what was sent and what came of late. True when they are alike: it was an echo."""
        if self._slot - self._sounded > FARTHEST + WINDOW:
            return False
        came = self._window(self._came, WINDOW)
        sent = self._window(self._sent, WINDOW + FARTHEST)
        delay, alike = self._again(sent, came)
        if alike < AGAIN:
            every = _likeness(sent, came)
            delay, alike = FARTHEST - int(every.argmax()), float(every.max())
            if alike < ALIKE or _likeness_within(sent, came, delay) < WITHIN:
                self._at_most(sent, came)
                self._seen = max(0.0, self._seen - _DOUBT)
                self._sure = self._sure and self._seen >= 1
                return False
        loss = _loss(sent, came, delay)
        if loss is None:
            return self.delay is not None
        self._see(delay, alike)
        self.loss = loss if self.delay is None else self.loss + max(-_LOUDER_BY, (loss - self.loss) / 2)
        self.delay = delay
        return True

    def _see(self, delay: int, alike: float) -> None:
        """Once more, or another one than before; a look at nearly the same moments does not count."""
        if self.delay is None or abs(delay - self.delay) > 2:
            self._seen, self._seen_at, self._sure = 1, self._slot, alike >= BEYOND_DOUBT
        elif alike >= ALIKE and self._slot - self._seen_at >= OTHER_MOMENTS:
            self._seen, self._seen_at = min(self._seen + 1, 2 * SURE), self._slot
            self._sure = self._sure or self._seen >= SURE

    def _again(self, sent: Levels, came: Levels) -> tuple[int, float]:
        """The delay that was known before, or one close to it, and how alike they are there."""
        if self.delay is None:
            return 0, 0.0
        first = max(0, FARTHEST - self.delay - 2)
        near = _likeness(sent[first : FARTHEST - self.delay + 2 + WINDOW], came)
        return FARTHEST - first - int(near.argmax()), float(near.max())

    def own(self, begin_ms: float, end_ms: float, faint: float) -> tuple[float, float] | None:
        """Where the far end's sound, from so long ago to so long ago, was somebody's: begin and end, ms ago.

        (0, 0): nowhere. None: the bot did not sound then, or nothing is known. An echo that became known since is known
        here.
        """
        first = self._slot - min(int(begin_ms / SLOT_MS), _SLOTS - FARTHEST - 2 * _AHEAD)
        last = self._slot - max(0, int(end_ms / SLOT_MS))
        if first < self._known_from:
            return None
        if first > last or max(self._between(self._sent, first - FARTHEST, last + 1)) <= _LOUD:
            return None
        delay = self.delay if self.sure else None
        played = self._between(self._sent, first - (delay or 0) - 1, last + 2 - (delay or 0))
        loss = self.loss if delay is not None else None
        found = own_sound(self._between(self._came, first, last + 1), played, loss, max(HUSHED, faint))
        if found is None:
            return 0.0, 0.0
        if delay is None:
            return None
        return (self._slot - first - found[0] + 1) * SLOT_MS, (self._slot - first - found[1] + 1) * SLOT_MS

    def _window(self, ring: bytearray, slots: int) -> Levels:
        """The newest slots, oldest first."""
        return np.frombuffer(self._between(ring, self._slot + 1 - slots, self._slot + 1), np.uint8).astype(np.float32)

    def _between(self, ring: bytearray, first: int, end: int) -> bytearray:
        first, end = first & _LAST, end & _LAST
        return ring[first:end] if first <= end else ring[first:] + ring[:end]

    def _at_most(self, sent: Levels, came: Levels) -> None:
        """No echo was seen. One that is expected cannot be much louder than what came."""
        if self.delay is None:
            return
        seen = _loss(sent, came, self.delay)
        if seen is not None and seen > self.loss + _CHANGED:
            self.loss += (seen - self.loss) / 2
        if self.loss > _NO_ECHO:
            self.delay = None

    def _jump(self, due: int) -> int:
        """Frames did not come, or too many at once: begin again at the slot that is due. What comes late, all at once,
        has no place among what was sent: whose it is cannot be told."""
        if due < self._slot or due - self._slot > _STOOD_STILL:
            self._known_from = due
        for n in range(max(self._slot + 1, due - _LAST), due):
            self._sent[(n + _AHEAD) & _LAST] = self._came[n & _LAST] = 0
        return due


def _likeness(sent: Levels, came: Levels) -> Levels:
    """Correlation of `came` with each stretch of `sent`, the longest delay first; 0 where either hardly moves."""
    runs = np.lib.stride_tricks.sliding_window_view(sent, len(came))
    spread = float(came.std())
    if spread < _CAME_MOVES:
        return np.zeros(len(runs), np.float32)
    spreads = runs.std(axis=1)
    alike = (runs @ (came - came.mean())) / (len(came) * spread * np.maximum(spreads, _SENT_MOVES))
    result: Levels = np.where(spreads < _SENT_MOVES, 0, alike)
    return result


def _likeness_within(sent: Levels, came: Levels, delay: int) -> float:
    """Correlation over the frames in which the bot sounded, at this delay; 0 where there are few."""
    then = sent[FARTHEST - delay : FARTHEST - delay + len(came)]
    loud = np.convolve(then > _LOUD, np.ones(7))[: len(then)] > 0  # with the gaps behind its syllables
    then, came = then[loud], came[loud]
    if len(came) < ENOUGH or then.std() < _CAME_MOVES or came.std() < _CAME_MOVES:
        return 0.0
    return float(np.corrcoef(then, came)[0, 1])


def _loss(sent: Levels, came: Levels, delay: int) -> float | None:
    """What 95 % of the loud frames lose at least, at this delay; None where too few are loud to tell."""
    around = np.lib.stride_tricks.sliding_window_view(np.pad(sent, 1), 3).max(axis=1)
    around = around[FARTHEST - delay : FARTHEST - delay + len(came)]
    loud = around > _LOUD
    lost = np.sort((around - came)[loud])
    return float(lost[len(lost) // 20]) if len(lost) >= ENOUGH else None
