"""`python -m bench.lists`: how long the API's lists take with 10,000 calls on record.

Backoffice answers in this process, over ASGI, out of a real database; what a browser and a network add is left out.
"""

from __future__ import annotations

import argparse
import base64
import logging
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import httpx
import structlog
import uvloop
from sqlalchemy import insert

from parley.process.monitor import Monitor
from parley.settings import Settings
from services.backoffice.access.scopes import SCOPES
from services.backoffice.app import build
from services.backoffice.parts import Parts
from services.backoffice.records.keeper import Keeper
from services.backoffice.records.lease import Lease
from services.backoffice.watchers.tables import emotions, outcomes
from services.backoffice.wiring import opened
from testbed.recorded_calls import START_MS, RecordedCall, some_calls
from testbed.servers.postgres import server

AIM_MS = 150.0
BATCH = 2_000
DAY = "2026-05-28"
ASKED = {
    "the newest 50": "/api/call-logs",
    "of one agent": "/api/call-logs?agent=bank",
    "of one caller": "/api/call-logs?number=%2B15550000007",
    "by words": "/api/call-logs?words=book+a+visit",
    "interrupted > 3": "/api/call-logs?q=interrupted+%3E+3",
    "of a number's end": "/api/call-logs?number=0007",
    "of one day": "/api/call-logs?from=2026-05-30&to=2026-05-30",
    "longer than a minute": "/api/call-logs?min_seconds=60",
    "a tool failed": "/api/call-logs?tool_failed=true",
    "one tool was used": "/api/call-logs?tool=order_status",
    "one tool failed": "/api/call-logs?tool=order_status&tool_failed=true",
    "of one outcome": "/api/call-logs?outcome=resolved",
    "of one mood": "/api/call-logs?emotion=frustrated",
    "by words, interrupted": "/api/call-logs?words=book+a+visit&min_interruptions=1",
    "by words that few said, interrupted": "/api/call-logs?words=nobody&min_interruptions=3",
    "by everything": "/api/call-logs?words=visit&min_interruptions=1&outcome=resolved&emotion=happy&agent=bank"
    "&tool_failed=true",
    "nothing fits": "/api/call-logs?words=visit&outcome=none&min_interruptions=1",
    "a tool that is none": "/api/call-logs?tool=none",
    "page 20 of them": "",
    "one call": "",
    "a week by day": f"/api/stats?from={DAY}&to=2026-06-04",
    "a week by hour": f"/api/stats?by=hour&from={DAY}&to=2026-06-04",
}


structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # NATS is away


async def main(count: int, times: int, url: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        key = base64.urlsafe_b64encode(bytes(32)).decode()
        settings = Settings.read(
            data_dir=Path(folder), nats_url="", backoffice_database_url=url, PARLEY_BACKOFFICE_KEY=key
        )
        async with opened(settings, Monitor()) as parts:
            calls = some_calls(count, turns=4)
            began = time.perf_counter()
            await fill(parts, calls)
            sys.stderr.write(f"{count} calls kept in {time.perf_counter() - began:.0f} s\n")
            return await measured(parts, calls, times)


async def fill(parts: Parts, calls: list[RecordedCall]) -> None:
    lease = Lease(parts.database, "bench", "bench")
    await lease.take()
    keeper = Keeper(parts.database, parts.records.paper, lease)
    records = [record for call in calls for record in call.records]
    for start in range(0, len(records), BATCH):
        await keeper._keep(records[start : start + BATCH], None)
        await lease.take()
    await judge(parts, calls)


async def judge(parts: Parts, calls: list[RecordedCall]) -> None:
    """What the watchers would have said of them."""
    dice = random.Random(1)
    came, felt = [], []
    for call in calls:
        outcome = dice.choice(("resolved", "resolved", "answered", "unresolved"))
        about = {"call_id": call.call_id, "at_ms": call.at_ms}
        came.append({**about, "outcome": outcome, "by": "rules", "model": "", "sealed": b""})
        for turn in range(dice.randint(1, 7)):
            emotion = dice.choice(("neutral", "neutral", "neutral", "happy", "frustrated", "sad", "angry", "confused"))
            sounded = {"turn": f"{call.call_id}/{turn}", "emotion": emotion, "confidence": 0.9, "by": "patterns"}
            felt.append({**about, **sounded, "escalated": False})
    async with parts.database.transaction() as connection:
        await connection.execute(insert(outcomes), came)
        await connection.execute(insert(emotions), felt)


async def measured(parts: Parts, calls: list[RecordedCall], times: int) -> int:
    key, _ = await parts.access.keys.make("bench", "supervisor", SCOPES, "bench", None)
    way = httpx.ASGITransport(build(parts))
    worst = 0.0
    print("| asked for | p50 ms | worst ms |\n|---|---|---|")
    async with httpx.AsyncClient(
        transport=way, base_url="http://bench", headers={"Authorization": f"Bearer {key}"}, timeout=60
    ) as client:
        paths = {**ASKED, "page 20 of them": await deep(client), "one call": f"/api/calls/{calls[-1].call_id}"}
        for name, path in paths.items():
            took = [await once(client, path) for _ in range(times)]
            worst = max(worst, median(took))
            print(f"| {name} | {median(took):.1f} | {max(took):.1f} |")
    print(f"\n{len(calls)} calls from {START_MS}; each list is to take at most {AIM_MS:.0f} ms.")
    return 0 if worst <= AIM_MS else 1


async def deep(client: httpx.AsyncClient) -> str:
    """The path of the twentieth page."""
    path = "/api/call-logs"
    for _ in range(19):
        told = (await client.get(path)).json()
        path = f"/api/call-logs?cursor={told['next']}"
    return path


async def once(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    answer = await client.get(path)
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, answer.text
    return took


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL of its own, instead of SQLite")
    given = parser.parse_args()
    with ExitStack() as stack:
        url = f"{stack.enter_context(server())}/postgres" if given.postgres else ""
        raise SystemExit(uvloop.run(main(given.calls, given.times, url)))
