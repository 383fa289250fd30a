"""`make monitoring-check`: whether rules, alerts and dashboards are right, by a real Prometheus and real calls.

Every rule must be healthy; every query of every dashboard must have an answer, or say why it need not have one in a
house in which all is well; every metric that is seen must be one that docs/metrics.md has; and nothing may fire.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import uvloop

from bench.caller import Caller, reply_to
from bench.monitoring.pictures import draw, keep
from bench.monitoring.prometheus import Prometheus, plain, watching
from bench.monitoring.traces import Span, collecting, picture, richest_turn
from bench.run import warm_up
from parley.process import garbage
from runner.stack import Stack
from testbed.monitoring.dashboards import Dashboard, dashboards
from testbed.monitoring.metrics import declared
from testbed.telephone.phone import Clock, Phone
from testbed.vendors.elevenlabs.sim import ElevenLabsSim
from testbed.vendors.openai.script import Call, Messages, Reply, Tools, last_heard
from testbed.vendors.openai.sim import OpenAISim
from testbed.vendors.vendors import Vendors

PICTURES = Path(__file__).parents[2] / "docs" / "monitoring"
AGENTS = Path(__file__).parent / "agents"
CALL_S = 25.0
SETTLED_S = 6.0
"""After the last call: the last scrapes and spans."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make monitoring-check", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--pictures", type=Path, help=f"draw the dashboards and a trace there, such as {PICTURES.name}")
    return parser.parse_args()


def script(messages: Messages, tools: Tools) -> Reply:
    """Every second question is looked up first."""
    words = last_heard(messages).lower().split()
    if messages[-1].get("role") == "user" and "tell" in words:
        return Reply(calls=(Call("order_state", {"order": " ".join(words[-3:])}),))
    return reply_to(messages, tools)


def vendors() -> Vendors:
    """Stand-ins that take about as long as vendors do."""
    return Vendors(
        openai=OpenAISim(script=script, ttft_ms=250, tokens_per_s=80),
        elevenlabs=ElevenLabsSim(ttfb_ms=150, speed=4, chunk_ms=240),
    )


async def talk(number: int, phone: Phone, until: float) -> list[str]:
    """One caller's calls, one after the other; what went wrong."""
    failures = []
    while time.monotonic() < until - 5:
        caller = Caller(number, phone)
        await caller.run(min(until, time.monotonic() + CALL_S))
        if caller.failure:
            failures.append(caller.failure)
            await asyncio.sleep(1)
    return failures


async def calls(stack: Stack, count: int, seconds: float) -> list[str]:
    async with Clock() as clock, asyncio.TaskGroup() as group:
        until = time.monotonic() + seconds
        running = []
        for number in range(count):
            running.append(group.create_task(talk(number, Phone(stack.gateway_urls, clock, agent="desk"), until)))
            await asyncio.sleep(0.25)
    return [failure for task in running for failure in task.result()]


async def faults(prometheus: Prometheus, boards: list[Dashboard]) -> list[str]:
    """In words, all that is not as it should be."""
    # A machine that is busy misses a scrape now and then; a target that is wrong is never up.
    found = [
        f"never scraped: {labels['service']} {labels['instance']}"
        for labels, value in await prometheus.now("max_over_time(up[1h])")
        if not value
    ]
    for rule in await prometheus.rules():
        if rule["health"] != "ok":
            found.append(f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}")
        if rule["type"] == "alerting" and rule["state"] == "firing":
            found.append(f"{rule['name']} fires: {rule['alerts'][0]['annotations']}")
    for board in boards:
        for panel in board.panels:
            for query in panel.ask:
                if not (query.quiet or await prometheus.now(plain(query.expr))):
                    found.append(f"{board.title} / {panel.title}: no answer to {query.expr}")
    metrics = declared()
    known = {name for metric in metrics for name, _ in metric.series()}
    seen = {name for name in await prometheus.names() if name.startswith("voice_") and not name.endswith("_created")}
    found += [f"{name} is shown and not declared" for name in sorted(seen - known)]
    print(f"{len(seen & known)} series names seen of {len(known)} declared")
    return found


def split(spans: list[Span]) -> dict[str, int]:
    """Calls whose spans do not have one trace."""
    traces: dict[str, set[bytes]] = {}
    for span in spans:
        if call := span.attributes.get("call_id"):
            traces.setdefault(call, set()).add(span.trace)
    return {call: len(found) for call, found in traces.items() if len(found) > 1}


async def main() -> int:
    options, boards = arguments(), dashboards()
    warm_up(min(options.calls, 16))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with vendors() as sims, collecting() as collector:
            env = {
                **sims.environment(),
                "TWILIO_AUTH_TOKEN": "",
                "PARLEY_LOG_LEVEL": "warning",
                "PARLEY_BUILD": "check",
            }
            env |= {"PARLEY_AGENTS_DIR": str(AGENTS), "PARLEY_AGENT": "desk"}
            env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}"}
            async with (
                Stack(data_dir=folder / "house", env=env) as stack,
                watching(stack, boards, folder / "prometheus") as prometheus,
            ):
                garbage.freeze()
                since = time.time()
                failures = await calls(stack, options.calls, options.seconds)
                await asyncio.sleep(SETTLED_S)
                found = failures + await faults(prometheus, boards)
                drawn = await draw(prometheus, boards, since, time.time()) if options.pictures else {}
            turn, near = richest_turn(collector.spans)
            services = sorted({span.service for span in near})
            print(f"{len(collector.spans)} spans; a turn with {', '.join(services)}")
            found += [f"{call} has {count} traces" for call, count in split(collector.spans).items()]
            if missing := {"gateway", "orchestrator", "llm", "tools"} - set(services):
                found.append(f"no turn has spans of {', '.join(sorted(missing))}")
            elif turn is not None and options.pictures:
                drawn["trace"] = picture(turn, near, "One turn of a call: its trace, over all services and NATS")
    keep(drawn, options.pictures)
    for each in found:
        print(f"! {each}")
    queries = sum(len(panel.ask) for board in boards for panel in board.panels)
    print(f"{queries} queries of {len(boards)} dashboards evaluated, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(uvloop.run(main()))
