"""Pictures of every page of the console, to be looked at: `python -m tests.console.pictures FOLDER [CALLS [KINDS]]`.

Wide, on a telephone of 360 px and in dark (`wide,telephone,dark`), on a backoffice with so many calls in its database
(10,000 unless said). Says how long the list of calls takes to answer.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from parley.settings import Settings
from services.backoffice.access.cookies import SESSION
from testbed.servers.natsd import nats_server
from tests.browser.chromium import installed
from tests.conftest import chromium
from tests.console.filling import calls, fill
from tests.console.looking import PAGES, PHONE, WIDE, looking
from tests.console.serving import Served, serving

KINDS: dict[str, dict[str, Any]] = {
    "wide": {"size": WIDE},
    "telephone": {"size": PHONE},
    "dark": {"size": WIDE, "color_scheme": "dark"},
}
TRIES = 40
WEEK_MS = 7 * 86_400_000


async def answer_times(served: Served) -> None:
    """Of the list of calls, and of what is looked for in it."""
    async with httpx.AsyncClient(base_url=served.url, cookies={SESSION: served.cookies["admin"]}) as client:
        for path in ("/api/call-logs", "/api/call-logs?words=receipt", "/api/call-logs?min_interruptions=1"):
            took = []
            for _ in range(TRIES):
                begun = time.perf_counter()
                (await client.get(path)).raise_for_status()
                took.append(1000 * (time.perf_counter() - begun))
            print(f"{path}: p50 {statistics.median(took):.0f} ms, p95 {statistics.quantiles(took, n=20)[-1]:.0f} ms")


async def pictures(folder: Path, count: int, kinds: list[str]) -> None:
    found = chromium()
    assert found is not None, "needs Chromium"
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240
    data = Path(tempfile.mkdtemp())
    (data / "nats").mkdir()
    now_ms = int(time.time() * 1000)
    begun = time.perf_counter()
    every_ms = WEEK_MS // max(count, 1000)
    await fill(Settings.read(PARLEY_DATA_DIR=data), calls(count, now_ms, every_ms))
    print(f"{count} calls kept in {time.perf_counter() - begun:.0f} s")
    async with (
        nats_server(data / "nats") as server,
        serving(data, PARLEY_NATS_URL=server.url, PARLEY_API_PER_MINUTE=0) as served,
        installed(found) as browser,
    ):
        await answer_times(served)
        newest = f"/admin/calls/CA01{count - 1:06d}"
        for kind in kinds:
            how = KINDS[kind]
            async with looking(browser, served, "admin", **how) as look:
                for path in (*PAGES, newest):
                    await look.at(path)
                    name = path.strip("/").replace("/", "-").replace("?", "-")
                    await look.page.screenshot(path=folder / f"{name}-{kind}.png", full_page=kind == "telephone")
                    for each in await look.violations():
                        print(f"{path}, {kind}: {each}")
                    if over := await look.sideways():
                        print(f"{path}, {kind}: {over} px too wide")
            async with looking(browser, served, **how) as look:
                await look.page.goto(served.url)
                await look.page.get_by_role("heading", name="Log in").wait_for()
                await look.page.screenshot(path=folder / f"door-{kind}.png")
    shutil.rmtree(data)


if __name__ == "__main__":
    folder, count, kinds, *_ = [*sys.argv[1:], *("", "10000", ",".join(KINDS))[len(sys.argv) - 1 :]]
    asyncio.run(pictures(Path(folder), int(count), kinds.split(",")))
