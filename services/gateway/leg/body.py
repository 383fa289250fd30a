"""What a leg hears and speaks with: ears and a mouth, typed text, or one model that does both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from parley.v1 import conversation_pb2
from services.gateway.call import Call, Wire
from services.gateway.organs import Organs
from services.gateway.watch.watcher import Seen, TurnBy


class Reports(Protocol):
    """The leg, as its body sees it. Whoever tells does not wait."""

    def tell(self, event: conversation_pb2.CallEvent) -> None:
        """For the mind and all who look on."""

    def turn_began(self, speech_end: float, by: TurnBy) -> None:
        """The caller is done since `speech_end` (ms, monotonic): the bot is at turn."""


class Body(Protocol):
    """Made with the leg. Only `run` and `close` wait; times are ms on the monotonic clock."""

    @property
    def mouth(self) -> Seen: ...

    @property
    def hearing(self) -> bool:
        """The caller is speaking, or has spoken and is not surely done."""

    # From the far end

    def audio(self, frame: bytes, now: float) -> None:
        """One frame of the caller's sound, in the leg's format."""

    def returned(self, mark: str) -> bool:
        """A mark came back. False when it was never sent."""

    def typed(self) -> None:
        """The caller wrote a turn: an answer will be wanted."""

    def button(self, pressed: bool) -> None:
        """Push-to-talk: pressed, or let go."""

    def push_to_talk(self, on: bool) -> None:
        """From now on the button alone says when the caller speaks; or, again, their voice does."""

    # From the mind

    def take(self, command: conversation_pb2.CallCommand) -> bool:
        """Obey. False: this body has no use for it."""

    def state(self, turn: int) -> conversation_pb2.Mouth:
        """What the mouth is doing, for a new owner; `turn` is the highest seen on any command."""

    # Life

    async def run(self) -> None:
        """Until cancelled, or there is nothing to do."""

    async def close(self) -> None:
        """The far end is gone: tell what it has heard of what was being said."""


MakeBody = Callable[[Call, Wire, Organs, Reports], Body]
