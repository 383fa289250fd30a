"""Sends what is due, each webhook for itself: one that is slow or gone keeps no other waiting."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import structlog

from parley.aio import TaskSet
from parley.errors import BadInput, NotFound, ParleyError, Unavailable
from parley.process.log_limit import Seldom
from services.backoffice.watchers.webhooks.deliveries import Deliveries, Delivery
from services.backoffice.watchers.webhooks.hooks import Hook, Hooks
from services.backoffice.watchers.webhooks.outside import Outside
from services.backoffice.watchers.webhooks.signing import headers

log = structlog.get_logger()

LOOK_S = 2.0
AT_ONCE = 4
"""Messages on their way to one webhook."""
CLEAR_S = 3600.0
MAX_WAIT_S = 86_400.0
GONE = 410
LATER = (429, 503)
OnGone = Callable[[Hook], Awaitable[None]]


class Sender:
    """`run` for ever. `on_gone`: a webhook answered 410 and was paused."""

    def __init__(self, hooks: Hooks, deliveries: Deliveries, outside: Outside, on_gone: OnGone) -> None:
        self._hooks, self._deliveries, self._outside, self._on_gone = hooks, deliveries, outside, on_gone
        self._news = asyncio.Event()
        self._busy: set[str] = set()
        self._trouble = Seldom()

    def wake(self) -> None:
        """Something is due."""
        self._news.set()

    async def run(self) -> None:
        tasks = TaskSet(lambda e: log.error("sending to a webhook broke", exc_info=e))
        cleared = time.monotonic()
        try:
            while True:
                self._news.clear()
                try:
                    for hook in await self._hooks.all():
                        if hook.active and hook.id not in self._busy:
                            self._busy.add(hook.id)
                            tasks.spawn(self._serve(hook))
                    if time.monotonic() - cleared > CLEAR_S:
                        cleared = time.monotonic()
                        await self._deliveries.clear()
                except Unavailable as e:
                    self._trouble.warning("webhooks wait for the database", error=str(e))
                try:
                    async with asyncio.timeout(LOOK_S):
                        await self._news.wait()
                except TimeoutError:
                    continue
        finally:
            await tasks.close()

    async def _serve(self, hook: Hook) -> None:
        """All that is due to one webhook now."""
        try:
            while batch := await self._deliveries.take(hook.id, AT_ONCE):
                if not all(await asyncio.gather(*(self._send(hook, each) for each in batch))):
                    return
        except Unavailable as e:
            self._trouble.warning("webhooks wait for the database", error=str(e))
        finally:
            self._busy.discard(hook.id)

    async def _send(self, hook: Hook, delivery: Delivery) -> bool:
        """Whether it was taken."""
        at_s = int(time.time())
        sent = {
            "content-type": "application/json",
            "user-agent": "parley-webhooks/1",
            **headers(hook.secret, delivery.message_id, at_s, delivery.body),
        }
        try:
            status, later = await self._outside.post(hook.url, delivery.body, sent)
        except BadInput as e:  # it leads inside: another try would too
            await self._deliveries.failed(delivery, str(e), for_good=True)
            return False
        except ParleyError as e:
            await self._deliveries.failed(delivery, str(e), wait_s=random.uniform(0, 5))  # noqa: S311 - not all at once
            return False
        if 200 <= status < 300:
            await self._deliveries.done(delivery)
            return True
        if status == GONE:
            await self._gone(hook)
        wait_s = min(float(later), MAX_WAIT_S) if status in LATER and later.isdecimal() else 0.0
        await self._deliveries.failed(delivery, f"answered {status}", wait_s=wait_s, for_good=status == GONE)
        return False

    async def _gone(self, hook: Hook) -> None:
        try:
            await self._hooks.set_active(hook.id, False)
        except NotFound:
            return
        log.warning("a webhook says that it is gone, and is paused", webhook=hook.id)
        await self._on_gone(hook)
