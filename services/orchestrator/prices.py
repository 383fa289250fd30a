"""What a call costs at the vendors, by their list prices. Local engines cost nothing.

Prices of November 2026 in US dollars; a deployment with its own contract sets its own in `Prices`.
"""

from __future__ import annotations

from dataclasses import dataclass

from parley.settings import Settings
from services.orchestrator.state import Call


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars per minute heard, per million tokens read and written, per thousand characters spoken."""

    stt_minute: float = 0.0
    input_million: float = 0.0
    output_million: float = 0.0
    tts_thousand_chars: float = 0.0

    def of(self, call: Call, seconds: float) -> float:
        """Cost of a call in dollars. Text calls are neither heard nor spoken."""
        tally = call.tally
        words = (tally.input_tokens * self.input_million + tally.output_tokens * self.output_million) / 1e6
        if call.channel == "chat":
            return words
        return words + seconds / 60 * self.stt_minute + tally.spoken_chars / 1000 * self.tts_thousand_chars


VENDORS = {
    "deepgram": Prices(stt_minute=0.0077),
    "openai": Prices(input_million=0.40, output_million=1.60),
    "elevenlabs": Prices(tts_thousand_chars=0.05),
    "local": Prices(),
}


def prices_of(settings: Settings) -> Prices:
    """The prices of the preferred engines. An engine without a known price counts as free."""
    stt, llm, tts = (VENDORS.get(settings.engines(stage)[0], Prices()) for stage in ("stt", "llm", "tts"))
    return Prices(stt.stt_minute, llm.input_million, llm.output_million, tts.tts_thousand_chars)
