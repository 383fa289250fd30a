"""What `parley call` makes of the gateway's own account of a call."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from cli.calling.report import _latencies
from cli.calling.timeline import Said, exchanges
from testbed.telephone.phone import Call
from tests.cli.gateway import tone

QUIET = b"\xff"
BORN_S = 100.0


def test_the_stages_of_an_answer_stand_beside_it() -> None:
    """The caller speaks from 1 to 2 s, the bot is heard from 2.6 s on; the gateway placed the last word at 1.98 s."""
    heard = SimpleNamespace(mulaw=lambda: QUIET * (8 * 2_600) + tone(500), clears=[])
    call = cast("Call", SimpleNamespace(born=BORN_S, heard=heard))
    entries: list[dict[str, Any]] = [
        {"at_ms": 102_300.0, "what": "final", "text": "where is it"},
        {"at_ms": 102_350.0, "what": "turn_ended"},
        {"at_ms": 102_500.0, "what": "say", "utterance": 2, "text": "It shipped."},
        {"at_ms": 102_550.0, "what": "utterance_started", "utterance": 2},
    ]
    stages = {"final": 320, "eager": 220, "ended": 370, "first_token": 420, "words": 520, "audio": 570, "heard": 630}
    older = {"turn": 1, "at_ms": 95_000.0, "audio": 500, "first_token": 1, "heard": 2}
    turns = [older, {"turn": 2, "at_ms": 101_980.0, **stages}]
    (found,) = exchanges(call, [Said("caller", 1.0, 2.0, begun=1.0)], entries, turns)
    assert list(_latencies(found)) == [
        "answered after 600 ms (recognised 300 ms, probably over 200 ms, turn ended 350 ms, first token 400 ms, "
        "first words 500 ms, first audio sent 550 ms, heard 610 ms)"
    ]
    (without,) = exchanges(call, [Said("caller", 1.0, 2.0, begun=1.0)], entries)
    assert without.token is None
    assert without.recognised is not None
