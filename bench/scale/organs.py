"""What one round of the language model on our own machine, one search, and one tool with effects take of a core."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.latency import percentile
from bench.scale.processes import cpu_s, service
from parley.errors import Unavailable
from parley.rpc import Peers, call
from parley.v1 import call_pb2, llm_pb2, llm_pb2_grpc, rag_pb2, rag_pb2_grpc, tools_pb2, tools_pb2_grpc
from testbed.frontdesk import AGENTS, SPECS
from testbed.letters import LETTERS
from testbed.patience import PATIENCE_S
from testbed.servers import postgres

AT_ONCE = 2
ASKED = (
    "where is my order one two three four",
    "when are you open on saturday",
    "what does a new chain cost",
    "can I bring back a helmet",
    "I want to talk to somebody",
    "do you rent bikes for a weekend",
    "how much is the deposit for an electric bike",
    "my front wheel wobbles can you have a look at it",
    "do you have parking",
    "what is the capital of portugal",
)
_AGENT = "company: Scale\ngreeting: Hello.\nprompt: You answer the phone.\ntools: [note]\n"
_TOOLS = '''"""One tool with effects."""

from parley.tooling import tool


@tool(effects=True, idempotent=True)
def note(text: str) -> str:
    """Write something down."""
    return "Noted."
'''
HEAD = "| work | times | ms of a core each | ms until done, alone p50 / p95 |\n|---|--:|--:|--:|"

Do = Callable[[int], Awaitable[None]]


@dataclass
class Work:
    name: str
    count: int
    cpu_ms: float = 0.0
    waits: list[float] = field(default_factory=list)

    def row(self) -> str:
        waits = " / ".join(f"{percentile(self.waits, share):.1f}" for share in (0.5, 0.95))
        return f"| {self.name} | {self.count} | {self.cpu_ms:.2f} | {waits} |"


def sentence(number: int) -> str:
    """Each another one: what was embedded once is remembered."""
    name = f"{LETTERS[number % 16]} {LETTERS[number // 16 % 16]}"
    return f"{ASKED[number % len(ASKED)]} this is {name} speaking"


async def measured(name: str, pid: int, count: int, do: Do) -> Work:
    """`count` times, some at once, for the CPU time; then a few one after the other, for the time they take."""
    work = Work(name, count)
    for number in range(10):
        await _insisted(partial(do, number))
    before = cpu_s(pid)
    numbers = iter(range(10, 10 + count))

    async def worker() -> None:
        for number in numbers:
            await _insisted(partial(do, number))

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    work.cpu_ms = (cpu_s(pid) - before) * 1000 / count
    for number in range(10 + count, 10 + count + max(10, count // 5)):
        begun = time.monotonic()
        await _insisted(partial(do, number))
        work.waits.append((time.monotonic() - begun) * 1000)
    return work


async def _insisted(do: Callable[[], Awaitable[object]]) -> None:
    """A service that loads a model at its first work may not answer for a while."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await do()
            except Unavailable:
                await asyncio.sleep(0.5)
            else:
                return


@asynccontextmanager
async def _peers(name: str, port: int) -> AsyncIterator[Peers]:
    async with Peers(name, [f"127.0.0.1:{port}"]) as peers:
        if not await peers.ready(PATIENCE_S):
            raise SystemExit(f"{name} does not answer")
        yield peers


async def rounds(folder: Path, count: int) -> Work:
    """The language model of this machine, as the front desk."""
    env = {"PARLEY_LLM": "local", "PARLEY_AGENTS_DIR": str(AGENTS), "PARLEY_DATA_DIR": str(folder)}
    tools = [
        llm_pb2.ToolSpec(name=each.name, description=each.description, parameters_json=each.parameters)
        for each in SPECS
    ]
    async with service("llm", **env) as (pid, port), _peers("llm", port) as peers:

        async def do(number: int) -> None:
            said = llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text=sentence(number))
            request = llm_pb2.ChatRequest(call_id=f"CA{number}", agent="frontdesk", messages=[said], tools=tools)
            async for _ in await peers.open(llm_pb2_grpc.LanguageModelStub, "Chat", request=request):
                pass

        return await measured("a round of the local language model", pid, count, do)


async def searches(folder: Path, count: int) -> Work:
    env = {"PARLEY_AGENTS_DIR": str(AGENTS), "PARLEY_DATA_DIR": str(folder), "PARLEY_AGENT": "frontdesk"}
    async with service("rag", **env) as (pid, port), _peers("rag", port) as peers:
        ingest = rag_pb2.IngestRequest(agent="frontdesk")
        await _insisted(lambda: call(peers, rag_pb2_grpc.KnowledgeStub, "Ingest", ingest, timeout_s=PATIENCE_S))

        async def do(number: int) -> None:
            request = rag_pb2.SearchRequest(agent="frontdesk", query=sentence(number))
            await call(peers, rag_pb2_grpc.KnowledgeStub, "Search", request, timeout_s=PATIENCE_S)

        return await measured("a search in the knowledge", pid, count, do)


async def executions(folder: Path, count: int, url: str = "") -> Work:
    """A tool with effects: its row in the ledger before, its outcome after."""
    home = folder / "agents" / "scale"
    home.mkdir(parents=True)
    (home / "agent.yaml").write_text(_AGENT)
    (home / "tools.py").write_text(_TOOLS)
    env = {"PARLEY_AGENTS_DIR": str(home.parent), "PARLEY_AGENT": "scale", "PARLEY_DATA_DIR": str(folder / "data")}
    env |= {"PARLEY_DATABASE_URL": url} if url else {}
    async with service("tools", **env) as (pid, port), _peers("tools", port) as peers:

        async def do(number: int) -> None:
            request = tools_pb2.ExecuteRequest(
                call_id=f"CA{number}",
                epoch=call_pb2.Epoch(leg=1, open=1),
                intent=1,
                name="note",
                agent="scale",
                arguments_json=json.dumps({"text": f"number {number}"}),
            )
            stream = await peers.open(tools_pb2_grpc.ToolsStub, "Execute", request=request)
            events = [event async for event in stream]
            assert events[-1].outcome.status == tools_pb2.ToolOutcome.STATUS_OK, events[-1]

        return await measured(f"a tool with effects, {'PostgreSQL' if url else 'SQLite'}", pid, count, do)


async def everything(folder: Path, count: int) -> list[Work]:
    """What PostgreSQL itself takes is not in it."""
    found = [await rounds(folder / "llm", count), await searches(folder / "rag", count)]
    found.append(await executions(folder / "sqlite", count))
    if postgres.binary("initdb"):
        with postgres.server() as url:
            found.append(await executions(folder / "postgres", count, f"{url}/postgres"))
    return found
