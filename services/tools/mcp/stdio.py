"""A server that is a program here: started, spoken to by its standard input and output, and ended.

A line of JSON each. What it may do to us is bounded: the length of a line, lines that are no JSON, how many there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp.shared.message import SessionMessage

from services.tools.mcp.child import started
from services.tools.mcp.contract import MAX_MESSAGE_BYTES

MAX_GARBAGE = 50  # lines that are no message: programs print things
MAX_IN_WINDOW, WINDOW_S = 1000, 5.0  # messages
MAX_ERRORS_BYTES = 2000  # kept of what it writes to its standard error

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
    inherited = {name: value for name in INHERITED if (value := os.environ.get(name)) is not None}
    child = await started(program.command, program.args, {**inherited, **program.env}, program.home)
    read_writer, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, write_reader = anyio.create_memory_object_stream[SessionMessage](0)

    async def listen() -> None:
        try:
            async with read_writer:
                await _listen(child.output, program, read_writer)
        finally:
            program.on_end()

    async def speak() -> None:
        gone = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError, RuntimeError)
        with contextlib.suppress(*gone):  # uvloop has a RuntimeError for what is closed
            async with write_reader:
                async for message in write_reader:
                    text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                    child.input.write(text.encode() + b"\n")
                    await child.input.drain()
        await read_writer.aclose()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        tasks.start_soon(speak)
        tasks.start_soon(_remember, child.errors, program)
        try:
            yield read, write
        finally:
            with anyio.CancelScope(shield=True):
                read.close()
                write.close()
                await child.end()
            tasks.cancel_scope.cancel()


async def _listen(output: asyncio.StreamReader, program: Program, out: Any) -> None:
    """Its messages, until it ends or is left."""
    loop = asyncio.get_running_loop()
    garbage = 0
    times: deque[float] = deque(maxlen=MAX_IN_WINDOW)
    while True:
        try:
            line = await output.readline()
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


async def _remember(errors: asyncio.StreamReader, program: Program) -> None:
    """Take away what it writes to its standard error, so that it never waits, and keep the end of it."""
    with contextlib.suppress(OSError):
        while part := await errors.read(4096):
            program.last_words = (program.last_words + part)[-MAX_ERRORS_BYTES:]
