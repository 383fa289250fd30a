"""How the fuzzers run: the same cases in every run of the suite, others and more of them when asked for.

PARLEY_ODD_EXAMPLES=200 plays so many batches of each law, at random, and makes what fails as small as it can.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("PARLEY_ODD_EXAMPLES", "0"))
BATCH = 10
"""Cases that are played at the same time: most of each is waiting."""


def batches(few: int) -> settings:
    """Settings of a law that is tried on `few` batches by default."""
    return settings(
        max_examples=EXAMPLES or few,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        phases=tuple(Phase) if EXAMPLES else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )


# Messages that say nothing, and must change nothing. Of a model's server:
SILENT_LINES: tuple[dict[str, Any], ...] = (
    {"raw": ": ping\n\n"},
    {"raw": "data:\n\n"},
    {"raw": "event: ping\ndata: {}\n\n"},
    {"raw": "data: not json\n\n"},
    {"chunk": {}},
    {"chunk": None},
    {"chunk": []},
    {"chunk": {"choices": []}},
    {"chunk": {"choices": None}},
    {"chunk": {"choices": [{"index": 0, "delta": None, "finish_reason": None}]}},
    {"chunk": {"type": "ping", "cost": 0.1}},
    {"delta": {}},
    {"delta": {"content": None, "role": None, "tool_calls": None}},
    {"delta": {"content": "", "tool_calls": []}},
    {"delta": {"content": []}},
    {"delta": {"annotations": [], "audio": None, "refusal": None}},
)
# Of a recogniser, and of a voice:
SILENT_MESSAGES: tuple[dict[str, Any], ...] = (
    {"sent": {}},
    {"sent": None},
    {"sent": []},
    {"sent": 7},
    {"sent": {"type": None}},
    {"sent": {"type": "Weather", "value": 0.3}},
    {"sent": {"type": ["Results"]}},
    {"sent": {"request_id": "4a9f0c1e"}},
    {"sent": {"type": "Metadata", "duration": None}},
)
# What may stand where something else should.
STRANGE: tuple[Any, ...] = (None, "", "?", 0, -1, 7.5, True, [], {}, [None], {"x": 1})
