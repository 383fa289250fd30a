"""`python -m testbed.eval.processes.tools`: the tools service at a pretended time, each start with a new database."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from parley import rpc
from parley.rpc import Server
from parley.settings import Settings
from services.tools.wiring import wire

FILE = "pretended.json"


def pretend(data_dir: Path, began: datetime, zone: str) -> None:
    """From now on it is `began`, and goes on from there."""
    path = data_dir / FILE
    (new := path.with_suffix(".new")).write_text(json.dumps({"ahead_s": began.timestamp() - time.time(), "zone": zone}))
    new.replace(path)


def pretended(data_dir: Path) -> datetime:
    """The time it is, in the zone that was asked for."""
    told = json.loads((data_dir / FILE).read_text())
    zone = ZoneInfo(told["zone"]) if told["zone"] else None
    return datetime.fromtimestamp(time.time() + told["ahead_s"], UTC).astimezone(zone)


async def wire_anew(server: Server, settings: Settings) -> Callable[[], Awaitable[None]]:
    folder = TemporaryDirectory(prefix="tools-", dir=settings.data_dir)
    fresh = settings.model_copy(update={"data_dir": Path(folder.name)})
    close = await wire(server, fresh, lambda: pretended(settings.data_dir))

    async def close_all() -> None:
        await close()
        folder.cleanup()

    return close_all


if __name__ == "__main__":
    rpc.run("tools", wire_anew)
