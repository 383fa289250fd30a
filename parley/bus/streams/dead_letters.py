"""Events that a watcher failed on for good, kept in NATS for people to look at, to try again, or to drop.

    dead.<watcher>     stream DEAD_LETTERS: what failed, and why (JSON)
    again.<watcher>    stream WATCH_AGAIN: what is to be tried again; gone once it was

A letter holds the whole event, and so what was said in it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass

import orjson
from nats.errors import Error as NatsError
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from parley.bus.connection import Bus
from parley.errors import NotFound, Unavailable

STREAM = "DEAD_LETTERS"
AGAIN_STREAM = "WATCH_AGAIN"
KEPT_DAYS = 30
MAX_LETTERS = 10_000
"""Of all watchers together, and at most MAX_MB; the oldest give way."""
MAX_MB = 64
MAX_ERROR_CHARS = 500
MAX_PAGE = 250
"""One at a time is asked for."""
_NOT_DELETED = 10057
"""Of the server: there is no such message, somebody was faster."""
_FAILED = (NatsError, JetStreamError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Letter:
    """`id` counts up, 0: not stored yet. `record`: the event record as it stood in the stream. `kinds`: what of it the
    watcher was to be told. `at_ms`: when it was given up, since 1970."""

    watcher: str
    record_id: str
    call_id: str
    kinds: tuple[str, ...]
    error: str
    tries: int
    at_ms: int
    record: bytes
    id: int = 0


async def make_dead_letter_streams(bus: Bus, replicas: int) -> None:
    """Create both, or leave them as they are."""
    js = bus.jetstream()
    letters = StreamConfig(
        name=STREAM,
        subjects=["dead.*"],
        storage=StorageType.FILE,
        num_replicas=replicas,
        discard=DiscardPolicy.OLD,
        max_age=KEPT_DAYS * 86_400,
        max_bytes=MAX_MB << 20,
        max_msgs=MAX_LETTERS,
    )
    again = letters.evolve(name=AGAIN_STREAM, subjects=["again.*"], retention=RetentionPolicy.WORK_QUEUE)
    for config in (letters, again):
        assert config.name is not None
        try:
            await js.stream_info(config.name)
        except NotFoundError:
            await js.add_stream(config)


class DeadLetters:
    """As one process sees them. All raise Unavailable while NATS is away."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def put(self, letter: Letter, once: str) -> None:
        """Keep it. `once`: the same again is kept once."""
        body = {
            "record_id": letter.record_id,
            "call_id": letter.call_id,
            "kinds": letter.kinds,
            "error": letter.error[:MAX_ERROR_CHARS],
            "tries": letter.tries,
            "at_ms": letter.at_ms,
            "record": base64.b64encode(letter.record).decode(),
        }
        await self._publish(f"dead.{letter.watcher}", orjson.dumps(body), once)

    async def page(self, after: int = 0, limit: int = 100, watcher: str = "*") -> list[Letter]:
        """Those behind `after`, the oldest first."""
        found: list[Letter] = []
        while len(found) < min(limit, MAX_PAGE):
            letter = await self._next(after + 1, f"dead.{watcher}")
            if letter is None:
                break
            found.append(letter)
            after = letter.id
        return found

    async def get(self, letter_id: int) -> Letter:
        """Raises NotFound."""
        letter = await self._next(letter_id, "dead.*") if letter_id > 0 else None
        if letter is None or letter.id != letter_id:
            raise NotFound(f"there is no dead letter {letter_id}: it was tried again, dropped, or is too old")
        return letter

    async def retry(self, letter_id: int) -> Letter:
        """Have the watcher try it again. Raises NotFound."""
        letter = await self.get(letter_id)
        await self._publish(f"again.{letter.watcher}", letter.record, f"letter/{letter_id}")
        await self.drop(letter_id)
        return letter

    async def drop(self, letter_id: int) -> None:
        """It is no longer kept. Raises NotFound."""
        try:
            await self._bus.jetstream().delete_msg(STREAM, letter_id)
        except NotFoundError:
            raise NotFound(f"there is no dead letter {letter_id}") from None
        except _FAILED as e:
            if getattr(e, "err_code", 0) == _NOT_DELETED:
                raise NotFound(f"there is no dead letter {letter_id}") from None
            raise Unavailable(f"the dead letter cannot be dropped ({type(e).__name__})") from e

    async def counts(self) -> dict[str, int]:
        """How many there are, by watcher."""
        try:
            info = await self._bus.jetstream().stream_info(STREAM, subjects_filter="dead.*")
        except NotFoundError:
            return {}
        except _FAILED as e:
            raise Unavailable(f"the dead letters cannot be counted ({type(e).__name__})") from e
        return {subject.partition(".")[2]: n for subject, n in (info.state.subjects or {}).items()}

    async def forget(self, call_ids: Collection[str]) -> int:
        """Drop all that tell of these calls; gives how many."""
        gone, after = 0, 0
        while page := await self.page(after):
            for letter in page:
                if letter.call_id in call_ids:
                    await self.drop(letter.id)
                    gone += 1
            after = page[-1].id
        return gone

    async def _next(self, seq: int, subject: str) -> Letter | None:
        """The first of this number or a higher one."""
        try:
            message = await self._bus.jetstream().get_msg(STREAM, seq=seq, subject=subject, next=True)
        except NotFoundError:
            return None
        except _FAILED as e:
            raise Unavailable(f"the dead letters cannot be read ({type(e).__name__})") from e
        return _read(message.subject or "", int(message.seq or 0), message.data or b"")

    async def _publish(self, subject: str, data: bytes, once: str) -> None:
        try:
            await self._bus.jetstream().publish(subject, data, headers={"Nats-Msg-Id": once})
        except _FAILED as e:
            raise Unavailable(f"{subject}: NATS did not take it ({type(e).__name__})") from e


def _read(subject: str, seq: int, data: bytes) -> Letter:
    watcher = subject.partition(".")[2]
    try:
        body = orjson.loads(data)
        return Letter(
            watcher,
            str(body["record_id"]),
            str(body["call_id"]),
            tuple(map(str, body["kinds"])),
            str(body["error"]),
            int(body["tries"]),
            int(body["at_ms"]),
            base64.b64decode(body["record"]),
            seq,
        )
    except (ValueError, KeyError, TypeError, binascii.Error):
        return Letter(watcher, "", "", (), "this letter cannot be read; drop it", 0, 0, b"", seq)
