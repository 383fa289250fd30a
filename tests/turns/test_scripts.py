"""Every script, played and asked whether it went as it should."""

from __future__ import annotations

import os

import pytest

from testbed.turns.judge import complaints
from testbed.turns.record import Record
from testbed.turns.virtual.play import play
from tests.turns.conftest import ALL, Lines
from tests.turns.known_faults import REAL, VIRTUAL

SLACK_MS, MOST_LATE_MS = 150, 1000
"""Other calls and tests share the machine. As late as the player itself was, the services may be too."""


IN_REAL_TIME = [name for name in ALL if ALL[name].play != "virtual"]
if os.environ.get("PARLEY_SOAK") != "1":
    only = {name for name in IN_REAL_TIME if ALL[name].play == "real"}
    IN_REAL_TIME = [name for place, name in enumerate(IN_REAL_TIME) if name in only or place % 3 == 0]
"""A third of those that are played in virtual time as well; all with PARLEY_SOAK=1."""


def _cases(names: list[str], faults: dict[str, str]) -> list[object]:
    known = {name: [pytest.mark.xfail(reason=faults[name], strict=True)] for name in names if name in faults}
    return [pytest.param(name, id=name, marks=known.get(name, [])) for name in names]


def _wrong(record: Record) -> list[str]:
    return complaints(record, SLACK_MS + min(record.late_s * 1000, MOST_LATE_MS))


@pytest.mark.realtime
@pytest.mark.timeout(900)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("real", _cases(IN_REAL_TIME, REAL))
async def test_in_real_time(real: str, lines: Lines) -> None:
    record = await lines.record(real, _wrong)
    wrong = _wrong(record)
    machine = f"waited for a core: {record.waited:.1%} of the time, late: {record.late_s * 1000:.0f} ms"
    assert not wrong, "\n".join([*wrong, machine, record.shown()])


@pytest.mark.parametrize("virtual", _cases([name for name in ALL if ALL[name].play != "real"], VIRTUAL))
async def test_in_virtual_time(virtual: str) -> None:
    record = await play(ALL[virtual])
    wrong = complaints(record, 0)
    assert not wrong, "\n".join([*wrong, record.shown()])
