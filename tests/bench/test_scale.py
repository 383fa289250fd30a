"""The parts of `make scale`, in small."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.scale import crowd, door, writes
from bench.scale.__main__ import PARTS, put


async def test_all_writes_are_stored_and_counted(tmp_path: Path) -> None:
    course = await writes.measure(tmp_path, nodes=1, calls=2000, seconds=1.0)
    assert course.put > 100
    assert 0 < course.stored <= course.put
    assert course.records == course.put
    assert course.lost == 0
    assert course.node_ms > 0
    assert course.row().count("|") == writes.HEAD.splitlines()[0].count("|")


async def test_all_calls_of_an_orchestrator_that_stood_still_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "SETTLED_S", 0.5)
    course = await crowd.measure(tmp_path, crowd.ASKED, killed=False)
    assert course.there == course.calls
    assert len(course.waits_s) == crowd.ASKED
    assert course.row().count("|") == crowd.HEAD.splitlines()[0].count("|")


async def test_signed_webhooks_are_let_in() -> None:
    knocks = await door.measure(rate=40, seconds=0.5)
    assert knocks.let_in == knocks.asked == 20
    assert knocks.cpu_ms > 0


def test_a_table_is_put_in_its_place(tmp_path: Path) -> None:
    document = tmp_path / "scale.md"
    document.write_text("\n".join(f"<!-- {part}: begin -->\nold\n<!-- {part}: end -->" for part in PARTS))
    put("| new |", "door", document)
    assert document.read_text().count("old") == len(PARTS) - 1
    assert "| new |\n<!-- door: end -->" in document.read_text()
    with pytest.raises(AssertionError, match="no place"):
        put("| new |", "window", document)
