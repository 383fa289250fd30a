"""The owner's clock: what `at_ms` of every event is read from."""

from __future__ import annotations

import time

_START = time.time() - time.monotonic()


def now_ms() -> int:
    """Milliseconds since 1970, never going backwards within the process."""
    return int((_START + time.monotonic()) * 1000)
