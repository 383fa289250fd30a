"""What the orchestrator counts, beside the numbers every service shares (`parley.telemetry`)."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from services.orchestrator.mind.state import Call

SPECULATIONS = Counter(
    "voice_speculations_total",
    "Rounds begun before the caller's turn was over: confirmed, discarded, failed, too_long",
    ["outcome"],
)
SPECULATION_LEAD = Histogram(
    "voice_speculation_lead_ms",
    "How long a confirmed speculation had run when the turn was over",
    buckets=(1, 25, 50, 100, 200, 300, 500, 750, 1000, 1500, 2500, 5000),
)
REQUESTS = Histogram(
    "voice_llm_requests_per_turn",
    "Requests to models for one turn of a caller, with rounds after tools, repetitions and speculations",
    buckets=(1, 2, 3, 4, 5, 6, 8, 12, 20),
)
DROPPED = Counter("voice_events_dropped_total", "Events that broke the call's logic and were left out", ["kind"])
SWEPT = Counter("voice_calls_swept_total", "Stored calls that nobody owned: orphan (ended), purged, damaged", ["what"])
PASTS_LOST = Counter(
    "voice_calls_without_past_total",
    "Calls that came back and of which no state could be read: they began anew, with an apology",
)
CARRIES_LOST = Counter(
    "voice_llm_carries_dropped_total",
    "What a model's vendor wants back in its next round, larger than what is kept: that round may be refused",
)
FILLERS = Counter("voice_fillers_total", "Words said while the caller waited for others")
CONFIRMATIONS = Counter(
    "voice_confirmations_total",
    "Questions for the yes that a tool needs: yes, no, changed (put right), unclear, left (the call went on)",
    ["outcome"],
)
UNCARRIED = Counter(
    "voice_event_records_uncarried_total",
    "Event records that NATS has not stored and the state has no room for: lost if their owner dies now",
)


def count_requests(before: Call | None, after: Call | None) -> None:
    """A turn is over when models are asked for another one, and with the call (`after` is None)."""
    if before is None or not before.requests.sent:
        return
    if after is None or after.requests.turn != before.requests.turn:
        REQUESTS.observe(before.requests.sent)
