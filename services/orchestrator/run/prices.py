"""What a call costs at the vendors, by their list prices. Engines of this machine cost nothing."""

from __future__ import annotations

from parley.engines import Price, engines_of
from parley.settings import Settings, Stage
from services.orchestrator.mind.state import Call


def cost(price: Price, call: Call, seconds: float) -> float:
    """Dollars. Text calls are neither heard nor spoken."""
    tally = call.tally
    words = (tally.input_tokens * price.input_million + tally.output_tokens * price.output_million) / 1e6
    if call.channel == "chat":
        return words
    return words + seconds / 60 * price.stt_minute + tally.spoken_chars / 1000 * price.tts_thousand_chars


def price_of(settings: Settings) -> Price:
    """Of the preferred engines together. An engine without a known price counts as free."""
    stt, llm, tts = (_row(settings, stage) for stage in ("stt", "llm", "tts"))
    return Price(stt.stt_minute, llm.input_million, llm.output_million, tts.tts_thousand_chars)


def _row(settings: Settings, stage: Stage) -> Price:
    row = engines_of(stage).get(settings.engines(stage)[0])
    return row.price if row is not None else Price()
