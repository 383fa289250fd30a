"""What one call writes and keeps open: calls of the bench in a whole house, counted at NATS and in the services."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import nats
from nats.aio.client import Client

from bench.caller import run_callers
from bench.run import vendors, warm_up
from bench.servers import AGENTS
from parley.bus.callstate import BUCKET
from parley.bus.streams.records import EVENTS_STREAM
from runner.stack import Stack
from testbed.house import samples

RAMP_S, WARM_S = 5.0, 8.0
HEAD = "| of one call | |\n|---|--:|"


@dataclass
class Written:
    """Of all calls together, in `seconds`."""

    calls: int
    seconds: float
    turns: int = 0
    states: int = 0
    records: int = 0
    state_bytes: float = 0.0
    record_bytes: float = 0.0
    cancels: int = 0
    streams: dict[str, float] = field(default_factory=dict)

    def rows(self) -> str:
        each = self.calls * self.seconds
        turns = max(1, self.turns)
        rows = [
            ("seconds from a turn to the next", f"{each / turns:.1f}"),
            ("states written in a turn", f"{self.states / turns:.2f}"),
            ("event records in a turn", f"{self.records / turns:.2f}"),
            ("bytes of a state, as NATS keeps it", f"{self.state_bytes:,.0f}"),
            ("bytes of a record, as NATS keeps it", f"{self.record_bytes:,.0f}"),
            *((f"streams of {name} open", f"{streams:.2f}") for name, streams in sorted(self.streams.items())),
        ]
        return "\n".join([HEAD, *(f"| {name} | {value} |" for name, value in rows)])


async def _of(client: Client, stream: str) -> tuple[int, int, int]:
    """Last sequence, messages and bytes of a stream."""
    state = (await client.jetstream().stream_info(stream)).state
    return state.last_seq, state.messages, state.bytes


async def measure(folder: Path, calls: int, seconds: float) -> Written:
    found = Written(calls, seconds)
    warm_up(calls)
    async with vendors() as sims:
        env = {**sims.environment(), "TWILIO_AUTH_TOKEN": "", "PARLEY_LOG_LEVEL": "warning"}
        env |= {"PARLEY_AGENTS_DIR": str(AGENTS), "PARLEY_AGENT": "bench"}
        async with Stack(data_dir=folder, env=env) as stack, httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
            mind = next(each for each in stack.plan.processes if each.service == "orchestrator")
            client = await nats.connect(
                stack.plan.env["PARLEY_NATS_URL"],
                user=mind.env["PARLEY_NATS_USER"],
                password=mind.env["PARLEY_NATS_PASSWORD"],
                inbox_prefix=b"_INBOX_orchestrator",
            )
            talking = asyncio.ensure_future(
                run_callers(stack.gateway_url, calls, WARM_S + seconds, RAMP_S, agent="bench")
            )
            await asyncio.sleep(RAMP_S + WARM_S)
            states, records = await _of(client, f"KV_{BUCKET}"), await _of(client, EVENTS_STREAM)
            turns = await _turns(stack, http)
            looks = max(1, int(seconds / 0.5))
            open_now: dict[str, float] = {}
            for _ in range(looks):
                await asyncio.sleep(seconds / looks)
                for name, url in stack.metrics_urls().items():
                    told = samples((await http.get(url)).text)
                    open_now[name] = open_now.get(name, 0.0) + told.get("voice_streams_active{}", 0.0)
            after, then = await _of(client, f"KV_{BUCKET}"), await _of(client, EVENTS_STREAM)
            found.turns = await _turns(stack, http) - turns
            found.states, found.records = after[0] - states[0], then[0] - records[0]
            found.state_bytes = after[2] / max(1, after[1])
            found.record_bytes = then[2] / max(1, then[1])
            found.streams = {name: total / looks / calls for name, total in open_now.items() if total}
            await client.close()
            await talking
    return found


async def _turns(stack: Stack, http: httpx.AsyncClient) -> int:
    """Answers that have begun so far, at the gateways."""
    total = 0.0
    for name, url in stack.metrics_urls().items():
        if name.startswith("gateway"):
            total += samples((await http.get(url)).text).get("voice_turn_latency_ms_count{}", 0.0)
    return int(total)
