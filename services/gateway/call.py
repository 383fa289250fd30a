"""What is known of a call when a leg of it begins, and what the leg can do at its far end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from parley.audio import AudioFormat

ChannelName = Literal["phone", "browser", "chat"]
DirectionName = Literal["inbound", "outbound"]


@dataclass(frozen=True, slots=True)
class Call:
    """One leg of one call. `leg` counts from 1; `caller`: who talks to the bot, whoever called whom; personal. `format`
    is None where there is no sound.

    `carrier`: its name, empty on a page. `way_back`: path by which it brings the call back as the next leg.
    `parameters`: what whoever brought the call here said of it, personal; `purpose`: what it is for.
    """

    call_id: str
    leg: int
    channel: ChannelName
    agent: str
    format: AudioFormat | None
    caller: str = ""
    called: str = ""
    carrier: str = ""
    way_back: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    direction: DirectionName = "inbound"
    purpose: str = ""


class Wire(Protocol):
    """The far end of a leg. Nothing here waits: a far end that does not read is closed."""

    def send_audio(self, data: bytes) -> None:
        """Sound in the leg's format, played on arrival, in order."""

    def clear(self) -> None:
        """Drop what was sent and has not been played."""

    def mark(self, name: str) -> None:
        """To be returned when everything sent before it was played (or cleared)."""

    def tell(self, message: dict[str, Any]) -> None:
        """Something for the page: subtitles, state, cards. Nothing on the telephone."""

    def tell_here(self, message: dict[str, Any]) -> None:
        """The same, for a page on this machine only: it may name files."""

    def close(self, code: int, reason: str) -> None:
        """End the socket. The leg's own end follows from it."""
