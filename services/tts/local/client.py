"""The service's end of the pipe: starts the process of a local voice, and starts it again when it dies."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter

from parley.aio import TaskSet
from parley.errors import VendorLost
from services.tts.local import pipe
from services.tts.local.pipe import Piece

log = structlog.get_logger()

DEATHS = Counter("voice_tts_local_deaths", "Times the process of a local voice died", ["engine"])

_MODULE = "services.tts.local.process"
_DEATHS, _WITHIN_S = 5, 60.0
_END_S = 2.0
# Beside the kinds of frames: there will be no more.
_DEATH = 0


@dataclass(slots=True, eq=False)
class _Running:
    name: str
    process: Process
    streams: dict[int, Voice] = field(default_factory=dict)
    dead: bool = False
    leaving: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Voice:
    """One stream. `say` a piece, then read `frames` to its DONE before the next: this bounds what can wait here."""

    def __init__(self, number: int, running: _Running) -> None:
        self._number = number
        self._running = running
        # One piece of at most `pieces.MAX_PIECE` characters is about 100 frames.
        self.frames: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()

    async def say(self, piece: Piece) -> None:
        self._send(pipe.SAY, piece.pack())
        with suppress(ConnectionError):
            await self._stdin.drain()

    async def hear(self) -> tuple[int, bytes]:
        """The next frame. Raises VendorLost when the process has died."""
        if self._running.dead and self.frames.empty():
            raise VendorLost(f"{self._running.name}: the voice's process died")
        kind, payload = await self.frames.get()
        if kind == _DEATH:
            raise VendorLost(f"{self._running.name}: the voice's process died")
        return kind, payload

    def stop(self) -> None:
        self._running.streams.pop(self._number, None)
        self._send(pipe.STOP)

    def _send(self, kind: int, payload: bytes = b"") -> None:
        # A closed pipe is the death that `hear` is about to tell.
        if not self._running.dead and not self._stdin.is_closing():
            self._stdin.write(pipe.frame(kind, self._number, payload))

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        assert self._running.process.stdin is not None
        return self._running.process.stdin


class VoiceProcess:
    """At most one process, started at the first use or by `start`. Too many deaths in a minute and it stays down.

    `module` is run in it; `name` is the engine's.
    """

    def __init__(self, name: str = "local", module: str = "") -> None:
        self._name = name
        self._module = module
        self._running: _Running | None = None
        self._all: set[_Running] = set()
        self._starting = asyncio.Lock()
        self._deaths: deque[float] = deque(maxlen=_DEATHS)
        self._tasks = TaskSet(lambda error: log.error("the pipe of a local voice failed", exc_info=error))
        self._numbers = 0

    @property
    def pid(self) -> int | None:
        return self._running.process.pid if self._running and not self._running.dead else None

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[Voice]:
        running = await self.start()
        self._numbers = self._numbers % 0xFFFF_FFFF + 1
        voice = running.streams[self._numbers] = Voice(self._numbers, running)
        try:
            yield voice
        finally:
            voice.stop()

    async def start(self) -> _Running:
        async with self._starting:
            if self._running is None or self._running.dead:
                self._running = await self._spawn()
            return self._running

    async def _spawn(self) -> _Running:
        now = asyncio.get_running_loop().time()
        if len(self._deaths) == _DEATHS and now - self._deaths[0] < _WITHIN_S:
            raise VendorLost(f"{self._name}: the voice's process died {_DEATHS} times within {_WITHIN_S:g} s")
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module or _MODULE, stdin=PIPE, stdout=PIPE, start_new_session=True
            )
        except OSError as e:
            raise VendorLost(f"{self._name}: the voice's process cannot be started ({e.strerror})") from e
        running = _Running(self._name, process)
        self._all.add(running)
        self._tasks.spawn(self._listen(running))
        return running

    async def _listen(self, running: _Running) -> None:
        """Hand out frames until the process ends; it never outlives its pipe."""
        stdout = running.process.stdout
        assert stdout is not None
        try:
            while True:
                kind, number, size = pipe.header(await stdout.readexactly(pipe.HEADER.size))
                payload = await stdout.readexactly(size)
                if (voice := running.streams.get(number)) is not None:
                    voice.frames.put_nowait((kind, payload))
        except (asyncio.IncompleteReadError, pipe.BrokenPipe) as e:
            if not running.leaving:
                self._deaths.append(asyncio.get_running_loop().time())
                DEATHS.labels(self._name).inc()
                log.error(
                    "the process of a local voice died",
                    engine=self._name,
                    reason=type(e).__name__,
                    streams=len(running.streams),
                )
        finally:
            running.dead = True
            for voice in running.streams.values():
                voice.frames.put_nowait((_DEATH, b""))
            with suppress(ProcessLookupError):
                running.process.kill()
            await running.process.wait()
            self._all.discard(running)
            running.ended.set()

    async def aclose(self) -> None:
        for running in list(self._all):
            # A closed stdin is its sign to leave; when it does, `_listen` ends by itself.
            running.leaving = True
            if running.process.stdin is not None:
                running.process.stdin.close()
            try:
                async with asyncio.timeout(_END_S):
                    await running.ended.wait()
            except TimeoutError:
                running.process.kill()
                await running.ended.wait()
        await self._tasks.close()
        self._running = None
