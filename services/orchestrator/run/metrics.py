"""What the orchestrator counts, beside the numbers every service shares (`parley.telemetry`)."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Histogram

from parley import telemetry
from services.orchestrator.mind import effects
from services.orchestrator.mind.bot.specialists import FRONT
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
LOST = Counter(
    "voice_calls_lost_total",
    "Calls that ended though neither caller nor bot meant it. Whoever closes a page without hanging up is one of them",
    ["channel", "why"],
)
NOBODY = "nobody came back"
LOST_WHY = {NOBODY: "nobody_came_back", "no ears": "no_ears", "no answer could be made": "no_answer"}
"""By the reason a call has ended for."""
for _channel in ("phone", "browser", "chat"):
    for _why in LOST_WHY.values():
        LOST.labels(_channel, _why)  # a series that begins with its first loss would hide it from `rate`
SWEPT = Counter("voice_calls_swept_total", "Stored calls that nobody owned: orphan (ended), purged, damaged", ["what"])
PASTS_LOST = Counter(
    "voice_calls_without_past_total",
    "Calls that came back and of which no state could be read: they began anew, with an apology",
)
CARRIES_LOST = Counter(
    "voice_llm_carries_dropped_total",
    "What a model's vendor wants back in its next round, larger than what is kept: that round may be refused",
)
HANDOVERS = Counter("voice_handovers_total", "Calls given on inside an agent, by specialist", ["from", "to"])
ROUTED = Counter(
    "voice_routed_total",
    "Lines of callers to an agent with specialists: by what it was known who is to answer (nobody: by a model)",
    ["by"],
)
GUARDED = Counter("voice_guardrails_total", "Times that a guardrail has acted", ["agent", "rule", "action"])
SPECIALIST_TOKENS = Counter(
    "voice_specialist_tokens_total", "Tokens of calls that have ended, by specialist", ["agent", "specialist", "kind"]
)
FILLERS = Counter("voice_fillers_total", "Words said while the caller waited for others")
CONFIRMATIONS = Counter(
    "voice_confirmations_total",
    "Questions for the yes that a tool needs: yes, no, changed (put right), unclear, left (the call went on)",
    ["outcome"],
)
SIGNALS = Counter(
    "voice_signals_total",
    "Signals into calls: done, shown (to people), recorded (not heeded), duplicate, refused, late",
    ["name", "outcome"],
)
UNCARRIED = Counter(
    "voice_event_records_uncarried_total",
    "Event records that NATS has not stored and the state has no room for: lost if their owner dies now",
)


def count_effect(effect: effects.Effect) -> None:
    match effect:
        case effects.Say(kind="filler"):
            FILLERS.inc()
        case effects.BargeIn(outcome=outcome):
            telemetry.BARGE_IN_TOTAL.labels(outcome).inc()
        case effects.Confirmation(outcome=outcome):
            CONFIRMATIONS.labels(outcome).inc()
        case effects.HandOver(giver=giver, to=to):
            HANDOVERS.labels(giver, to).inc()
        case effects.Signalled(name=name, outcome=outcome):
            SIGNALS.labels(name, outcome).inc()
        case effects.SpeculationOver(outcome=outcome, lead_ms=lead_ms):
            SPECULATIONS.labels(outcome).inc()
            if outcome == "confirmed":
                SPECULATION_LEAD.observe(lead_ms)


def count_loss(call: Call, reason: str) -> None:
    if reason in LOST_WHY:
        LOST.labels(call.channel, LOST_WHY[reason]).inc()


def count_requests(before: Call | None, after: Call | None) -> None:
    """A turn is over when models are asked for another one, and with the call (`after` is None)."""
    if before is None or not before.requests.sent:
        return
    if after is None or after.requests.turn != before.requests.turn:
        REQUESTS.observe(before.requests.sent)


def count_specialists(call: Call, dollars: Mapping[str, float]) -> dict[str, dict[str, dict[str, float]]]:
    """What each specialist of a call that has ended has used, for its log line; nothing for an agent without any."""
    told: dict[str, dict[str, float]] = {}
    for each in call.spent_by:
        name = each.specialist or FRONT
        SPECIALIST_TOKENS.labels(call.agent, name, "input").inc(each.input_tokens)
        SPECIALIST_TOKENS.labels(call.agent, name, "output").inc(each.output_tokens)
        used = {"rounds": each.rounds, "input_tokens": each.input_tokens, "output_tokens": each.output_tokens}
        told[name] = {**used, "usd": round(dollars.get(name, 0.0), 5)}
    return {"specialists": told} if told else {}
