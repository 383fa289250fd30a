"""The text of one utterance: it grows as the caller thinks of it, and one engine after another reads from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from parley.errors import BadInput
from parley.text.words import has_words

MAX_PIECE = 4_000
MAX_TEXT = 40_000
"""Characters of one message, and of one utterance."""


class Script:
    """`watch` is the time-out of whoever waits for audio; new text brings it down to `patience_s` from now."""

    def __init__(self, patience_s: float) -> None:
        self.text = ""
        self.complete = False
        self.error: Exception | None = None
        self.first_at = 0.0
        """Loop time of the first words; 0 before."""
        self.last_at = asyncio.get_running_loop().time()
        self.watch: asyncio.Timeout | None = None
        self.patience_s = patience_s
        self._news = asyncio.Event()

    async def read(self, source: AsyncIterator[str]) -> None:
        """Take all of `source`. An error ends the wait of whoever watches, and is raised there."""
        try:
            async for piece in source:
                self._add(piece)
            self.complete = True
            self._tell(self.patience_s)
        except Exception as e:
            self.error = e
            self._tell(0)

    def _add(self, piece: str) -> None:
        if len(piece) > MAX_PIECE:
            raise BadInput(f"text: {len(piece):,} characters in one message; send at most {MAX_PIECE:,}")
        if len(self.text) + len(piece) > MAX_TEXT:
            raise BadInput(f"text: over {MAX_TEXT:,} characters in one utterance; open another stream")
        self.text += piece
        self.last_at = asyncio.get_running_loop().time()
        if not self.first_at and has_words(piece):
            self.first_at = self.last_at
        self._tell(self.patience_s)

    def _tell(self, patience_s: float) -> None:
        self._news.set()
        watch = self.watch
        if watch is not None and not watch.expired():
            limit = asyncio.get_running_loop().time() + patience_s
            when = watch.when()
            if when is None or when > limit:
                watch.reschedule(limit)

    async def pieces(self, begin: int) -> AsyncIterator[str]:
        """The text from `begin` on, all that there is each time; ends when the text is complete.

        Each piece has words: what makes no sound goes along with the words behind it, or is left out at the end. Some
        vendors refuse a text of punctuation alone, and none makes a sound of it.
        """
        at = begin
        while True:
            if has_words(self.text, at):
                piece, at = self.text[at:], len(self.text)
                yield piece
            elif self.complete:
                return
            else:
                self._news.clear()
                await self._news.wait()
