"""What a call has cost at the vendors, by their list prices. Engines of this machine cost nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from parley.engines import EngineSpec, engines_of
from services.backoffice.records.call import Call, Spent

STAGES = ("stt", "llm", "tts")


@dataclass(frozen=True, slots=True)
class Cost:
    """One engine's part. `usd`: dollars."""

    stage: str
    engine: str
    model: str
    spent: Spent
    usd: float


def costs(call: Call, at_ms: int = 0) -> list[Cost]:
    """By stage, engine and model. `at_ms`: of a call that goes on, until then."""
    listening = (
        max(0, at_ms - call.ears_since_ms) / 1000 if at_ms and not call.ended and call.channel != "chat" else 0.0
    )
    found = []
    for (stage, engine, model), spent in call.spent.items():
        if stage == "stt" and engine == call.ears and listening:
            spent = Spent(seconds=spent.seconds + listening)
            listening = 0.0
        found.append(Cost(stage, engine, model, spent, dollars(stage, engine, model, spent)))
    if listening and call.ears:
        spent = Spent(seconds=listening)
        found.append(Cost("stt", call.ears, "", spent, dollars("stt", call.ears, "", spent)))
    return found


def dollars(stage: str, engine: str, model: str, spent: Spent) -> float:
    """An engine without a known price counts as free."""
    row = _engines(stage).get(engine)
    if row is None:
        return 0.0
    price = row.price_of(model) if model else row.price
    heard = spent.seconds / 60 * price.stt_minute
    words = (spent.read * price.input_million + spent.written * price.output_million) / 1e6
    return heard + words + spent.chars / 1000 * price.tts_thousand_chars


@cache
def _engines(stage: str) -> Mapping[str, EngineSpec]:
    return engines_of(stage)
