"""A real nats-server for a test: from the wheel, on a free port, with JetStream in a temporary folder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

BINARY = Path(sys.executable).parent / "nats-server"


@dataclass
class Natsd:
    """One server. `kill`, `freeze`, `thaw` and `start` do what they say; the port stays the same."""

    folder: Path
    port: int = -1
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        ports = self.folder / "ports"
        ports.mkdir(exist_ok=True)
        for old in ports.iterdir():
            old.unlink()
        arguments = ["-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder / "js")]
        self.process = await asyncio.create_subprocess_exec(
            str(BINARY), *arguments, "--ports_file_dir", str(ports), stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(10):
            while not (found := list(ports.glob("*.ports"))) or not found[0].read_text():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        self.port = int(json.loads(found[0].read_text())["nats"][0].rsplit(":", 1)[1])

    def _signal(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    async def kill(self) -> None:
        assert self.process is not None
        self._signal(signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def nats_server(folder: Path) -> AsyncIterator[Natsd]:
    server = Natsd(folder)
    await server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.returncode is None:
            server.process.kill()
            await server.process.wait()
