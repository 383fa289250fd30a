"""Tasks with an owner, for places where a TaskGroup cannot stand.

Wait with `asyncio.timeout`, not with `asyncio.wait_for`: in Python 3.11 the latter loses a cancellation that meets the
end of what it waits for, and the task then runs on for ever. Libraries do: who must stop is told again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")

AGAIN_S = 5.0
"""A task that has not ended by then has lost its cancellation: no clean-up takes so long."""


@asynccontextmanager
async def background(*coros: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run coroutines beside the body; cancel and await them when the body is left, however it is left.

    Safe around a `yield` of an async generator, where a TaskGroup is not: closing the generator early raises
    GeneratorExit through the body, and a TaskGroup would turn that into an exception group.
    A background task that fails does not interrupt the body: its error is raised when the body ends without one of
    its own. Let a task hand its failure to the body through the queue that they share.
    """
    tasks = [asyncio.ensure_future(coro) for coro in coros]
    try:
        yield tasks
    except BaseException:
        await _stop(tasks)
        raise
    for error in await _stop(tasks):
        raise error


async def _stop(tasks: Collection[asyncio.Task[Any]]) -> list[BaseException]:
    """Cancel tasks until they have ended. Gives the errors that are not cancellations."""
    again: list[asyncio.TimerHandle] = []
    _cancel(tasks, again)
    try:
        results = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        again[0].cancel()
    return [r for r in results if isinstance(r, BaseException) and not isinstance(r, asyncio.CancelledError)]


def _cancel(tasks: Collection[asyncio.Task[Any]], again: list[asyncio.TimerHandle]) -> None:
    """Now, and once more later. No closure: one that named itself would keep all that these tasks have known."""
    for task in tasks:
        task.cancel()
    again[:] = [asyncio.get_running_loop().call_later(AGAIN_S, _cancel, tasks, again)]


async def pump(items: AsyncGenerator[Item, None], queue: asyncio.Queue[Item | Exception | None]) -> None:
    """Puts all items into the queue; then None, or the error that they ended with. Waits where the queue is full."""
    end: Exception | None = None
    try:
        async with aclosing(items):
            async for item in items:
                await queue.put(item)
    except Exception as e:
        end = e
    await queue.put(end)


class Turnstile:
    """Lets one task through in each pass of the event loop, in the order in which they came.

    What wants the same at one moment, as all calls of a peer that is gone, holds up nothing else that is due.
    """

    def __init__(self) -> None:
        self._free = asyncio.Lock()

    async def passed(self) -> None:
        async with self._free:
            await asyncio.sleep(0)


class TaskSet:
    """Owns tasks whose number is not known beforehand; `close` cancels and awaits them all.

    A task that fails with anything but cancellation is handed to `on_error`, so that nothing fails unseen.
    """

    def __init__(self, on_error: Any) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_error = on_error

    def spawn(self, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(coro)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_error(error)

    def __len__(self) -> int:
        return len(self._tasks)

    async def close(self) -> None:
        await _stop(list(self._tasks))
