"""What the caller says before the mind has told what this agent's callers are asked for: it waits, and is hidden then.

So a caller who is back at a gateway that never asked, and goes on with a card's number at once, tells nobody a digit.
"""

from __future__ import annotations

from collections import deque

from prometheus_client import Counter

from parley.v1 import conversation_pb2

MAX_EARLY = 256
"""Events of one leg; of more the oldest go."""
_SAID = frozenset(("speech", "typed", "dtmf"))
LOST = Counter(
    "voice_early_words_lost_total", "Words and keys before a leg's session that were too many to wait for it"
)

CallEvent = conversation_pb2.CallEvent


class Early:
    """Of one leg."""

    def __init__(self) -> None:
        self._waiting: deque[CallEvent] | None = deque()

    def holds(self, event: CallEvent) -> bool:
        """Whether it waits from now on; else it may go on."""
        if self._waiting is None or event.WhichOneof("event") not in _SAID:
            return False
        if len(self._waiting) >= MAX_EARLY:
            self._waiting.popleft()
            LOST.inc()
        self._waiting.append(event)
        return True

    def known(self) -> list[CallEvent]:
        """The session is there: nothing waits any more. What has waited, in order."""
        waited = list(self._waiting or ())
        self._waiting = None
        return waited
