"""What the parts of the MCP client say to each other. None of them needs the SDK for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

LIST_ROOM_S = 0.2  # that a list of tools waits for servers that have not said yet what they can do
MAX_LISTED = 256
MAX_MESSAGE_BYTES = 1 << 20


class Down(Exception):
    """The connection is lost, or was never made. The text is for the log: no secret, nothing that a server wrote."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A tool as its server describes it: nothing here is believed. Hints are None where the server is silent."""

    name: str
    description: str
    schema: Mapping[str, Any]
    reads: bool | None = None
    destroys: bool | None = None
    repeatable: bool | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """What a call of a tool came back with, as it was sent. `others`: kinds of content beside text and data."""

    texts: tuple[str, ...]
    data: Any
    failed: bool
    others: tuple[str, ...] = ()


class Session(Protocol):
    """A connection that stands."""

    async def tools(self) -> list[Listed]:
        """Raises Down."""
        ...

    async def call(self, tool: str, arguments: dict[str, Any], key: str, timeout_s: float) -> Returned:
        """Raises ToolError (it was not done), Unsure (who knows)."""
        ...
