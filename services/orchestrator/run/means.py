"""What every conductor of the process works with."""

from __future__ import annotations

from dataclasses import dataclass, field

from parley.bus import Bus
from parley.bus.callstate import CallStore
from services.orchestrator.run.figures import Figures
from services.orchestrator.run.organs import Organs
from services.orchestrator.run.prices import Prices
from services.orchestrator.watch.live import Live


@dataclass(frozen=True, slots=True)
class Means:
    organs: Organs
    bus: Bus
    store: CallStore
    engine: str  # the preferred language model, for the agent's choice of model
    prices: Prices
    linger_s: float
    refuse_without_nats: bool = False
    figures: Figures = field(default_factory=Figures)
    live: Live = field(default_factory=Live)
