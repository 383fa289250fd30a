"""All calls of a peer that is gone come at one moment: each has its turn, and so has everything else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from services.orchestrator.run.conductor import Conductor
from testbed.organs import Gateway, House, house
from testbed.passes import counted
from testbed.patience import PATIENCE_S

CROWD = 60


async def _crowd(h: House, leg: int) -> list[Gateway]:
    gateways = [await h.gateway(leg) for _ in range(CROWD)]
    await asyncio.gather(*(g.opens(call_id=f"CA{n}") for n, g in enumerate(gateways)))
    await asyncio.gather(*(g.until("session") for g in gateways))
    return gateways


async def test_a_crowd_of_calls_is_taken_over_and_let_go_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their gateway is gone, and another one brings them back, all at once."""
    async with house(tmp_path) as h:
        begun: list[int] = []
        lost: list[int] = []
        made, leg_lost = h.calls._made, Conductor.leg_lost

        async def noting(*args: Any) -> Any:
            begun.append(passes.n)
            return await made(*args)

        def noting_lost(self: Conductor, why: str) -> None:
            lost.append(passes.n)
            leg_lost(self, why)

        monkeypatch.setattr(h.calls, "_made", noting)
        monkeypatch.setattr(Conductor, "leg_lost", noting_lost)
        with counted() as passes:
            for stream in [g.stream for g in await _crowd(h, 1)]:
                stream.cancel()
            async with asyncio.timeout(PATIENCE_S):
                while len(lost) < CROWD:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
            await _crowd(h, 2)
        assert len(set(begun)) == 2 * CROWD == len(begun)
        assert len(set(lost[:CROWD])) == CROWD
