"""A database of backoffice with calls in it, folded from their event records as the service does it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import insert

from parley.bus.streams.reading import Kept
from parley.settings import Settings
from parley.v1 import events_pb2
from services.backoffice.database import Database, open_database
from services.backoffice.records.keeper import Keeper
from services.backoffice.records.lease import Lease
from services.backoffice.records.rows import Paper
from services.backoffice.sealing import Sealer
from services.backoffice.watchers.tables import emotions, outcomes
from testbed.recorded_calls import RecordedCall, interleaved

BATCH = 256
TALKS = (
    (
        (
            "where is my order one two three four",
            "Your order is in our workshop and will be ready on Monday at ten.",
            "order_status",
        ),
        ("can I pick it up on tuesday", "Of course. On Tuesday we are open from nine to six. Anything else?", ""),
        ("no thank you", "You are welcome. Goodbye.", ""),
    ),
    (
        ("when are you open on saturday", "On Saturday we are open from ten to four.", ""),
        ("and on sunday", "On Sundays we are closed.", ""),
    ),
    (
        (
            "I would like to book a tune up",
            "I have a place on Thursday at half past nine. Shall I book it for you?",
            "find_times",
        ),
        ("yes please", "It is booked: Thursday at half past nine. A message is on its way to you.", "book_visit"),
        ("how much will it be", "A tune-up is sixty five euros, parts not included.", ""),
        ("all right bye", "See you on Thursday. Goodbye.", ""),
    ),
    (
        (
            "the bell that you sold me is broken I want my money back",
            "I am sorry to hear that. You can return it within thirty days, with the receipt.",
            "",
        ),
        ("I do not have the receipt", "Then let me look for your order. What is its number?", "order_status"),
        ("I do not know just give me a person", "I will connect you with a colleague.", ""),
    ),
)
"""What callers say, what is answered, and with which tool."""


SUMMARIES = {
    "resolved": "The caller asked about an order or a visit; it was looked up, and the caller was content.",
    "answered": "The caller asked for the opening hours and got them.",
    "unresolved": "The caller wanted the money back for a bell without having the receipt, and asked for a person.",
}


def calls(count: int, until_ms: int, every_ms: int, seed: int = 1) -> Iterator[RecordedCall]:
    """The last of them ended at `until_ms`, the others before it, one every `every_ms`."""
    dice = random.Random(seed)
    for number in range(count):
        call = RecordedCall(
            f"CA{seed:02d}{number:06d}",
            agent=dice.choice(("frontdesk", "frontdesk", "frontdesk", "support")),
            version=dice.choice(("a1b2c3d4e5f6", "77e0d1a0a0a0")),
            caller=f"+1555{dice.randrange(10**7):07d}",
            called=dice.choice(("+15550100100", "+15550100101")),
            at_ms=until_ms - (count - number) * every_ms - dice.randrange(every_ms),
        )
        call.opens().says("Bellweather Bikes, good day. How can I help?")
        for question, answer, tool in dice.choice(TALKS):
            call.caller(question, after_ms=dice.randrange(400, 2500))
            cut = len(answer) // 2 if dice.random() < 0.15 else None
            call.answers(answer, tool=tool, status="failed" if tool and dice.random() < 0.1 else "ok", heard=cut)
            if cut:
                call.interrupts()
        call.ends()
        yield call


async def fill(settings: Settings, those: Iterator[RecordedCall]) -> None:
    """Keep their records, before the service that has this database begins. Raises what the keeper raises."""
    database = await open_database(settings)
    lease = Lease(database, "records", "test")
    sealer = Sealer.of(settings)
    keeper = Keeper(database, Paper(sealer, "keep"), lease)
    await lease.take()
    seq = 0
    while part := list(islice(those, 200)):
        records = interleaved(part)
        for start in range(0, len(records), BATCH):
            part_of = records[start : start + BATCH]
            batch = [Kept(seq + n, each.SerializeToString()) for n, each in enumerate(part_of, 1)]
            await keeper.keep(batch, "test")
            seq += len(batch)
        await _judge(database, sealer, part)
    await lease.give_up()
    await database.close()


async def _judge(database: Database, sealer: Sealer, those: Sequence[RecordedCall]) -> None:
    """What the watchers would have said of them: what came of each, and how the caller sounded."""
    felt, came = [], []
    for number, call in enumerate(those):
        tools = [each.name for record in call.records for each in _executed(record)]
        left = "give me a person" in str(call.records[-2])
        outcome = "unresolved" if left else "resolved" if tools else "answered"
        told = {"summary": SUMMARIES[outcome], "slots": {"order": "1234"} if "order_status" in tools else {}}
        sealed = sealer.seal(json.dumps(told).encode(), f"outcome/{call.call_id}")
        row = {"call_id": call.call_id, "at_ms": call.at_ms, "outcome": outcome, "by": "rules", "model": ""}
        came.append({**row, "sealed": sealed})
        emotion = "frustrated" if left else ("happy", "neutral", "neutral", "confused")[number % 4]
        turn = {"turn": f"{call.call_id}/felt", "call_id": call.call_id, "at_ms": call.at_ms, "emotion": emotion}
        felt.append({**turn, "confidence": 0.9, "by": "patterns", "escalated": False})
    async with database.transaction() as connection:
        await connection.execute(insert(emotions), felt)
        await connection.execute(insert(outcomes), came)


def _executed(record: events_pb2.EventRecord) -> list[events_pb2.Executed]:
    return [each.executed for each in record.decisions if each.HasField("executed")]
