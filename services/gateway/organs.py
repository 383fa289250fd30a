"""What every leg of this process shares."""

from __future__ import annotations

from dataclasses import dataclass, field

from parley.rpc import Peers
from services.gateway.carrier import Carrier
from services.gateway.clock import Clock
from services.gateway.rehearsal import Rehearsal
from services.gateway.timeline import Timelines


@dataclass(frozen=True, slots=True)
class Organs:
    stt: Peers
    tts: Peers
    orchestrator: Peers
    clock: Clock
    carrier: Carrier
    rehearsal: Rehearsal
    timelines: Timelines = field(default_factory=Timelines)
