"""What was hit, and whether it served a call at that moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from testbed.chaos import evidence
from testbed.chaos.bookings import Booking
from testbed.chaos.cells import VENDORS, Row
from testbed.chaos.lookups import Lookups
from testbed.chaos.vendor_faults import SLOW, SLOW_S
from testbed.vendors.vendors import Vendors


@dataclass
class Struck:
    """One fault: what it hits by name, process, address and connections just before; when.

    `accounts`: the calls' timelines by caller, where what is hit would take them with it.
    """

    row: Row
    names: Sequence[str]
    pid: int
    address: str
    ports: set[int]
    lookups: Lookups
    at: float = 0.0
    accounts: Mapping[str, evidence.Entries] = field(default_factory=dict)

    @property
    def instance(self) -> str:
        return ", ".join(self.names)

    def served(
        self, vendors: Vendors, caller: str, sid: str, entries: evidence.Entries, mine: Sequence[Booking]
    ) -> bool:
        """Whether what was hit served this caller's call. `mine`: the caller's effects."""
        target, at = self.row.target, self.at
        if target == "orchestrator":
            return evidence.mind_of(entries, at) == self.address
        if target == "gateway":
            return evidence.gateway_of(entries, at) in self.names
        if target == "tools":
            return any(b.pid == self.pid and b.at <= at and not 0 < b.answered_at <= at for b in mine)
        if target == "rag":
            return sid in self.lookups.failed()
        ports = None if target in VENDORS else self.ports
        if (records := _records(vendors, target, caller)) is not None:
            return bool(evidence.open_then(records, ports, at))
        return True

    def own_s(self, vendors: Vendors, caller: str, mine: Sequence[Booking]) -> float:
        """The vendor's own time in what a caller waited: what was begun anew had run so long; what was slow, 3 s."""
        asked = _records(vendors, "openai", caller) or []
        again = max(evidence.begun_again_s(asked, self.at), evidence.done_again_s(mine, self.at))
        if self.row.kind == SLOW and not again:
            records = _records(vendors, self.row.target, caller) or []
            return SLOW_S if evidence.waited_out(records, self.at, SLOW_S) else 0.0
        return again


def _records(vendors: Vendors, target: str, caller: str) -> list[Any] | None:
    """What a stand-in has of a caller; None when no stand-in knows what is hit."""
    if target in ("stt", "deepgram"):
        return [r for r in vendors.deepgram.records if caller in r.query.get("keyterm", [])]
    if target in ("tts", "elevenlabs"):
        return [r for r in vendors.elevenlabs.records if r.voice == caller]
    if target in ("llm", "openai"):
        return [r for r in vendors.openai.records if r.body.get("model") == caller]
    return None
