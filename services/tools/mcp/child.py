"""A program that is started here and spoken to by pipes.

Not by `asyncio.create_subprocess_exec`: uvloop forks, and the handlers that gRPC has for forks now and then kill the
child before it is the program. `subprocess` uses vfork, which calls none.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from services.tools.mcp.contract import MAX_MESSAGE_BYTES, Down

LEAVE_S = 1.0  # to end by itself when its input ends, then after SIGTERM


@dataclass(frozen=True, slots=True)
class Child:
    """`output`: lines of at most MAX_MESSAGE_BYTES; a longer one raises ValueError."""

    process: subprocess.Popen[bytes]
    input: asyncio.StreamWriter
    output: asyncio.StreamReader
    errors: asyncio.StreamReader
    pipes: tuple[asyncio.BaseTransport, ...]

    async def end(self) -> None:
        """By the end of its input, else by SIGTERM, else by SIGKILL, and with it what it started."""
        self.input.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if await self._gone():
                break
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)
        await self._gone()
        for pipe in self.pipes:
            pipe.close()

    async def _gone(self) -> bool:
        with anyio.move_on_after(LEAVE_S):
            while self.process.poll() is None:  # noqa: ASYNC110 - `wait` would wait for its children's pipes too
                await anyio.sleep(0.01)
        return self.process.returncode is not None


async def started(command: str, args: Sequence[str], env: Mapping[str, str], home: Path) -> Child:
    """With this environment and nothing else, in a session of its own: a signal to us is none to it, and it can be
    ended with all that it started. Raises Down."""

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - the agent's author says what
            [command, *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=home,
            env=dict(env),
            start_new_session=True,
        )

    try:
        process = start()  # some ms; in a thread, a cancellation would leave it without an owner
    except (OSError, ValueError) as e:
        reason = e.strerror if isinstance(e, OSError) else "a NUL in its arguments"
        raise Down(f"{command} cannot be started: {reason}") from None
    try:
        return await _connected(process)
    except BaseException:  # nobody else knows of it yet
        process.kill()
        raise


async def _connected(process: subprocess.Popen[bytes]) -> Child:
    loop = asyncio.get_running_loop()
    output, errors = asyncio.StreamReader(limit=MAX_MESSAGE_BYTES), asyncio.StreamReader()
    out, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(output), process.stdout)
    err, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(errors), process.stderr)
    flow = asyncio.StreamReaderProtocol(asyncio.StreamReader())
    pipe, _ = await loop.connect_write_pipe(lambda: flow, process.stdin)
    return Child(process, asyncio.StreamWriter(pipe, flow, None, loop), output, errors, (out, err))
