"""One intent being done, and those who wait for it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress

from services.tools.contract import UNKNOWN, Intent, Outcome, Shown

MAX_PROGRESS = 32
MAX_PROGRESS_CHARS = 300
SHOW_PACE_S = 0.25
"""Cards are told of no faster; of a name the newest counts."""
MAX_SHOWN_BYTES = 64 * 1024
"""Told of cards while a run goes on, as all of it is kept with the call; then only how they stand at its end."""


class Run:
    """Owned by the executor; streams follow it, and may come and go. Ends with an outcome or an error, once."""

    def __init__(self, intent: Intent, effects: bool, claim: str) -> None:
        self.intent = intent
        self.claim = claim
        self.hash = intent.hash
        self.effects = effects
        self.again = False
        """Another process has begun it, and died: nobody knows how far it got."""
        self.followers = 0
        self.outcome: Outcome | None = None
        self.error: Exception | None = None
        self.task: asyncio.Task[None] | None = None
        self._progress: list[str] = []
        self._shown: dict[str, Shown] = {}
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

    def show(self, shown: Shown) -> None:
        """A card's new value, in place of the one before. After the end it is dropped."""
        if not self.ended:
            self._shown[shown.name] = shown
            self._change()

    def end(self, outcome: Outcome | None = None, error: Exception | None = None) -> None:
        if not self.ended:
            self.outcome, self.error = outcome, error
            self._change()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def follow(self, limit_s: float) -> AsyncGenerator[str | Shown | Outcome, None]:
        """Progress and cards, then the outcome, last; UNKNOWN when it takes longer than `limit_s`, and the run goes on.

        When the last follower of a run without effects leaves early, the run is cancelled; one with effects never is.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + limit_s
        told = len(self._progress) if self._followed else 0  # who asks again has been told
        cards = _Cards()  # and sees the cards as they are now
        self._followed = True
        self.followers += 1
        try:
            while True:
                changed, over = self._changed, loop.time() >= until
                for text in self._progress[told:]:
                    told += 1
                    yield text
                for shown in cards.new(self._shown, loop.time(), self.ended or over):
                    yield shown
                if self.error is not None:
                    raise self.error
                if self.outcome is not None:
                    yield self.outcome
                    return
                if over:
                    yield UNKNOWN
                    return
                await _set_before(changed, min(until, cards.due) - loop.time())
        finally:
            self.followers -= 1
            if not self.followers and not self.effects and not self.ended and self.task is not None:
                self.task.cancel()


class _Cards:
    """What one follower has been told of the cards. `due`: when there is something to tell, by the loop's clock."""

    def __init__(self) -> None:
        self.due = math.inf
        self._told: dict[str, Shown] = {}
        self._at = -math.inf
        self._bytes = 0

    def new(self, shown: Mapping[str, Shown], now: float, last: bool) -> list[Shown]:
        """What is to be told now. `last`: there is no later."""
        news = [each for name, each in shown.items() if self._told.get(name) is not each]
        self.due = math.inf
        if not news or (self._bytes > MAX_SHOWN_BYTES and not last):
            return []
        if now < self._at + SHOW_PACE_S and not last:
            self.due = self._at + SHOW_PACE_S
            return []
        self._told, self._at = dict(shown), now
        self._bytes += sum(each.ByteSize() for each in news)
        return news


async def _set_before(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
