"""How fast backoffice catches up with a backlog of event records: `make bench-records`.

A real nats-server is filled with the records of made-up calls, fifty at a time, as an hour leaves them. Then the part
of backoffice that keeps records reads them all, in a process that is held to one core: into SQLite, or into PostgreSQL
with `--postgres`. It counts what is in the database at the end, all of it and nothing twice, and asks for lists.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nats
import orjson
from sqlalchemy import func, select

from parley.bus import Bus, make_events_stream
from parley.settings import Settings
from services.backoffice.database import open_database
from services.backoffice.records import tables
from services.backoffice.records.asking import parsed
from services.backoffice.records.records import Records
from services.backoffice.records.search import Search
from services.backoffice.sealing import Sealer
from testbed.recorded_calls import interleaved, some_calls
from testbed.servers import postgres
from testbed.servers.natsd import nats_server

WANTED = 2_000
"""Records a second, on one core."""
LIST_MS = 150
"""In which a list of calls is to answer."""
QUESTIONS = (
    "",
    "agent:bank",
    "interrupted > 1",
    "tool failed",
    "+15550000007",
    "monday thursday",
    "helmet cost > 0.01",
)
"""Words of half of all calls, of some, and of none."""
TRIES = 7
TURNS = 6


@dataclass(frozen=True)
class Measured:
    """`seconds`: until all was kept; `cpu`: of the process that kept it; `lists`: ms for a page by what is asked, the
    slowest of several tries."""

    records: int
    calls: int
    bytes: int
    seconds: float
    cpu: float
    kept: int
    lists: dict[str, float]

    @property
    def rate(self) -> float:
        return self.records / self.seconds

    def __str__(self) -> str:
        each = self.cpu / self.records * 1e6
        return (
            f"{self.records:,} records of {self.calls:,} calls, {self.bytes / self.records:,.0f} bytes each:"
            f" kept in {self.seconds:.1f} s, {self.rate:,.0f} a second; {each:,.0f} µs of a core for each"
            f" ({self.records / self.cpu:,.0f} a second of a core)"
        )


async def fill(url: str, calls: int) -> tuple[int, int]:
    """Records and bytes that stand in the stream now."""
    settings = Settings.read(nats_url=url)
    async with Bus(settings, "bench") as bus:
        assert await bus.ready(10)
        await make_events_stream(bus, 1)
    stream = interleaved(some_calls(calls, turns=TURNS))
    client = await nats.connect(url)
    js, size = client.jetstream(), 0
    for start in range(0, len(stream), 500):
        part = stream[start : start + 500]
        await asyncio.gather(*(js.publish(f"call.{each.call_id}.event", each.SerializeToString()) for each in part))
        size += sum(each.ByteSize() for each in part)
    await client.close()
    return len(stream), size


async def lists(search: Search) -> dict[str, float]:
    found = {}
    for line in QUESTIONS:
        slowest = 0.0
        for _ in range(TRIES):
            started = time.perf_counter()
            await search.calls(parsed(line))
            slowest = max(slowest, (time.perf_counter() - started) * 1000)
        found[line] = slowest
    return found


async def keep(url: str, database_url: str, folder: Path, records: int) -> dict[str, Any]:
    """In a process of its own: until so many are kept."""
    settings = Settings.read(nats_url=url, data_dir=folder, backoffice_database_url=database_url)
    database = await open_database(settings)
    sealer = Sealer(bytes(32))
    async with Bus(settings, "bench") as bus:
        assert await bus.ready(10)
        kept = Records.of(settings, bus, database, sealer)
        started, cpu = time.perf_counter(), time.process_time()
        task = asyncio.ensure_future(kept.consumer.run())
        while not task.done():
            position = await kept.consumer.position()
            if position >= records:
                break
            await asyncio.sleep(0.2)
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with database.reading() as connection:
        count = (await connection.execute(select(func.count()).select_from(tables.records))).scalar_one()
        calls = (await connection.execute(select(func.count()).select_from(tables.calls))).scalar_one()
    asked = await lists(kept.search)
    await database.close()
    return {"lists": asked, "seconds": seconds, "cpu": used, "kept": count, "calls": calls}


async def measure(calls: int, database_url: str = "", core: int | None = None) -> Measured:
    """With a nats-server of its own."""
    with tempfile.TemporaryDirectory(prefix="parley-records-") as folder:
        async with nats_server(Path(folder)) as server:
            records, size = await fill(server.url, calls)
            command = [sys.executable, "-m", "bench.records", "--keep", server.url, database_url, folder, str(records)]
            process = await asyncio.create_subprocess_exec(
                *command,
                stdout=asyncio.subprocess.PIPE,
                preexec_fn=None if core is None else lambda: os.sched_setaffinity(0, {core}),
            )
            out, _ = await process.communicate()
            if process.returncode:
                raise SystemExit(f"the keeper ended with {process.returncode}")
            found = orjson.loads(out.splitlines()[-1])
            return Measured(records, calls, size, found["seconds"], found["cpu"], found["kept"], found["lists"])


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["--keep"]:
        url, database_url, folder, records = arguments[1:]
        print(orjson.dumps(asyncio.run(keep(url, database_url, Path(folder), int(records)))).decode())
        return 0
    parser = argparse.ArgumentParser(prog="python -m bench.records", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--postgres", action="store_true", help="into PostgreSQL, which has a core of its own")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        url = f"{stack.enter_context(postgres.server())}/postgres" if given.postgres else ""
        measured = asyncio.run(measure(given.calls, url, core=min(os.sched_getaffinity(0))))
    print(measured)
    lost = measured.records - measured.kept
    print(f"lost or doubled: {lost}; wanted: {WANTED:,} a second on one core")
    for line, ms in measured.lists.items():
        print(f"a page of {line or 'all calls'!r:<24} {ms:6.1f} ms")
    slow = max(measured.lists.values())
    print(f"the slowest of {len(QUESTIONS)} lists: {slow:.0f} ms; wanted: {LIST_MS}")
    return 0 if not lost and measured.rate >= WANTED and slow <= LIST_MS else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
