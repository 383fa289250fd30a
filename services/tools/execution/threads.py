"""Where sync tools run: a bounded number of daemon threads, so that one that never ends cannot hold up a stop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any

SIZE = 32


class Threads:
    """At most `size` functions at once; more wait their turn, within their own time limit."""

    def __init__(self, size: int = SIZE) -> None:
        self._free = asyncio.Semaphore(size)

    async def run(self, function: Callable[[], Any]) -> Any:
        """The function's value or exception. Cancelling stops the waiting; the function itself runs to its end."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()

        def body() -> None:
            value: Any = None
            error: BaseException | None = None
            try:
                value = context.run(function)
            except BaseException as e:  # it belongs to whoever awaits
                error = RuntimeError("StopIteration out of a tool") if isinstance(e, StopIteration) else e
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(self._deliver, done, value, error)

        try:
            threading.Thread(target=body, name="tool", daemon=True).start()
        except RuntimeError:
            self._free.release()
            raise
        return await done

    def _deliver(self, done: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
        self._free.release()
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(value)
