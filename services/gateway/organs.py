"""What every leg of this process shares."""

from __future__ import annotations

from dataclasses import dataclass, field

from parley.rpc import Peers
from services.gateway.carriers import Carriers
from services.gateway.ended import Remembered
from services.gateway.mouth.clock import Clock
from services.gateway.voice.rehearsal import Rehearsal
from services.gateway.watch.timeline import Timelines


@dataclass(frozen=True, slots=True)
class Organs:
    stt: Peers
    tts: Peers
    orchestrator: Peers
    clock: Clock
    carriers: Carriers
    rehearsal: Rehearsal
    timelines: Timelines = field(default_factory=Timelines)
    over: Remembered = field(default_factory=Remembered)
    """Calls that the bot ended here: they are not to come back."""
