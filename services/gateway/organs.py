"""What every leg of this process shares."""

from __future__ import annotations

from dataclasses import dataclass

from parley.rpc import Peers
from services.gateway.carrier import Carrier
from services.gateway.clock import Clock


@dataclass(frozen=True, slots=True)
class Organs:
    stt: Peers
    tts: Peers
    orchestrator: Peers
    clock: Clock
    carrier: Carrier
