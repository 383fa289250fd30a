"""What a policy is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.stt.contract import Endpointing, Pauses

MIN_DELAY_MS = 500
"""Silence after which finished words end the turn, unless the recogniser itself says that they do."""
MAX_DELAY_MS = 2000
"""Silence after which anything ends the turn."""
FLUSH_FROM_MS, FLUSH_BY_MS = 200, 400
"""Silence after which the recogniser is asked for the words it still holds: when they look complete, and at last."""
FLUSH_TAKES_MS = 250
"""A recogniser answers within this."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """The caller is silent after `text`: finals, and the interim after them.

    `behind`: there was voice after these words, and what it said is not known yet. `vendor_final`: the recogniser says
    that the speech is over; `vendor_over`, `audio_over`: how likely the turn is over, 0..1, in the recogniser's opinion
    and in that of the audio model; None: it has none.
    """

    wish: Endpointing
    text: str
    pauses: Pauses = Pauses()
    language: str = "en"
    behind: bool = False
    vendor_final: bool = False
    vendor_over: float | None = None
    audio_over: float | None = None

    @property
    def min_ms(self) -> int:
        """0 by default when the recogniser has made up its mind: its own silence is in that already."""
        return self.wish.min_delay_ms or (0 if self.vendor_final else self.flush_ms)

    @property
    def flush_ms(self) -> int:
        return self.wish.min_delay_ms or min(MIN_DELAY_MS, self.max_ms)

    @property
    def max_ms(self) -> int:
        return self.wish.max_delay_ms or max(MAX_DELAY_MS, self.wish.min_delay_ms)


@dataclass(frozen=True, slots=True)
class Wait:
    """`ms`: silence after the last word that ends the turn; None: no silence does. `over`: how likely it is over, 0..1.

    `flush_ms`: silence after which the recogniser is asked for the words that it still holds.
    """

    ms: int | None
    over: float
    flush_ms: int

    @classmethod
    def soon(cls, ms: int, over: float) -> Wait:
        """Asks for the words so early that they are there when the wait is over."""
        return cls(ms, over, min(FLUSH_BY_MS, max(FLUSH_FROM_MS, ms - FLUSH_TAKES_MS)))


Policy = Callable[[Quiet], Wait]
"""Pure; asked again whenever something of the Quiet has changed."""
