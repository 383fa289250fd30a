"""A process that stood still in real time is nobody's matter in made-up time."""

from __future__ import annotations

from collections import deque

import pytest

from parley.process.heartbeat import HEART
from testbed.eval.pace import Pace


def test_what_the_process_did_before_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HEART, "_stood", deque([(1e9, 5.0)]))
    monkeypatch.setattr(HEART, "_beaten", 0.0)

    async def asked() -> float:
        return HEART.awake_since(1.0)

    pace = Pace()
    assert pace.run(asked()) == 0.0
    pace.close()
    assert HEART.awake_since(1.0) >= 1e9, "and it is itself again afterwards"
