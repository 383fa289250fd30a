"""What the routers and jobs of backoffice work with."""

from __future__ import annotations

from dataclasses import dataclass

from parley.bus import Bus
from parley.database import Database
from parley.process.monitor import Monitor
from parley.settings import Settings
from services.backoffice.access.access import Access
from services.backoffice.configuration.trying import Trials
from services.backoffice.configuration.witness import Witness
from services.backoffice.live.lookout import Lookout
from services.backoffice.records.records import Records
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.audit import Audit
from services.backoffice.watchers.desk import Desk


@dataclass(frozen=True)
class Parts:
    """Made by `wiring.opened`; lives as long as the process."""

    settings: Settings
    monitor: Monitor
    bus: Bus
    database: Database
    sealer: Sealer
    audit: Audit
    access: Access
    records: Records
    desk: Desk
    trials: Trials
    witness: Witness
    lookout: Lookout
