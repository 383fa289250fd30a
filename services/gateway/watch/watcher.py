"""Who looks on at one leg: told of everything that passes, in order, and changing nothing of it."""

from __future__ import annotations

from typing import Literal, Protocol

from parley.v1 import conversation_pb2

TurnBy = Literal["voice", "button", "text"]


class Seen(Protocol):
    """What a watcher may ask of a mouth.

    `sounded`: the utterance last known to have begun at the caller's ear, and when (ms). `waiting`: something is to be
    said or heard yet. `speaking`: something sounds, or was paused in its middle.
    """

    sounded: tuple[int, float]
    paused: bool

    @property
    def waiting(self) -> bool: ...

    @property
    def speaking(self) -> bool: ...

    def progress(self) -> tuple[int, str, int] | None:
        """Utterance, its text so far, and how many characters of it were heard."""


class Watcher:
    """Each overrides what it looks at."""

    def event(self, event: conversation_pb2.CallEvent) -> None:
        """The body reports it; the mind was told."""

    def turn_began(self, speech_end: float, by: TurnBy) -> None:
        """The caller is done since `speech_end` (ms, monotonic): the bot is at turn."""

    def command(self, command: conversation_pb2.CallCommand) -> None:
        """The mind wants it; the body has not obeyed yet."""

    def moved(self, mouth: Seen) -> None:
        """A command was obeyed, or the far end told how far it is."""

    def over(self) -> None:
        """The leg is over; its mouth may still tell what was heard."""
