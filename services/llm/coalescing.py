"""Words of a model put together into fewer messages: each costs some 50 us on both sides."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator

from parley.aio import background, pump
from parley.text.punctuation import CLAUSES, CLOSING, ENDS, SPACED_CLAUSES, SPACED_ENDS, UNMARKED, width
from services.llm.contract import LlmEvent, TextDelta

HOLD_S = 0.05  # words that end no phrase wait this long for more
# The voice begins with the first phrase. It has ended at the latest after this many characters, or at a mark this far.
FIRST_CHARS = 48
FIRST_MARK = 12
_QUEUE = 256
_MARKS = re.escape(SPACED_ENDS + ENDS + SPACED_CLAUSES + CLAUSES)
_MARK = re.compile(rf"[{_MARKS}\n]|[{UNMARKED}] | [{UNMARKED}]")
_MARKUP = re.compile(r"[\])>`】]")  # its end may let go of a phrase that has a mark inside
# The end of a first phrase for certain: a full stop after a short word may be an abbreviation's.
_PHRASE = re.compile(rf"(?:(?![.])[{_MARKS}\n]|\w{{5,}}\.)[{re.escape(CLOSING)}]*\s|[{re.escape(ENDS)}]")


class Pace:
    """Which words are waited for: the very first, a mark that may end a phrase, and what shows that it did.

    The first phrase also ends without a mark, by its length.
    """

    def __init__(self) -> None:
        self._begun = ""
        self._speaking = False
        self._marked = False

    def urgent(self, delta: str) -> bool:
        """Whether the next delta of the round must not be held."""
        marked = bool(_MARK.search(delta) or _MARKUP.search(delta))
        urgent = marked or self._marked or not self._begun
        self._marked = marked or (self._marked and not delta.strip(CLOSING))
        if not self._speaking:
            self._begun += delta
            marks = (mark.end() >= FIRST_MARK for mark in _PHRASE.finditer(self._begun))
            long = width(self._begun) > FIRST_CHARS
            self._speaking = long or any(marks)
            urgent = urgent or long
        return urgent


async def coalesced(events: AsyncGenerator[LlmEvent, None]) -> AsyncGenerator[LlmEvent, None]:
    """The same events in the same order; words that are ready together, or within `HOLD_S`, come as one.

    Nothing that the voice waits for is held (see Pace), nor anything but words.
    """
    queue: asyncio.Queue[LlmEvent | Exception | None] = asyncio.Queue(_QUEUE)
    loop, pace = asyncio.get_running_loop(), Pace()
    held: list[str] = []
    send = False
    timer: asyncio.TimerHandle | None = None

    def time_is_up() -> None:
        nonlocal send
        send = True
        if queue.empty():
            queue.put_nowait(TextDelta(""))

    async with background(pump(events, queue)):
        try:
            while True:
                item = await queue.get()
                if isinstance(item, TextDelta):
                    if item.text:
                        held.append(item.text)
                        send = pace.urgent(item.text) or send
                    if not queue.empty():
                        continue
                    if not send:
                        timer = timer or loop.call_later(HOLD_S, time_is_up)
                        continue
                if timer is not None:
                    timer.cancel()
                    timer = None
                if held:
                    yield TextDelta("".join(held))
                held, send = [], False
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise item
                if not isinstance(item, TextDelta):
                    yield item
        finally:
            if timer is not None:
                timer.cancel()
