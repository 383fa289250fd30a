"""What the gateway counts, beside the numbers every service shares (`parley.telemetry`)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from parley.telemetry import CALLS_BEGUN

BAD_MESSAGES = Counter("voice_bad_messages_total", "Messages from the far end that break the protocol", ["kind"])
REFUSED = Counter("voice_refused_total", "Webhooks and sockets turned away", ["reason"])
FULL_ORGAN = Counter("voice_full_organ_total", "New calls not taken for want of room in a service", ["peer"])
DROPPED_COMMANDS = Counter("voice_dropped_commands_total", "Commands of a lower epoch or a stopped turn", ["reason"])
DROPPED_AUDIO_MS = Counter("voice_dropped_audio_ms_total", "Caller's audio let go of because the ears were away")
DROPPED_EVENTS = Counter("voice_dropped_events_total", "Events that found no room or no reader", ["kind"])
TURNS = Counter("voice_turns_total", "Turns of callers: answered, unanswered, left (the leg was over)", ["end"])
TROUBLES = Counter("voice_troubles_total", "Organs that failed for good", ["organ"])
PAUSES = Counter("voice_pauses_total", "Times the mouth fell silent by itself", ["cause"])
REFLEX = Counter("voice_reflex_total", "The reflex: confirmed, unconfirmed, disarmed, armed", ["outcome"])
ONSET_TO_CLEAR = Histogram(
    "voice_onset_to_clear_ms",
    "First frame of a caller's sound to `clear` on the wire",
    buckets=(20, 25, 30, 40, 50, 60, 80, 100, 150, 200),
)
RESUMES = Counter("voice_resumes_total", "Times the mouth went on after a pause", ["cause"])
MARKS = Counter("voice_marks_total", "Marks that came back", ["outcome"])
HELD = Counter("voice_lines_stood_still_total", "Times nothing came from the carrier while the bot spoke: it waited")
GAPS = Histogram(
    "voice_playout_gap_ms",
    "Holes inside an utterance: the far end had played everything and more was to come",
    buckets=(1, 5, 20, 50, 100, 200, 500, 1000, 2000, 5000),
)
STOP_TO_CLEAR = Histogram(
    "voice_stop_to_clear_ms", "`stop` arrived to `clear` on the wire", buckets=(0.1, 0.5, 1, 2, 5, 10, 50, 100)
)
EARS_QUEUE = Histogram(
    "voice_ears_queue",
    "High-water marks of the requests a call's ears have waiting for stt",
    buckets=(1, 2, 5, 20, 100, 250),
)
FLOOD_MS = Counter("voice_flood_ms_total", "Sound thrown away because it came faster than it can sound")
SLOW_READERS = Counter("voice_slow_readers_total", "Sockets closed because the far end did not read")
CARRIER = Counter("voice_carrier_requests_total", "Requests to the carrier's REST API", ["request", "outcome"])
SPOKEN_FOUND = Counter("voice_spoken_cache_total", "Fixed sentences that were looked for in the cache", ["outcome"])
SPOKEN_BYTES = Gauge("voice_spoken_cache_bytes", "Sound kept of fixed sentences")
REHEARSED = Counter("voice_rehearsals_total", "Fixed sentences to be spoken before they are needed", ["outcome"])

for _reason in ("full", "draining"):
    REFUSED.labels(_reason)  # a series that begins with its first refusal would hide it from `rate`
for _channel in ("phone", "browser", "chat"):
    CALLS_BEGUN.labels(_channel)  # a series that begins with its first call would hide it from `rate`
