"""A server that is a program here: started, spoken to by its standard input and output, and ended.

A line of JSON each. What it may do to us is bounded: the length of a line, lines that are no JSON, how many there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp.shared.message import SessionMessage

from services.tools.mcp.contract import MAX_MESSAGE_BYTES, Down

MAX_GARBAGE = 50  # lines that are no message: programs print things
MAX_IN_WINDOW, WINDOW_S = 1000, 5.0  # messages
MAX_ERRORS_BYTES = 2000  # kept of what it writes to its standard error
LEAVE_S = 1.0  # to end by itself when its input ends, then after SIGTERM

INHERITED = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER")
"""Of our own environment, which has passwords in it."""


@dataclass
class Program:
    """`last_words`: the end of what it wrote to its standard error. `why`: what it was left for; empty: it ended."""

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    home: Path
    on_end: Callable[[], None]
    why: str = ""
    last_words: bytearray = field(default_factory=bytearray)


@asynccontextmanager
async def spoken_to(program: Program) -> AsyncGenerator[tuple[Any, Any]]:
    """The streams of a transport, as the SDK wants them. Raises Down: it cannot be started."""
    process = await _started(program)
    read_writer, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, write_reader = anyio.create_memory_object_stream[SessionMessage](0)

    async def listen() -> None:
        try:
            async with read_writer:
                await _listen(process, program, read_writer)
        finally:
            program.on_end()

    async def speak() -> None:
        assert process.stdin is not None
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            async with write_reader:
                async for message in write_reader:
                    text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    process.stdin.write(text.encode() + b"\n")
                    await process.stdin.drain()
        await read_writer.aclose()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        tasks.start_soon(speak)
        tasks.start_soon(_remember, process, program)
        try:
            yield read, write
        finally:
            with anyio.CancelScope(shield=True):
                read.close()
                write.close()
                await _end(process)
            tasks.cancel_scope.cancel()


async def _started(program: Program) -> asyncio.subprocess.Process:
    inherited = {name: value for name in INHERITED if (value := os.environ.get(name)) is not None}
    try:
        return await asyncio.create_subprocess_exec(
            program.command,
            *program.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=program.home,
            env={**inherited, **program.env},
            limit=MAX_MESSAGE_BYTES,
            start_new_session=True,  # a signal to us is not one to it, and it can be ended with all it started
        )
    except (OSError, ValueError) as e:
        reason = e.strerror if isinstance(e, OSError) else "a NUL in its arguments"
        raise Down(f"{program.command} cannot be started: {reason}") from None


async def _listen(process: asyncio.subprocess.Process, program: Program, out: Any) -> None:
    """Its messages, until it ends or is left."""
    assert process.stdout is not None
    loop = asyncio.get_running_loop()
    garbage = 0
    times: deque[float] = deque(maxlen=MAX_IN_WINDOW)
    while True:
        try:
            line = await process.stdout.readline()
        except ValueError:
            program.why = f"a message has more than {MAX_MESSAGE_BYTES} bytes"
            return
        except OSError:
            return
        if not line:
            return
        if len(times) == MAX_IN_WINDOW and loop.time() - times[0] < WINDOW_S:
            program.why = f"more than {MAX_IN_WINDOW} messages in {WINDOW_S:.0f} s"
            return
        times.append(loop.time())
        try:
            text = line.decode("utf-8", "replace")
            message = types.jsonrpc_message_adapter.validate_json(text, by_name=False)
        except (ValueError, RecursionError):
            garbage += bool(line.strip())
            if garbage > MAX_GARBAGE:
                program.why = f"more than {MAX_GARBAGE} lines that are no messages"
                return
            continue
        try:
            await out.send(SessionMessage(message))
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return


async def _remember(process: asyncio.subprocess.Process, program: Program) -> None:
    """Take away what it writes to its standard error, so that it never waits, and keep the end of it."""
    assert process.stderr is not None
    with contextlib.suppress(OSError):
        while part := await process.stderr.read(4096):
            program.last_words = (program.last_words + part)[-MAX_ERRORS_BYTES:]


async def _end(process: asyncio.subprocess.Process) -> None:
    """By the end of its input, else by SIGTERM, else by SIGKILL, and with it what it started."""
    assert process.stdin is not None
    process.stdin.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        if await _gone(process):
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
    await _gone(process)


async def _gone(process: asyncio.subprocess.Process) -> bool:
    with anyio.move_on_after(LEAVE_S):
        while process.returncode is None:  # noqa: ASYNC110 - `wait` waits for its children's pipes too
            await anyio.sleep(0.01)
    return process.returncode is not None
