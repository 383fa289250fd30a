"""The records of all calls: what follows the stream, what is found, how long it stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parley.bus import Bus
from parley.settings import Settings
from services.backoffice.database import Database
from services.backoffice.records.consumer import NAME, Consumer, this_process
from services.backoffice.records.keeper import Keeper
from services.backoffice.records.lease import Lease
from services.backoffice.records.retention import Kind, Retention
from services.backoffice.records.rows import Paper
from services.backoffice.records.search import Search
from services.backoffice.sealing import Sealer


@dataclass(frozen=True)
class Records:
    """`consumer.run()` and `retention.run()` go on for ever, beside the doors."""

    paper: Paper
    search: Search
    consumer: Consumer
    retention: Retention

    @classmethod
    def of(
        cls, settings: Settings, bus: Bus, database: Database, sealer: Sealer, kinds: Sequence[Kind] = ()
    ) -> Records:
        """`kinds`: what others keep of calls, and for how long. Raises Misconfigured."""
        paper = Paper(sealer, settings.transcripts)
        lease = Lease(database, NAME, this_process())
        consumer = Consumer(bus, Keeper(database, paper, lease), lease)
        return cls(paper, Search(database, paper), consumer, Retention(database, settings.retention, kinds))
