"""The process in which turns are understood: whatever it learns, and for how long, no call waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from parley import errors
from parley.aio import TaskSet
from parley.telemetry import configure_logs
from parley.v1 import llm_pb2
from parley.workers.wire import Message, Unpacker
from services.llm.understanding.wire import Kind, response_of, turn_of

NICE = 10
"""Calls come first."""
_READ = 1 << 16

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Where:
    """What the process is given: where agents, published ones and the sentence embeddings are, and how it logs."""

    agents_dir: Path
    data_dir: Path
    embedding_dir: Path
    log_level: str
    log_format: str


def main(where: Where, sock: Any) -> None:
    """Serve until the other end closes. Ctrl-C is the service's to handle: it closes the socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICE)
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # calls have the other cores
    configure_logs("llm", where.log_level, where.log_format)
    asyncio.run(_serve(where, sock))


async def _serve(where: Where, sock: socket.socket) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1, "understanding"))
    reader, writer = await asyncio.open_connection(sock=sock)
    understanding = _Understanding(where)
    asked = TaskSet(lambda error: log.error("a turn could not be understood", exc_info=error))
    unpacker = Unpacker(Kind)

    async def answer(number: int, payload: bytes) -> None:
        kind, reply = await understanding.of(payload)
        if not writer.is_closing():
            writer.write(Message(kind, number, reply).pack())

    try:
        while data := await reader.read(_READ):
            for message in unpacker.push(data):
                if message.kind is Kind.ASK:
                    asked.spawn(answer(message.stream, message.payload))
    except ConnectionError:
        pass
    finally:
        await asked.close()
        writer.close()


class _Understanding:
    """`Turns` with the embeddings, which are loaded for the first turn."""

    def __init__(self, where: Where) -> None:
        self._where = where
        self._loading = asyncio.Lock()
        self._turns: Any = None

    async def of(self, payload: bytes) -> tuple[Kind, bytes]:
        """The answer to a request."""
        try:
            turn = turn_of(llm_pb2.UnderstandRequest.FromString(payload))
            found = await (await self._loaded()).of(turn)
        except errors.ParleyError as e:
            return Kind.FAILED, llm_pb2.Failed(code=e.code, message=str(e)).SerializeToString()
        except Exception as e:  # its text may hold what a caller said
            log.error("understanding failed", exc_info=e)
            return Kind.FAILED, llm_pb2.Failed(code="INTERNAL", message=type(e).__name__).SerializeToString()
        return Kind.UNDERSTOOD, response_of(found).SerializeToString()

    async def _loaded(self) -> Any:
        async with self._loading:
            if self._turns is None:
                self._turns = await asyncio.to_thread(self._load)
        return self._turns

    def _load(self) -> Any:
        try:
            from parley.embedding import Embedder
            from services.llm.understanding.turns import Turns

            embedder = Embedder.load(self._where.embedding_dir)
        except (ModuleNotFoundError, errors.Misconfigured) as e:
            raise errors.NotBuilt(f"understand: no sentence embeddings are installed here ({e})") from e
        return Turns(self._where.agents_dir, self._where.data_dir, embedder)
