"""How often one address may knock: requests, new sockets, sockets that it holds open.

A carrier's webhooks and streams are known by their signature and cost nothing; what bears a wrong one costs as any
request does. Nor do programs of this machine, unless `PARLEY_LIMIT_LOCAL` says so: who can start them needs no door.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from parley.limits.client import Proxies, Scope
from parley.limits.open_sockets import OpenSockets
from parley.limits.refusal import refuse
from parley.limits.rules import Steady
from parley.limits.sharing import Sharing
from parley.limits.table import Table
from parley.settings import Settings
from services.gateway.doors.websocket import Send, WebSocket
from services.gateway.metrics import REFUSED

FREE = frozenset(("/health", "/ready", "/metrics"))
FILE_COST = 0.05
"""Of a page's file, beside 1 of a request: a page is some forty of them at once."""
HELD_WAIT_S = 10.0
"""Who holds too many sockets open may ask again then."""
WORDS = {"error": "this address asks too often; ask again after the seconds in Retry-After"}


class Crowd:
    """One per gateway; times in seconds. Raises Misconfigured: the setting of proxies cannot be read."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self.proxies = Proxies(settings.trusted_proxies)
        self._local = settings.limit_local
        self._now = now
        self._door, self._new = Table("door", None), Table("new sockets", None)
        self._open = OpenSockets("open sockets", settings.sockets_open)
        self.limit(settings)
        self.sharing = Sharing("gateway", (self._door, self._new), self._open, now)

    def limit(self, settings: Settings) -> None:
        """From now on by these; what addresses have taken stays."""
        door, burst, sockets = settings.door_per_s, settings.door_burst, settings.sockets_per_s
        self._door.rule = Steady(door, burst) if door else None
        self._new.rule = Steady(sockets, max(1.0, sockets)) if sockets else None
        self._open.most = settings.sockets_open

    async def refuses(self, scope: Scope, send: Send) -> bool:
        """A request that comes too often is answered here."""
        path = scope["path"]
        if path in FREE:
            return False
        return await self._refused(scope, send, 1.0 if path.startswith(("/api/", "/calls/")) else FILE_COST)

    def stranger(self, scope: Scope) -> float:
        """A webhook that is not the carrier's. 0, or the seconds after which its address may ask again."""
        return self._door.take(self.proxies.client(scope), self._now()) if self._counts(scope) else 0.0

    async def turn_away(self, socket: WebSocket) -> None:
        """Refuse a socket that leads nowhere, has no good signature, or is another's page's; 429 when one of many."""
        wait = 0.0
        if self._counts(socket.scope):
            wait = self._new.take(self.proxies.client(socket.scope), self._now())
        await socket.refuse(wait)

    @contextmanager
    def socket(self, socket: WebSocket) -> Iterator[float]:
        """0: it is let in, and counts as open while the body runs. Else the seconds after which it may ask again."""
        if not self._counts(socket.scope):
            yield 0.0
            return
        address, now = self.proxies.client(socket.scope), self._now()
        if wait := self._new.take(address, now) or (0.0 if self._open.room(address, now) else HELD_WAIT_S):
            REFUSED.labels("crowd").inc()
            yield wait
            return
        with self._open.hold(address):
            yield 0.0

    async def _refused(self, scope: Scope, send: Send, cost: float) -> bool:
        if not self._counts(scope):
            return False
        wait = self._door.take(self.proxies.client(scope), self._now(), cost)
        if wait:
            REFUSED.labels("crowd").inc()
            await refuse(send, wait, WORDS)
        return wait > 0

    def _counts(self, scope: Scope) -> bool:
        return self._local or not self.proxies.is_here(scope)
