"""What is kept is kept once, in whatever order it comes and however often the process dies."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select

from parley.errors import Superseded
from services.backoffice.database import Database
from services.backoffice.records import tables
from services.backoffice.records.folding import Calls
from services.backoffice.records.keeper import RECORDS
from services.backoffice.sealing import Sealer
from testbed.recorded_calls import RecordedCall, interleaved, some_calls
from tests.backoffice.records.desk import STREAM, Desk


async def empty(desk: Desk) -> None:
    async with desk.database.transaction() as connection:
        for table in (tables.records, tables.calls, tables.texts, *tables.OF_A_CALL):
            await connection.execute(table.delete())
    desk.keeper.calls.clear()


async def test_in_batches_in_any_order_twice_and_with_deaths_between_it_comes_to_the_same(desk: Desk) -> None:
    stream = interleaved(some_calls(6, turns=4, seed=7))
    await desk.keep(stream, at_once=1000)
    whole = await desk.everything()
    assert len(whole["records"]) == len(stream)
    assert all(row["ended_ms"] for row in whole["calls"])

    dice = random.Random(3)
    mixed = [*stream, *dice.sample(stream, len(stream) // 2)]
    dice.shuffle(mixed)
    await empty(desk)
    await desk.keep(mixed, at_once=7)
    assert await desk.everything() == whole

    await empty(desk)
    for start in range(0, len(stream), 9):  # a new process for every batch
        desk = await desk.started()
        await desk.keep(stream[start : start + 9])
    assert await desk.everything() == whole


async def test_more_calls_than_are_held_at_once(desk: Desk) -> None:
    desk.keeper.calls = Calls(most=2)
    stream = interleaved(some_calls(8, turns=2, seed=2))
    await desk.keep(stream, at_once=5)
    kept = await desk.everything()
    assert len(desk.keeper.calls) == 2
    await empty(desk)
    desk.keeper.calls = Calls()
    await desk.keep(stream)
    assert await desk.everything() == kept


async def test_a_takeover_makes_void_what_was_kept_already(desk: Desk) -> None:
    call = RecordedCall("CA1").opens().says("Hello.").caller("first").answers("One.").caller("lost").answers("Lost.")
    await desk.keep(call.records)
    said = [row["heard_pii"] for row in await desk.rows(tables.lines)]
    assert said == ["Hello.", "first", "One.", "lost", "Lost."]
    call.taken_over(after_n=call.n - 1).caller("again").answers("Again.").ends()
    await desk.keep(call.records[-4:])
    said = [row["heard_pii"] for row in await desk.rows(tables.lines)]
    assert said == ["Hello.", "first", "One.", "again", "Again."]
    (row,) = await desk.rows(tables.calls)
    assert (row["turns"], row["takeovers"]) == (2, 1)


async def test_how_far_it_was_read_is_kept_with_what_was_read(desk: Desk) -> None:
    await desk.keep(some_calls(1)[0].records, at_once=4)
    position = await desk.lease.take()
    assert position is not None
    assert (position.seq, position.stream) == (desk.seq, STREAM)


async def test_what_cannot_be_read_is_counted_and_passed_over(desk: Desk) -> None:
    before = RECORDS.labels("unreadable")._value.get()
    good = RecordedCall("CA1").opens().says("Hello.").ends().records
    await desk.keep_raw(b"\xff\xff", b"", good[0].SerializeToString())
    assert RECORDS.labels("unreadable")._value.get() == before + 2
    assert [row["call_id"] for row in await desk.rows(tables.calls)] == ["CA1"]


async def test_what_no_database_takes_holds_up_nothing(desk: Desk) -> None:
    odd = RecordedCall("CA1").opens().says("nul \0 in it").caller("x" * 50_000).answers("Yes.")
    for record in odd.records:
        for each in record.inputs:
            each.at_ms *= 1_000_000  # beyond what a clock can say, and what a column of ms since a turn can hold
    await desk.keep([*odd.records, *RecordedCall("CA2").opens().says("Hello.").ends().records])
    assert "CA2" in [row["call_id"] for row in await desk.rows(tables.calls)]


async def test_one_reads_at_a_time_and_who_stood_still_writes_nothing(database: Database, sealer: Sealer) -> None:
    first = await Desk(database, sealer, holder="one").started("one")
    call = RecordedCall("CA1").opens().says("Hello.").caller("hi").answers("Hi.").ends()
    await first.keep(call.records[:2])
    if not database.shared:
        return  # SQLite: nobody else is there
    assert await Desk(database, sealer, holder="two").lease.take() is None
    async with database.transaction() as connection:
        await connection.execute(tables.positions.update().values(until=0.0))  # nothing was heard of it for long
    second = await first.started("two")
    with pytest.raises(Superseded, match="another replica reads records"):
        await first.keep(call.records[2:])
    assert len(await second.rows(tables.records)) == 2
    await second.keep(call.records[2:])
    assert (await second.rows(tables.calls))[0]["ended_ms"]
    await second.lease.give_up()
    assert await first.lease.take() is not None


@pytest.mark.parametrize(
    ("policy", "kept"), [("mask", "[card]"), ("keep", "4111 1111 1111 1111"), ("encrypt", "[card:")]
)
async def test_personal_data_is_kept_as_the_policy_says(
    policy: str, kept: str, database: Database, sealer: Sealer
) -> None:
    desk = await Desk(database, sealer, policy).started()  # type: ignore[arg-type]
    call = RecordedCall("CA1", caller="+15550109999").opens().says("Hello.")
    call.caller("my card is 4111 1111 1111 1111").answers("Thank you.").ends()
    await desk.keep(call.records)
    said = (await desk.rows(tables.lines))[1]["heard_pii"]
    assert kept in said
    shown = await desk.search.call("CA1", pii=True)
    assert ("4111 1111 1111 1111" in shown["lines"][1]["heard"]) == (policy != "mask")
    covered = await desk.search.call("CA1", pii=False)
    assert ("4111" in covered["lines"][1]["heard"]) == (policy == "keep")
    async with database.reading() as connection:
        (text,) = (await connection.execute(select(tables.texts.c.text_pii))).scalars()
        assert ("4111" in text) == (policy == "keep")
        sealed = (await connection.execute(select(tables.records.c.sealed))).scalars().all()
        (caller,) = (await connection.execute(select(tables.calls.c.caller_sealed))).scalars()
    assert not any(b"4111" in each or b"0109999" in each for each in (*sealed, caller))
    assert shown["caller"] == "+15550109999"


async def test_a_number_said_over_two_lines_is_masked_in_both(database: Database, sealer: Sealer) -> None:
    desk = await Desk(database, sealer, "mask").started()
    call = RecordedCall("CA1").opens().says("Your card number, please?")
    call.caller("four one one one one one one one").answers("Go on.").caller("one one one one one one one one")
    await desk.keep(call.answers("Thank you.").ends().records)
    said = [row["heard_pii"] for row in await desk.rows(tables.lines)]
    assert not any("one one one" in each for each in said), said
    assert said[2] == "Go on."
