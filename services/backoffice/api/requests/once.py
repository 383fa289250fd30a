"""`Idempotency-Key` on POST: the same request, sent again, is done once and answered alike.

    nobody sent this key          it is done; an answer below 400 is kept
    it is being done              409, ask again in a moment
    it was done, the same body    the answer that was kept
    it was done, another body     422

Whoever asks is part of the key, and so is the path. What was refused or failed is not kept: nothing was done. Answers
are kept sealed. Paths whose answers are secrets are left out: there a key changes nothing.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, delete, select, update
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from parley.errors import ParleyError
from services.backoffice.api.requests import bodies
from services.backoffice.api.requests.problems import Problem, of_error
from services.backoffice.database import Database, metadata
from services.backoffice.sealing import Sealer, Unsealable

log = structlog.get_logger()

KEEP_MS = 24 * 3_600_000
KEPT = 10_000
WORKING_MS = 60_000
"""Who took so long has died."""
CLEAN_EVERY = 100
LARGEST = 64 * 1024
"""A larger answer is not kept."""
NOT_HERE = ("/api/session", "/api/users", "/api/keys", "/api/webhooks")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")

answered = Table(
    "answered",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("body", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("status", Integer),  # NULL: it is being done
    Column("kind", String(100), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("answered_at", "at_ms"),
)

Identify = Callable[[Request], Awaitable[str | None]]
"""Who asks, as text that nobody else has; None: nobody that is known."""


class Once:
    """One per process; the answers stand in the database, for all replicas."""

    def __init__(self, database: Database, sealer: Sealer, identify: Identify) -> None:
        self._database, self._sealer, self._identify = database, sealer, identify
        self._count = 0

    def around(self, inside: ASGIApp) -> ASGIApp:
        """`inside` with this before it, behind `bodies.around`. For `FastAPI.add_middleware`."""

        async def once(scope: Scope, receive: Receive, send: Send) -> None:
            wanted = scope["type"] == "http" and scope["method"] == "POST" and not scope["path"].startswith(NOT_HERE)
            if not wanted or (key := Headers(scope=scope).get("idempotency-key")) is None:
                await inside(scope, receive, send)
                return
            try:
                await self._once(inside, key, scope, receive, send)
            except Problem as problem:
                await problem.response()(scope, receive, send)
            except ParleyError as error:
                await of_error(error).response()(scope, receive, send)

        return once

    async def _once(self, inside: ASGIApp, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        if not _KEY.fullmatch(key):
            raise Problem(
                422,
                "must be 1 to 200 visible characters",
                field="header.Idempotency-Key",
                remedy="give a UUID, a new one for each thing that is to be done",
            )
        who = await self._identify(Request(scope))
        body = await bodies.read(receive)
        receive = bodies.again(body, receive)
        if who is None:  # it will be refused
            await inside(scope, receive, send)
            return
        id = hashlib.sha256("\0".join((who, scope["path"], key)).encode()).hexdigest()
        if (found := await self._begun(id, hashlib.sha256(body).hexdigest())) is not None:
            await _send(send, *found)
            return
        answer = _Answer(send)
        try:
            await inside(scope, receive, answer.send)
        finally:
            await self._done(id, answer)

    async def _begun(self, id: str, body: str) -> tuple[int, str, bytes] | None:
        """The answer that was kept; None: it is ours to do. Raises Problem, Unavailable."""
        now = int(time.time() * 1000)
        row = {"id": id, "body": body, "at_ms": now, "status": None, "kind": "", "sealed": b""}
        async with self._database.transaction() as connection:
            insert = self._database.insert(answered).values(row).on_conflict_do_nothing()
            if (await connection.execute(insert)).rowcount:
                await self._clean(connection, now)
                return None
            there = (await connection.execute(select(answered).where(answered.c.id == id))).mappings().first()
            if there is None:
                raise _busy()
            age = now - there["at_ms"]
            if age > (WORKING_MS if there["status"] is None else KEEP_MS):
                mine = update(answered).where(answered.c.id == id, answered.c.at_ms == there["at_ms"]).values(row)
                if (await connection.execute(mine)).rowcount:
                    return None
                raise _busy()
        if there["body"] != body:
            raise Problem(
                422,
                "was used for another body",
                field="header.Idempotency-Key",
                remedy="give a new one for another request",
                kind="other-body",
            )
        if there["status"] is None:
            raise _busy()
        try:
            return there["status"], there["kind"], self._sealer.open(there["sealed"], f"answered/{id}")
        except Unsealable:
            raise _busy() from None

    async def _clean(self, connection: object, now: int) -> None:
        """Let go what is old, and what is too much."""
        self._count += 1
        if self._count % CLEAN_EVERY != 1:
            return
        run = connection.execute  # type: ignore[attr-defined]
        await run(delete(answered).where(answered.c.at_ms < now - KEEP_MS))
        newest = select(answered.c.at_ms).order_by(answered.c.at_ms.desc()).offset(KEPT).limit(1)
        if (oldest := (await run(newest)).scalar()) is not None:
            await run(delete(answered).where(answered.c.at_ms <= oldest))

    async def _done(self, id: str, answer: _Answer) -> None:
        """Keep it, or let the key go. The request is answered by now: what fails here is told in the log."""
        try:
            async with self._database.transaction() as connection:
                if answer.is_kept:
                    sealed = self._sealer.seal(bytes(answer.body), f"answered/{id}")
                    told = {"status": answer.status, "kind": answer.kind, "sealed": sealed}
                    await connection.execute(update(answered).where(answered.c.id == id).values(told))
                else:
                    await connection.execute(delete(answered).where(answered.c.id == id))
        except ParleyError as error:
            log.warning("an answer is not kept; its key is refused for a minute", error=str(error))


class _Answer:
    """Passes an answer on, and keeps a copy as long as it is small."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status, self.kind, self.body, self.whole = 0, "", bytearray(), False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.kind = Headers(raw=message.get("headers", [])).get("content-type", "")
        elif message["type"] == "http.response.body":
            if len(self.body) <= LARGEST:
                self.body += message.get("body", b"")
            self.whole = not message.get("more_body", False)
        await self._send(message)

    @property
    def is_kept(self) -> bool:
        return self.whole and 200 <= self.status < 400 and len(self.body) <= LARGEST


def _busy() -> Problem:
    return Problem(
        409,
        "the first request with this key is being done",
        field="header.Idempotency-Key",
        remedy="ask again in a moment",
        headers={"Retry-After": "1"},
    )


async def _send(send: Send, status: int, kind: str, body: bytes) -> None:
    headers = MutableHeaders({"Idempotent-Replayed": "true", "Content-Length": str(len(body))})
    if kind:
        headers["Content-Type"] = kind
    if status in (204, 304):
        del headers["Content-Length"]
    await send({"type": "http.response.start", "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})
