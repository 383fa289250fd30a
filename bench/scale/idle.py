"""Many calls in which nobody says anything: typed ones, through a gateway and an orchestrator, and one that is used."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson

from bench.latency import percentile
from bench.run import vendors
from bench.scale.processes import cpu_s, megabytes
from bench.servers import AGENTS
from runner.stack import Stack
from testbed.telephone.wire import Wire, connect

AT_ONCE = 20
ANSWER_S = 10.0
ASKED = 20
SERVICES = ("gateway", "orchestrator", "nats")
HEAD = (
    "| idle calls | ms until an answer begins p50 / p95 | "
    + " | ".join(f"{name}: MB each, ms of a core per call-second" for name in SERVICES)
    + " |\n|--:|--:|"
    + "--:|" * len(SERVICES)
)


@dataclass
class Idle:
    """`mb`: more resident memory than before, per call; `cpu_ms`: per call-second; both by service."""

    calls: int
    waits: list[float] = field(default_factory=list)
    mb: dict[str, float] = field(default_factory=dict)
    cpu_ms: dict[str, float] = field(default_factory=dict)

    def row(self) -> str:
        waits = " / ".join(f"{percentile(self.waits, share):.0f}" for share in (0.5, 0.95))
        each = [f"{self.mb.get(name, 0):.2f}, {self.cpu_ms.get(name, 0):.2f}" for name in SERVICES]
        return f"| {self.calls:,} | {waits} | {' | '.join(each)} |"


class Chat:
    """A page's typed call. `news` is set at each message that says something."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.news = asyncio.Event()
        self.wire: Wire

    async def enter(self, url: str, http: httpx.AsyncClient) -> None:
        session = (await http.get(f"{url}/api/session", params={"door": "chat", "agent": "bench"})).json()
        self.wire = await connect(url.replace("http", "ws", 1) + "/ws/chat", {}, self._take, lambda _: None)
        self.wire.send(orjson.dumps({"type": "start", "token": session["token"]}).decode())
        self.wire.closed.add_done_callback(lambda _: self.ready.set())
        async with asyncio.timeout(ANSWER_S):
            await self.ready.wait()
        if self.over:
            raise RuntimeError(f"the gateway has refused a call, with {self.wire.closed.result()}")

    @property
    def over(self) -> bool:
        return self.wire.closed.done()

    def _take(self, text: str) -> None:
        message = orjson.loads(text)
        if message["type"] == "ready":
            self.ready.set()
        elif message["type"] == "say" and message["text"]:
            self.news.set()

    async def ask(self, text: str) -> float:
        """ms until the answer begins."""
        self.news.clear()
        begun = time.monotonic()
        self.wire.send(orjson.dumps({"type": "text", "text": text}).decode())
        async with asyncio.timeout(ANSWER_S):
            await self.news.wait()
        return (time.monotonic() - begun) * 1000


async def measure(folder: Path, counts: list[int], seconds: float) -> list[Idle]:
    """One house; calls are added until there are so many."""
    found = []
    async with vendors() as sims, httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
        env = {**sims.environment(), "TWILIO_AUTH_TOKEN": "", "PARLEY_LOG_LEVEL": "warning", "PARLEY_AGENT": "bench"}
        env |= {"PARLEY_AGENTS_DIR": str(AGENTS), "PARLEY_CAPACITY": str(2 * max(counts) + 100)}
        async with Stack(data_dir=folder, env=env) as stack:
            pids = {name: stack.pids(name) for name in SERVICES}
            used = Chat()
            await used.enter(stack.gateway_url, http)
            await asyncio.sleep(1.0)
            empty = {name: megabytes(*its) for name, its in pids.items()}
            chats: list[Chat] = []
            for count in counts:
                await add(chats, count, stack.gateway_url, http)
                idle = Idle(count)
                await asyncio.sleep(2.0)
                before = {name: cpu_s(*its) for name, its in pids.items()}
                await asyncio.sleep(seconds)
                for name, its in pids.items():
                    idle.cpu_ms[name] = (cpu_s(*its) - before[name]) * 1000 / seconds / max(1, count)
                    idle.mb[name] = (megabytes(*its) - empty[name]) / max(1, count)
                idle.waits = [await used.ask(f"tell me about order {n}") for n in range(ASKED)]
                found.append(idle)
            for chat in chats:
                chat.wire.abort()
    return found


async def add(chats: list[Chat], count: int, url: str, http: httpx.AsyncClient) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def enter() -> None:
        async with room:
            chat = Chat()
            await chat.enter(url, http)
            chats.append(chat)

    await asyncio.gather(*(enter() for _ in range(count - len(chats))))
