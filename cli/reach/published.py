"""A published version's files, for commands: from this machine, or fetched from NATS."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cli.reach.operating import operator_bus
from parley.bus import publishing
from parley.bus.publishing import AGENT
from parley.published.shelf import Shelf
from parley.published.versions import Versions
from parley.settings import Settings


async def published_folder(settings: Settings, name: str, version: str) -> Path | None:
    """The folder of the agent as it is in this version; None: it is none of its versions.

    Raises Unavailable, Corrupt, Misconfigured (the disk).
    """
    shelf = Shelf(settings.data_dir)
    root = await asyncio.to_thread(shelf.verified, name, version)
    if root is None:
        async with operator_bus(settings) as bus:
            versions, _ = await publishing.read(bus, AGENT + name, Versions)
            if (known := versions.find(version)) is None:
                return None
            data = await publishing.get_bundle(bus, name, known.digest)
        root = await asyncio.to_thread(shelf.unpack, name, known, data)
        await asyncio.to_thread(shelf.prune, name, {*versions.live, version})
    return root / name
