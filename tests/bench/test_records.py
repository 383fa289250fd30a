"""The measurement of backoffice's catching up, in its short form: what is measured is what is kept. No speed."""

from __future__ import annotations

from bench.records import measure


async def test_a_backlog_is_caught_up_with_and_nothing_is_lost_or_there_twice() -> None:
    measured = await measure(calls=25)
    assert measured.kept == measured.records > 100
    assert measured.rate > 0
    assert "records of 25 calls" in str(measured)
