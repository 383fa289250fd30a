"""What a recogniser sends that is of no use: it costs nothing but a count."""

from __future__ import annotations

from prometheus_client import Counter

KINDS = (
    "empty",  # nothing in it
    "not_json",
    "not_object",  # JSON, and a list, a number, a text
    "binary",
    "no_type",
    "unknown_type",
    "half",  # a known message without what it is sent for
    "other_channel",
    "again",  # words, or an end, that were told already
    "our_message",  # it does not understand one of ours
    "unreadable",  # we failed to read it: a fault of ours
)
SKIPPED = Counter("voice_stt_skipped_messages_total", "Messages of a recogniser that were skipped", ["engine", "kind"])


class Skip(Exception):
    """This message is of no use. `kind`: one of KINDS, or empty for what is known and never was."""

    def __init__(self, kind: str = "") -> None:
        super().__init__(kind)
        self.kind = kind


def skip(engine: str, kind: str) -> None:
    """Count one."""
    SKIPPED.labels(engine, kind if kind in KINDS else "unreadable").inc()
