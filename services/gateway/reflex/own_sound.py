"""Where in a stretch of the caller's side somebody sounded, and not only the bot's echo. Pure; one level per 20 ms.

A recogniser makes words of an echo, and not always the bot's: misheard, merged, late. What they are can be doubted, how
loud they were can not: where nothing was louder than the echo, they are the echo's.
"""

from __future__ import annotations

from collections.abc import Sequence

MARGIN = 8
"""3 dB: an echo is not the same in every frame."""
DECAY = 7
"""How fast a room falls silent: 6 units a slot, 110 dB/s."""
_RUN, _OF = 4, 6
"""So many frames among so many (80 of 120 ms) are somebody; fewer are a syllable whose echo was louder than most."""


def own_sound(came: Sequence[int], played: Sequence[int], loss: float | None, faint: float) -> tuple[int, int] | None:
    """First frame that is somebody's, and the first behind the last; None where there is none.

    `played`: what the bot sent, so much earlier as its echo takes; `loss`: level units on the way, None where no echo
    is known. What is no louder than `faint` is nobody.
    """
    begin, end, recent, tail = -1, 0, 0, 0.0
    for place, (level, *around) in enumerate(zip(came, played, played[1:], played[2:], strict=False)):
        if loss is not None:
            tail = max(max(around) - loss, tail - DECAY, 0.0)
        own = level > faint and not (tail > 0 and level <= tail + MARGIN)
        recent = (recent << 1 | own) & ((1 << _OF) - 1)
        if recent.bit_count() >= _RUN:
            begin = place + 1 - recent.bit_length() if begin < 0 else begin
            end = place + 1 if own else end
    return (begin, end) if begin >= 0 else None
