"""What clients follow as server-sent events: a topic tells its news to each, and keeps the last for who comes back.

A client has a bounded queue. One that does not read is dropped, not waited for; it may come back.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from functools import cached_property
from typing import Any

import orjson
from prometheus_client import Counter, Gauge

from parley.errors import AtCapacity
from services.backoffice.masking import masked

KEPT = 500
QUEUED = 256
MAX_CLIENTS = 100

CLIENTS = Gauge("voice_live_clients", "Clients that follow calls by server-sent events")
DROPPED = Counter("voice_live_clients_dropped_total", "Of them, those dropped: they did not read")


class News:
    """One event of a topic. `data` is told with callers' numbers to those who may see them."""

    def __init__(self, id: str, event: str, data: Any) -> None:
        self.id, self.event, self.data = id, event, data

    def told(self, numbers: bool) -> bytes:
        return self._shown if numbers else self._masked

    @cached_property
    def _shown(self) -> bytes:
        return message(self.event, self.data, self.id)

    @cached_property
    def _masked(self) -> bytes:
        return message(self.event, hidden(self.data), self.id)


def message(event: str, data: Any, id: str = "") -> bytes:
    """As it stands in `text/event-stream`. JSON has no raw line breaks."""
    head = f"id: {id}\n" if id else ""
    return f"{head}event: {event}\n".encode() + b"data: " + orjson.dumps(data) + b"\n\n"


def hidden(data: Any) -> Any:
    """The same with the numbers of callers masked, however deep they stand."""
    if isinstance(data, dict):
        return {
            name: masked(value) if name == "caller" and isinstance(value, str) else hidden(value)
            for name, value in data.items()
        }
    return [hidden(each) for each in data] if isinstance(data, list) else data


class Client:
    """Who follows a topic. `ended`: no news will come any more, for this reason."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[News | None] = asyncio.Queue(QUEUED)
        self.ended = ""

    def put(self, news: News) -> bool:
        """False: it did not read; then it is told nothing more."""
        try:
            self.news.put_nowait(news)
        except asyncio.QueueFull:
            self.end("slow")
            return False
        return True

    def end(self, why: str) -> None:
        """`why` empty: after what is queued now. Else at once."""
        if why:
            self.ended = why
            while not self.news.empty():
                self.news.get_nowait()
        if not self.news.full():
            self.news.put_nowait(None)
        else:
            self.end("slow")


class Topic:
    """`empty_since`: when the last client left, by `time.monotonic`; 0 while there is one."""

    def __init__(self) -> None:
        self.empty_since = time.monotonic()
        self._name = os.urandom(4).hex()
        self._count = 0
        self._kept: deque[tuple[int, News]] = deque(maxlen=KEPT)
        self._clients: set[Client] = set()

    def __len__(self) -> int:
        return len(self._clients)

    @property
    def at(self) -> str:
        """Id of the newest event: who has all before it goes on from there."""
        return f"{self._name}-{self._count}"

    def tell(self, event: str, data: Any) -> None:
        self._count += 1
        news = News(self.at, event, data)
        self._kept.append((self._count, news))
        for client in [each for each in self._clients if not each.put(news)]:
            DROPPED.inc()
            self.leave(client)

    def since(self, last_id: str) -> list[News] | None:
        """What was told after an event; None: that is too long ago, or was not told here."""
        name, _, count = last_id.partition("-")
        if name != self._name or not count.isdecimal() or len(count) > 18:
            return None
        first = self._kept[0][0] if self._kept else self._count + 1
        after = int(count)
        if after > self._count or after < first - 1:
            return None
        return [news for number, news in self._kept if number > after]

    def enter(self) -> Client:
        client = Client()
        self._clients.add(client)
        self.empty_since = 0.0
        CLIENTS.inc()
        return client

    def leave(self, client: Client) -> None:
        """May be said again."""
        if client in self._clients:
            self._clients.discard(client)
            CLIENTS.dec()
            if not self._clients:
                self.empty_since = time.monotonic()

    def close(self, why: str) -> None:
        """The topic is over; `why` empty: it has come to its end, and clients get what is queued."""
        for client in list(self._clients):
            client.end(why)
            self.leave(client)


def refuse_over(clients: int) -> None:
    """Raises AtCapacity."""
    if clients >= MAX_CLIENTS:
        raise AtCapacity(f"{clients} clients follow calls here; close a page, or ask another replica")
