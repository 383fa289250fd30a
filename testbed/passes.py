"""Counts passes of the event loop: what happens in one of them happens before anything else is due."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Passes:
    """`n`: of how many it knows by now."""

    def __init__(self) -> None:
        self.n = 0
        self._count()

    def _count(self) -> None:
        self.n += 1
        self._next = asyncio.get_running_loop().call_soon(self._count)

    def stop(self) -> None:
        self._next.cancel()


@contextmanager
def counted() -> Iterator[Passes]:
    """While the body runs; the loop does not rest meanwhile."""
    passes = Passes()
    try:
        yield passes
    finally:
        passes.stop()
