"""What a far end sends on its socket, whoever it is: sound, and control as JSON objects.

What breaks the protocol is counted, answered where somebody reads it, and passed over up to a bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from services.gateway.doors.flood import MESSAGES_PER_S, of_messages
from services.gateway.doors.websocket import POLICY, TOO_BIG, Closed, WebSocket
from services.gateway.metrics import BAD_MESSAGES
from services.gateway.mouth.clock import now_ms

START_S = 5.0
"""For `start`, after the upgrade."""
MAX_BAD = 50
"""A far end that breaks the protocol this often is closed with 1008."""
KEYS = frozenset("0123456789*#ABCD")

Control = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a message: for the count, and in words."""

    kind: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a far end writes. `field` names a control message's kind.

    `sound` reads the sound of a message: of a binary one, or, without `binary`, of a control message of kind `media`.
    `before_start`: kinds that may come before `start` and mean nothing.
    """

    field: str
    sound: Callable[[Any], bytes | Flaw]
    binary: bool = False
    before_start: frozenset[str] = frozenset()


class Inbox:
    """One socket's. `answer` is given the remedy of what was bad."""

    def __init__(self, socket: WebSocket, dialect: Dialect, answer: Callable[[str], None] | None = None) -> None:
        self._socket = socket
        self._dialect = dialect
        self._answer = answer
        self._bad = 0
        self._allowance = of_messages()

    async def start(self, flaw: Callable[[Control], Flaw | None] = lambda start: None) -> Control | None:
        """The message that begins the call; None when none comes in time. Sound before it is thrown away.

        `flaw` tells what is wrong with one: then another is waited for.
        """
        remedy = "send `start` with your token first"
        try:
            async with asyncio.timeout(START_S):
                while True:
                    message = await self.read()
                    if isinstance(message, bytes):
                        self.bad(Flaw("media before start", remedy))
                    elif (kind := message[self._dialect.field]) == "start":
                        if (wrong := flaw(message)) is None:
                            return message
                        self.bad(wrong)
                    elif kind not in self._dialect.before_start:
                        self.bad(Flaw("not a start", remedy))
        except TimeoutError:
            return None

    async def read(self) -> Control | bytes:
        """A frame of sound, or a control message with its kind. Raises Closed, also after too many bad messages."""
        while True:
            read = self._read(await self._socket.read())
            if not isinstance(read, Flaw):
                return read
            self.bad(read)

    def _read(self, message: str | bytes) -> Control | bytes | Flaw:
        dialect = self._dialect
        if isinstance(message, bytes):
            return dialect.sound(message) if dialect.binary else Flaw("binary")
        try:
            control = orjson.loads(message)
        except orjson.JSONDecodeError:
            return Flaw("json", "not JSON")
        if not isinstance(control, dict) or not isinstance(kind := control.get(dialect.field), str):
            return Flaw(f"no {dialect.field}", f"expected an object with a `{dialect.field}`")
        if kind == "media" and not dialect.binary:
            return dialect.sound(control)
        if not self._allowance.takes(1, now_ms()):
            return Flaw("flood", f"at most {MESSAGES_PER_S:.0f} messages a second")
        return control

    @contextmanager
    def sound_to(self, take: Callable[[bytes], None]) -> Iterator[None]:
        """Meanwhile good sound goes straight to `take`; the rest comes by `read`."""
        sound, binary, field = self._dialect.sound, self._dialect.binary, self._dialect.field

        def offered(message: bytes) -> bool:
            if not binary:
                try:
                    control = orjson.loads(message)
                    if control[field] != "media":
                        return False
                except (orjson.JSONDecodeError, TypeError, KeyError):
                    return False
                frame = sound(control)
            else:
                frame = sound(message)
            if isinstance(frame, Flaw):
                return False
            take(frame)
            return True

        self._socket.tap(offered, binary=binary)
        try:
            yield
        finally:
            self._socket.tap(None)

    def bad(self, flaw: Flaw) -> None:
        """One more message that breaks the protocol. Raises Closed after too many."""
        BAD_MESSAGES.labels(flaw.kind).inc()
        self._bad += 1
        if self._bad >= MAX_BAD:
            self._socket.close(POLICY, "too many bad messages")
            raise Closed(POLICY)
        if self._answer is not None:
            self._answer(flaw.remedy)


def count_close(code: int) -> None:
    """The server closes by itself what is too long or not UTF-8; it is counted like the rest."""
    if code in (TOO_BIG, 1007):
        BAD_MESSAGES.labels("oversized" if code == TOO_BIG else "utf-8").inc()
