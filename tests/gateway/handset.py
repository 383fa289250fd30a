"""The test bed's telephone in the hand of a test: it sends what the test says when the test says so, and no more."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from typing import Any, Self

from testbed.patience import PATIENCE_S
from testbed.telephone.carrier import Debugger
from testbed.telephone.heard import Heard
from testbed.telephone.stream import FRAME, PERFECT, Conditions, MediaStream
from tests.gateway.webhook import ask_webhook, stream_of

SILENCE = b"\xff" * FRAME
LOUD = bytes([0x10, 0x90] * (FRAME // 2))


class Handset(MediaStream):
    """One Media Stream, `MZ1`. When it is closed, the carrier must have had nothing to complain about."""

    def __init__(self, conditions: Conditions = PERFECT) -> None:
        self.heard, self.debugger = Heard(time.monotonic()), Debugger()
        super().__init__("MZ1", self.heard, self.debugger, conditions, lambda: None)

    async def dial(self, base_url: str, call_sid: str = "CA1", query: str = "", **form: str) -> Self:
        url, given = stream_of(await ask_webhook(base_url, call_sid, query, **form))
        await self.open(url, {}, call_sid, "AC1", given)
        return self

    async def speak(self, ms: int, frame: bytes = LOUD, paced: bool = False) -> None:
        for _ in range(ms // 20):
            self.send_frame(base64.b64encode(frame).decode())
            if paced:
                await asyncio.sleep(0.02)

    @property
    def played(self) -> bytes:
        """What the caller has heard; the holes in it are not kept."""
        return self.heard.sounded(time.monotonic())

    async def until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - that time has passed and sound was played, nobody tells
                await asyncio.sleep(0.005)

    async def hang_up(self) -> None:
        self.stop()
        await self.close()

    async def close(self) -> None:
        self.wire.close()
        await self.close_code()
        assert not self.debugger.warnings, self.debugger.warnings

    async def close_code(self) -> int:
        """The code the stream was closed with, once it is."""
        return await asyncio.wait_for(asyncio.shield(self.closed), PATIENCE_S)
