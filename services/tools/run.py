"""One intent being done, and those who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from services.tools.contract import UNKNOWN, Intent, Outcome

MAX_PROGRESS = 32
MAX_PROGRESS_CHARS = 300


class Run:
    """Owned by the executor; streams follow it, and may come and go. Ends with an outcome or an error, once."""

    def __init__(self, intent: Intent, effects: bool, claim: str) -> None:
        self.intent = intent
        self.claim = claim
        self.hash = intent.hash
        self.effects = effects
        self.followers = 0
        self.outcome: Outcome | None = None
        self.error: Exception | None = None
        self.task: asyncio.Task[None] | None = None
        self._progress: list[str] = []
        self._followed = False
        self._changed = asyncio.Event()

    @property
    def abandoned(self) -> bool:
        """Cancelled because nobody follows it any more."""
        return self.task is not None and self.task.cancelling() > 0

    @property
    def ended(self) -> bool:
        return self.outcome is not None or self.error is not None

    def progress(self, text: str) -> None:
        """A sentence for the caller. After MAX_PROGRESS of them, or after the end, it is dropped."""
        if not self.ended and len(self._progress) < MAX_PROGRESS and text.strip():
            self._progress.append(text.strip())
            self._change()

    def end(self, outcome: Outcome | None = None, error: Exception | None = None) -> None:
        if not self.ended:
            self.outcome, self.error = outcome, error
            self._change()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def follow(self, limit_s: float) -> AsyncGenerator[str | Outcome, None]:
        """Progress, then the outcome, last; UNKNOWN when it takes longer than `limit_s`, and the run goes on.

        When the last follower of a run without effects leaves early, the run is cancelled; one with effects never is.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + limit_s
        told = len(self._progress) if self._followed else 0  # who asks again has been told
        self._followed = True
        self.followers += 1
        try:
            while True:
                for text in self._progress[told:]:
                    told += 1
                    yield text
                if self.error is not None:
                    raise self.error
                if self.outcome is not None:
                    yield self.outcome
                    return
                if not await _set_before(self._changed, until - loop.time()):
                    yield UNKNOWN
                    return
        finally:
            self.followers -= 1
            if not self.followers and not self.effects and not self.ended and self.task is not None:
                self.task.cancel()


async def _set_before(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
