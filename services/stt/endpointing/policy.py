"""What a policy is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.stt.contract import Endpointing, Pauses

MIN_DELAY_MS = 500
"""Silence after which finished words end the turn, unless the recogniser itself says that they do."""
MAX_DELAY_MS = 2000
"""Silence after which anything ends the turn."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """The caller is silent after `text`. `vendor_final`: the recogniser says that the speech is over."""

    wish: Endpointing
    vendor_final: bool
    text: str
    pauses: Pauses

    @property
    def min_ms(self) -> int:
        """0 by default when the recogniser has made up its mind: its own silence is in that already."""
        return self.wish.min_delay_ms or (0 if self.vendor_final else self.flush_ms)

    @property
    def flush_ms(self) -> int:
        """Silence after which the recogniser is asked for the words that it still holds."""
        return self.wish.min_delay_ms or min(MIN_DELAY_MS, self.max_ms)

    @property
    def max_ms(self) -> int:
        return self.wish.max_delay_ms or max(MAX_DELAY_MS, self.wish.min_delay_ms)


Policy = Callable[[Quiet], int | None]
"""Silence in ms after the last word that ends the turn; None: no silence does."""
