"""The callers: each has a call that outlives many faults, and dials again when one did not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from parley.errors import ParleyError
from testbed.chaos.scene import Played, Scene, play
from testbed.chaos.talk import said_in
from testbed.telephone.phone import Call, CallOver, Phone

_DIAL_S = 15.0


class Caller:
    """`run` keeps a call up; `call` is the one there is."""

    def __init__(self, name: str, phone: Phone) -> None:
        self.name = name
        self._phone = phone
        self.call: Call | None = None
        self.losses: list[str] = []
        self._ready = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with self._phone.dial() as call:
                    await call.until_bot_speaks(call.born, _DIAL_S)
                    await call.until_bot_silent(600)
                    self.call = call
                    self._ready.set()
                    await call.until_over()
            except (CallOver, TimeoutError, ParleyError) as error:
                self.losses.append(f"not answered: {type(error).__name__}: {error}")
            self.call = None
            self._ready.clear()
            await asyncio.sleep(0.3)

    async def ready(self, timeout_s: float = 30.0) -> None:
        async with asyncio.timeout(timeout_s):
            await self._ready.wait()

    async def play(self, scene: Scene, strikes: float, quiet_ms: float) -> tuple[Call, Played]:
        """One scene on the call as it is now, until the bot is silent for `quiet_ms`."""
        assert self.call is not None
        call = self.call
        return call, await play(call, scene, strikes, quiet_ms)

    def why_over(self, call: Call) -> str:
        """How a call was lost that nobody ended; empty while it lasts."""
        return f"{call.ended_by or 'over'} {call.failure or ''}".strip() if call.over else ""


def understood(bodies: Sequence[dict[str, Any]], count: int) -> tuple[str, ...]:
    """The caller's lines of a scene with so many questions, as the last of its model requests has them, in order."""
    if not bodies:
        return ()
    first, last = (_lines(body) for body in (bodies[0], bodies[-1]))
    opening = first[-1].rstrip(".") if first else ""
    places = [place for place, line in enumerate(last) if opening and line.startswith(opening)]
    return tuple(last[places[-1] :] if places else last[-count:])


def _lines(body: dict[str, Any]) -> list[str]:
    """All that the caller said, without what the platform adds in brackets."""
    lines = [said_in(message) for message in body["messages"] if message["role"] == "user"]
    return [line for line in lines if line]
