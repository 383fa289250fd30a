"""Whether the far end is there at all: a telephone's sound seldom ceases, also when nobody speaks. Pure.

Where it ceases and no mark comes back either, the network between here and the carrier stands still, both ways: what is
sent waits on its way and is not played. It must not count as heard.
"""

from __future__ import annotations

STEADY_MS = 2_000.0
"""A line that has given sound for so long without a break gives it always."""
SILENT_MS = 700.0


class LinkStall:
    """Told of each frame; all times are ms of one clock."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._last = 0.0

    def frame(self, now: float) -> bool:
        """A frame has come. True: the line had stood still until now."""
        stood_still = self.stands_still_since(now) is not None
        if self._since is None or (now - self._last > SILENT_MS and not stood_still):
            self._since = now
        self._last = now
        return stood_still

    def stands_still_since(self, now: float) -> float | None:
        """When the last frame came, if more are long overdue."""
        steady = self._since is not None and self._last - self._since >= STEADY_MS
        return self._last if steady and now - self._last > SILENT_MS else None
