"""What a stand-in does wrong, on purpose.

    sim.faults.add(Fault("refuse", status=429, times=2))     # the next two requests are refused, then all is well

A request or connection takes the first fault that has times left and keeps it for its life. Kinds:

- refuse   answers the request, or the WebSocket upgrade, with `status`
- slow     waits `after_ms` before it answers at all; what is struck in its middle stands still for so long
- stall    accepts, takes everything, answers nothing (from `after_ms` / `after_items` on)
- garbage  sends something that is not the protocol, then goes on
- error    sends the vendor's own error message (`message`, `status` or `code`), then ends
- close    closes with `code` (0: cuts the connection without a goodbye)

`stall`, `garbage`, `error` and `close` begin after `after_ms` of the connection's life, `after_bytes` received and
`after_items` sent, all of them reached.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

Kind = Literal["refuse", "slow", "stall", "garbage", "error", "close"]
GARBAGE = '{"type": "Results", "channel": {"altern'


@dataclass(slots=True)
class Fault:
    """One way to fail; `times` None means until cleared. `only` limits it to requests that contain that text.

    It is looked for in the path, with ElevenLabs' voice; at Deepgram in the query too; at OpenAI in a chat's body too.
    """

    kind: Kind
    status: int = 503
    code: int = 1011
    message: str = "the stand-in was told to fail"
    after_ms: float = 0
    after_bytes: int = 0
    after_items: int = 0
    times: int | None = None
    only: str = ""

    def begins(self, age_ms: float, received: int = 0, sent: int = 0) -> bool:
        """Whether a fault in the middle of a connection is due."""
        return age_ms >= self.after_ms and received >= self.after_bytes and sent >= self.after_items

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> "Fault":
        """From JSON. Raises ValueError that names the field."""
        known = {field.name for field in fields(cls)}
        unknown = set(data) - known
        if unknown:
            raise ValueError(f"fault: unknown field {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
        if data.get("kind") not in get_args(Kind):
            raise ValueError(f"fault: kind {data.get('kind')!r} must be one of {', '.join(get_args(Kind))}")
        return cls(**data)


class Faults:
    """The faults a stand-in will take, in order."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, asked: str = "") -> Fault | None:
        """The fault for a new request, counted as used. `asked`: its path and what else `only` may be found in."""
        for fault in self._waiting:
            if fault.only in asked and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
