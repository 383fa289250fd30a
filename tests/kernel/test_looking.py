"""A change is looked at when it is heard of; what is not heard is seen all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from parley.bus.looking import AWAY_S, LOOK_S, Looking
from testbed.virtual_loop import run


class Bus:
    """What `Looking` needs of one."""

    write: Callable[[], Awaitable[None]]
    connect: Callable[[], Awaitable[None]]

    def subscribe(self, subject: str, on_message: Any) -> None:
        self.write = lambda: on_message(subject, b"", {})

    def on_connect(self, callback: Any) -> None:
        self.connect = lambda: callback(self)

    async def tried(self, timeout_s: float) -> bool:
        return True


def test_a_write_is_looked_at_twice_and_what_nobody_told_of_in_the_end() -> None:
    async def call() -> None:
        loop, looks, bus = asyncio.get_running_loop(), list[float](), Bus()

        async def look() -> bool:
            looks.append(round(loop.time() - began, 2))
            return True

        began = loop.time()
        async with Looking(bus, "$KV.x.>", look).kept():  # type: ignore[arg-type]
            await asyncio.sleep(5)
            await bus.write()
            await asyncio.sleep(5)
            await bus.connect()
            await asyncio.sleep(LOOK_S + 1)
        assert looks == [0.0, 5.05, 6.0, 10.0, 25.0]

    run(call())


def test_what_could_not_be_looked_at_is_tried_again_also_after_a_fault_of_ours() -> None:
    async def call() -> None:
        looks, bus = list[float](), Bus()

        async def look() -> bool:
            looks.append(asyncio.get_running_loop().time())
            if len(looks) == 1:
                raise ZeroDivisionError
            return len(looks) > 2

        async with Looking(bus, "$KV.x.>", look).kept():  # type: ignore[arg-type]
            await asyncio.sleep(3 * AWAY_S)
        assert len(looks) == 3

    run(call())
