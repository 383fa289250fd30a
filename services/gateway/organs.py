"""What every leg of this process shares."""

from __future__ import annotations

from dataclasses import dataclass, field

from parley.rpc import Peers
from services.gateway.carriers import Carriers
from services.gateway.mouth.clock import Clock
from services.gateway.recent_calls import RecentCalls
from services.gateway.till.keeping import Keeping
from services.gateway.voice.prefetch import Prefetch
from services.gateway.watch.timeline import Timelines


@dataclass(frozen=True, slots=True)
class Organs:
    stt: Peers
    tts: Peers
    orchestrator: Peers
    clock: Clock
    carriers: Carriers
    rehearsal: Prefetch
    keeping: Keeping
    timelines: Timelines = field(default_factory=Timelines)
    over: RecentCalls = field(default_factory=RecentCalls)
    """Calls that the bot ended here: they are not to come back."""
