"""The webhook: a gateway's process, asked in open loop by signed requests, as the carrier asks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from bench.latency import percentile
from bench.scale.processes import cpu_s, service
from services.gateway.carriers.twilio.webhook import WEBHOOK
from testbed.patience import PATIENCE_S

TOKEN, HOST = "stand-in-token", "calls.example"
CONNECTIONS = 32
HEAD = (
    "| webhooks a second | answered with a way in | ms p50 / p95 / p99 | ms of a core each"
    " | one gateway's core carries, a second |\n|--:|--:|--:|--:|--:|"
)


@dataclass
class Knocks:
    """`waits`: ms from when the request was due to its whole answer."""

    rate: float
    asked: int = 0
    let_in: int = 0
    waits: list[float] = field(default_factory=list)
    cpu_ms: float = 0.0

    def row(self) -> str:
        waits = " / ".join(f"{percentile(self.waits, share):.1f}" for share in (0.5, 0.95, 0.99))
        carries = 1000 / self.cpu_ms
        return f"| {self.rate:g} | {self.let_in} of {self.asked} | {waits} | {self.cpu_ms:.2f} | {carries:,.0f} |"


def request(number: int, validator: RequestValidator) -> bytes:
    """A call that comes in: the form, signed."""
    form = {
        "CallSid": f"CA{number:032x}",
        "AccountSid": "AC0",
        "From": f"+1555{number % 10**7:07d}",
        "To": "+15550199",
        "CallStatus": "ringing",
        "Direction": "inbound",
        "ApiVersion": "2010-04-01",
        "CallerName": "",
    }
    signature = validator.compute_signature(f"https://{HOST}{WEBHOOK}", form)
    body = urlencode(form)
    lines = (
        f"POST {WEBHOOK} HTTP/1.1",
        f"Host: {HOST}",
        f"X-Twilio-Signature: {signature}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, what: bytes) -> bytes:
        """The whole answer's body; empty when it is not 200."""
        self._writer.write(what)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        body = await self._reader.readexactly(int(length.split(b":")[1]))
        return body if head.startswith(b"HTTP/1.1 200") else b""

    def close(self) -> None:
        self._writer.close()


async def _opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The port is known a moment before anybody listens there."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)


async def measure(rate: float, seconds: float) -> Knocks:
    knocks = Knocks(rate)
    validator = RequestValidator(TOKEN)
    asked = [request(number, validator) for number in range(int(rate * seconds))]
    nobody = {f"PARLEY_{name}_ADDRESS": "127.0.0.1:9" for name in ("STT", "TTS", "ORCHESTRATOR")}
    env = {"TWILIO_AUTH_TOKEN": TOKEN, "PARLEY_PUBLIC_URL": f"https://{HOST}", "PARLEY_GATEWAY_PORT": "0"}
    async with service("gateway", **env, **nobody) as (pid, port):
        free: asyncio.Queue[_Connection] = asyncio.Queue()
        for _ in range(CONNECTIONS):
            free.put_nowait(_Connection(*await _opened(port)))
        opened = [free.get_nowait() for _ in range(CONNECTIONS)]
        for connection in opened:  # the first request of a process brings modules in
            await connection.ask(request(10**6, validator))
            free.put_nowait(connection)

        async def ask(what: bytes, due: float) -> None:
            connection = await free.get()
            answer = await connection.ask(what)
            free.put_nowait(connection)
            knocks.waits.append((time.monotonic() - due) * 1000)
            knocks.let_in += b"<Connect>" in answer

        before, begun = cpu_s(pid), time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number, what in enumerate(asked):
                due = begun + number / rate
                if (early := due - time.monotonic()) > 0:
                    await asyncio.sleep(early)
                group.create_task(ask(what, due))
        knocks.asked = len(asked)
        knocks.cpu_ms = (cpu_s(pid) - before) * 1000 / len(asked)
        for connection in opened:
            connection.close()
    return knocks
