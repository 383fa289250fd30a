"""What tools write: it is one, it is bounded, and it outlives restarts, edits of the seed files, and dead replicas."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from parley.agents.agent import Agent
from parley.agents.records import Data
from parley.errors import Misconfigured, Unavailable
from parley.tooling import ToolError
from services.tools.database import Database, open_database
from services.tools.execution.ledger import KEEP_DAYS, Ledger
from services.tools.records import agent_records, changes, reading, rows, store
from services.tools.records.agent_records import AgentRecords
from services.tools.records.keys import LETTERS, candidates
from services.tools.records.seeds import load_seeds
from services.tools.records.store import RecordStore
from tests.databases import POSTGRES


def of(database: Database, intent: str = "", agent: str = "workshop") -> AgentRecords:
    return AgentRecords(RecordStore(database), agent, intent)


def agent(version: int = 1) -> Agent:
    data = Data(version=version)
    return Agent(name="workshop", company="Test", greeting="Hello.", prompt="You answer.", data=data)


class Seeds:
    def __init__(self, folder: Path) -> None:
        self.agents = folder
        self.data = folder / "workshop" / "data"
        self.data.mkdir(parents=True)

    def write(self, collection: str, text: str) -> None:
        (self.data / f"{collection}.yaml").write_text(text)

    async def load(self, database: Database, version: int = 1) -> None:
        await load_seeds(RecordStore(database), self.agents, agent(version))


@pytest.fixture
def seeds(tmp_path: Path) -> Seeds:
    return Seeds(tmp_path / "agents")


async def test_what_was_written_is_read_by_key_as_a_whole_and_by_its_fields(database: Database) -> None:
    records = of(database)
    await records.put("visits", "a", {"day": date(2026, 12, 1), "who": "Ann's", "cost": Decimal("12.50"), "n": 1})
    await records.put("visits", "b", {"day": date(2026, 12, 2), "who": "Bob", "paid": True, "n": 1.5, "none": None})
    await of(database, agent="other").put("visits", "a", {"who": "somebody else's"})
    ann = {"day": "2026-12-01", "who": "Ann's", "cost": "12.50", "n": 1}
    bob = {"day": "2026-12-02", "who": "Bob", "paid": True, "n": 1.5, "none": None}
    assert await records.get("visits", "a") == ann
    assert list((await records.all("visits")).items()) == [("a", ann), ("b", bob)]
    assert await records.all("nothing") == {}
    assert await records.get("visits", "c") is None
    found = {
        "day": await records.find("visits", day=date(2026, 12, 1)),
        "who": await records.find("visits", who="Ann's", n=1),
        "true": await records.find("visits", n=True),
        "float": await records.find("visits", n=1.5),
        "paid": await records.find("visits", paid=True),
        "none": await records.find("visits", none=None),
        "text": await records.find("visits", n="1"),
        "collection": await records.find("visits", collection="x"),
        "quoted": await records.find("visits", **{"a\"'.b": "x"}),
    }
    keys = [name + "".join(rows) for name, rows in found.items()]
    assert keys == ["daya", "whoa", "true", "floatb", "paidb", "noneb", "text", "collection", "quoted"]
    assert await records.delete("visits", "a") is True
    assert await records.delete("visits", "a") is False
    assert list(await records.all("visits")) == ["b"]


async def test_a_transaction_sees_its_own_writes_and_nobody_else_does_before_its_end(database: Database) -> None:
    records, other = of(database), of(database)
    await records.put("visits", "a", {"day": "mon"})
    await records.put("visits", "b", {"day": "tue"})
    async with records.transaction() as inside:
        await inside.put("visits", "c", {"day": "mon"})
        await inside.put("visits", "a", {"day": "wed"})
        await inside.delete("visits", "b")
        added = await inside.add("visits", {"day": "mon"})
        assert await inside.get("visits", "b") is None
        assert await inside.get("visits", "c") == {"day": "mon"}
        assert set(await inside.find("visits", day="mon")) == {"c", added}
        assert set(await inside.all("visits")) == {"a", "c", added}
        assert set(await records.all("visits")) == {"a", "c", added}, "the same task is in the transaction"
        assert set(await other.all("visits")) == {"a", "b"}
        with pytest.raises(RuntimeError, match="open already"):
            records.transaction()
    assert set(await other.all("visits")) == {"a", "c", added}
    with pytest.raises(RuntimeError, match="is over"):
        await inside.put("visits", "d", {})


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    records = of(database, "CA1/1")
    added = []

    async def tool() -> None:
        async with records.transaction() as inside:
            await inside.put("visits", "a", {})
            added.append(await inside.add("visits", {}))
            raise OSError("the tool's own")

    with pytest.raises(OSError, match="the tool's own"):
        await tool()
    assert await records.all("visits") == {}
    assert [await records.add("visits", {})] == added, "the count of rows added is undone too"


async def test_two_who_want_the_same_place_do_not_both_get_it(database: Database) -> None:
    shared = RecordStore(database)

    async def book(n: int, store_of_one: RecordStore) -> bool:
        async with AgentRecords(store_of_one, "workshop", f"CA{n}/1").transaction() as records:
            if await records.find("visits", slot="ten"):
                return False
            await asyncio.sleep(0)
            await records.add("visits", {"slot": "ten"})
            return True

    stores = [shared if n % 2 or not database.shared else RecordStore(database) for n in range(10)]
    booked = await asyncio.gather(*(book(n, chosen) for n, chosen in enumerate(stores)))
    assert sum(booked) == 1
    assert len(await of(database).all("visits")) == 1


async def test_single_writes_wait_for_a_transaction_too(database: Database) -> None:
    shared = RecordStore(database)
    one, other = AgentRecords(shared, "workshop"), AgentRecords(shared, "workshop")
    async with one.transaction() as inside:
        late = asyncio.create_task(other.put("visits", "a", {"by": "other"}))
        await asyncio.sleep(0.02)
        await inside.put("visits", "a", {"by": "one"})
        assert not late.done()
    await late
    assert await one.get("visits", "a") == {"by": "other"}


async def test_agents_do_not_wait_for_each_other(database: Database) -> None:
    shared = RecordStore(database)
    async with AgentRecords(shared, "one").transaction():
        await AgentRecords(shared, "other").put("visits", "a", {})


async def test_who_waits_too_long_for_others_is_told_that_nothing_was_done(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOCK_S", 0.05)
    shared = RecordStore(database)
    for waiting in (shared, RecordStore(database)) if database.shared else (shared,):
        async with AgentRecords(shared, "workshop").transaction():
            with pytest.raises(ToolError, match="nothing was changed"):
                await asyncio.create_task(AgentRecords(waiting, "workshop").put("visits", "a", {}))
    assert await of(database).all("visits") == {}


async def test_a_transaction_that_takes_too_long_is_undone(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_records, "TRANSACTION_S", 0.05)
    records = of(database)

    async def tool() -> None:
        async with records.transaction() as inside:
            await inside.put("visits", "a", {})
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError, match="a transaction on records may take"):
        await tool()
    assert await records.all("visits") == {}


@pytest.mark.parametrize("database", [POSTGRES], indirect=True)
async def test_a_replica_that_dies_in_a_transaction_leaves_nothing_and_lets_others_in(database: Database) -> None:
    async def inside_and_lost() -> None:
        async with of(database).transaction() as inside:
            await inside.put("visits", "a", {})
            async with database.transaction() as connection:
                locks = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
                await connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM ({locks}) AS held"))

    with pytest.raises(Unavailable):
        await inside_and_lost()
    records = of(database)
    await records.put("visits", "b", {})
    assert list(await records.all("visits")) == ["b"]


@pytest.mark.parametrize("database", [POSTGRES], indirect=True)
async def test_a_replica_that_stands_still_in_a_transaction_does_not_keep_others_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "IDLE_S", 0.05)

    async def frozen() -> None:
        async with of(database).transaction() as inside:
            await inside.put("visits", "a", {})
            await of(database).put("visits", "b", {})  # another replica: it gets the lock, and this one has lost it

    with pytest.raises(Unavailable):
        await frozen()
    assert list(await of(database).all("visits")) == ["b"]


async def test_keys_are_made_to_be_read_out(database: Database) -> None:
    records = of(database)
    digits = [await records.add("visits", {}) for _ in range(20)]
    letters = [await records.add("visits", {}, kind="letters") for _ in range(20)]
    assert all(re.fullmatch(r"[1-9]\d{5}", key) and not re.search(r"(.)\1\1", key) for key in digits)
    assert all(re.fullmatch(rf"[{LETTERS}]{{2}}\d{{4}}", key) for key in letters)
    assert len({*digits, *letters}) == 40
    tried = [next(keys) for keys in [candidates("mark", "digits")] for _ in range(20)]
    assert [len(key) for key in tried] == [6] * 8 + [7] * 8 + [8] * 4, (
        "where short ones are taken there are longer ones"
    )
    assert next(candidates("mark", "digits")) == tried[0]


async def test_a_key_that_is_taken_is_not_given_again_even_when_its_row_is_gone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "candidates", lambda mark, kind: iter(["1", "2", "3", "4"]))
    records = of(database)
    assert await records.add("visits", {}) == "1"
    await records.delete("visits", "1")
    async with records.transaction() as inside:
        assert [await inside.add("visits", {}), await inside.add("visits", {})] == ["2", "3"]
    assert await records.add("bills", {}) == "1"


async def test_an_intent_that_is_done_again_books_nothing_twice(database: Database) -> None:
    first = of(database, "CA1/1")
    assert await first.added("visits") is None
    keys = [await first.add("visits", {"n": n}) for n in range(2)]
    bill = await first.add("bills", {})

    again = of(database, "CA1/1")
    async with again.transaction() as inside:
        assert await inside.added("visits") == keys[0]
        assert [await inside.add("visits", {"n": 7}), await inside.add("visits", {"n": 8})] == keys
        assert await inside.added("visits") is None
    assert await again.add("bills", {}) == bill
    assert list((await again.all("visits")).values()) == [{"n": 0}, {"n": 1}]

    await of(database, "CA1/2").delete("visits", keys[0])
    assert await of(database, "CA1/1").add("visits", {"n": 9}) == keys[0]
    assert list(await again.all("visits")) == keys[1:], "what was cancelled since stays cancelled"
    assert await of(database, "CA1/3").add("visits", {"n": 0}) not in keys


async def test_what_tools_wrote_outlives_an_edit_of_the_seed_file(database: Database, seeds: Seeds) -> None:
    seeds.write("orders", "'1': {state: new}\n'2': {state: new}\n'3': {state: new}\n")
    await seeds.load(database)
    records = of(database)
    await records.put("orders", "1", {"state": "paid"})
    await records.delete("orders", "2")
    added = await records.add("orders", {"state": "added"})
    await records.put("notes", "n", {"text": "no file has this collection"})

    seeds.write("orders", "'4': {state: edited}\n'3': {state: edited}\n'2': {state: edited}\n'1': {state: edited}\n")
    await seeds.load(database)
    expected = {"1": "paid", "4": "edited", "3": "edited", added: "added"}
    assert {key: row["state"] for key, row in (await records.all("orders")).items()} == expected
    (seeds.data / "orders.yaml").unlink()
    await seeds.load(database)
    assert {key: row["state"] for key, row in (await records.all("orders")).items()} == {"1": "paid", added: "added"}
    assert list(await records.all("notes")) == ["n"]


async def test_a_higher_data_version_begins_anew_and_a_lower_one_changes_nothing(
    database: Database, seeds: Seeds
) -> None:
    seeds.write("orders", "'1': {state: new}\n'2': {state: new}\n")
    await seeds.load(database)
    records = of(database)

    async def meddled() -> None:
        await records.put("orders", "1", {"state": "paid"})
        await records.delete("orders", "2")
        await records.put("notes", "n", {})

    await meddled()
    await seeds.load(database, version=2)
    assert await records.all("orders") == {"1": {"state": "new"}, "2": {"state": "new"}}
    assert await records.all("notes") == {}
    await meddled()
    for version in (2, 1, 2):
        await seeds.load(database, version)
    assert await records.all("orders") == {"1": {"state": "paid"}}


async def test_a_restart_changes_nothing(tmp_path: Path, seeds: Seeds) -> None:
    seeds.write("orders", "'1': {state: new}\n")
    for expected in ("new", "written"):
        database = await open_database("", tmp_path / "data")
        await seeds.load(database)
        assert await of(database).get("orders", "1") == {"state": expected}
        await of(database).put("orders", "1", {"state": "written"})
        await database.close()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("orders: [", "not valid YAML"),
        ("- a", "expected a mapping of keys to records"),
        ("1: {a: b}", 'write keys as quoted text, "1"'),
        ("'1': paid", "1: expected a mapping of fields, got str"),
        ("'1': {a: \"\\0\"}", "1: it has a NUL character"),
        (f"'{'x' * 201}': {{}}", "use text of 1 to 200 printable characters"),
        (f"'1': {{a: {'x' * 17_000}}}", "bytes as JSON; 16,384 are allowed"),
    ],
)
async def test_a_seed_file_that_is_wrong_is_told_by_name(tmp_path: Path, seeds: Seeds, file: str, words: str) -> None:
    database = await open_database("", tmp_path / "data")
    seeds.write("orders", file)
    with pytest.raises(Misconfigured, match=rf"orders\.yaml: .*{re.escape(words)}"):
        await seeds.load(database)
    await database.close()


async def test_rows_keys_and_collections_have_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_ROWS", 3)
    monkeypatch.setattr(changes, "MAX_CHANGES", 4)
    monkeypatch.setattr(reading, "MAX_READ", 2)
    database = await open_database("", tmp_path / "data")
    records = of(database)
    for collection, key, row, words in (
        ("visits", "a", {"x": "y" * rows.MAX_ROW_BYTES}, "bytes as JSON; 16,384 are allowed"),
        ("visits", "a", {"x": object()}, "cannot be kept as JSON: .*object"),
        ("visits", "a", {"x": "\ud800"}, "cannot be kept as JSON"),
        ("visits", "a", {"x": "a\0b"}, "NUL"),
        ("visits", "", {}, "1 to 200 printable characters"),
        ("visits", "a\n", {}, "1 to 200 printable characters"),
        ("../visits", "a", {}, "collection .*: use up to 100 letters"),
    ):
        with pytest.raises(ToolError, match=words):
            await records.put(collection, key, row)
    await records.put("visits", "a", {"x": "a \\u0000 that is only text"})
    await records.put("visits", "b", {})
    assert len(await records.all("visits")) == 2
    await records.put("visits", "c", {})
    with pytest.raises(ToolError, match="too many visits to look through: more than 2"):
        await records.all("visits")
    assert list(await records.find("visits", x="a \\u0000 that is only text")) == ["a"]
    with pytest.raises(ToolError, match="no room for more visits: 3 are kept"):
        await records.add("visits", {})
    await records.put("visits", "c", {"written": "again"})
    await records.put("others", "d", {})

    async def tool() -> None:
        async with records.transaction() as inside:
            for n in range(5):
                await inside.put("others", str(n), {})

    with pytest.raises(ToolError, match="a transaction may write 4 rows"):
        await tool()
    assert list(await records.all("others")) == ["d"]
    await database.close()


async def test_what_was_deleted_long_ago_is_forgotten_but_not_that_a_seed_was(database: Database, seeds: Seeds) -> None:
    seeds.write("visits", "'1': {}\n'2': {}\n")
    await seeds.load(database)
    records = of(database)
    await records.put("visits", "3", {})
    await records.put("visits", "4", {})
    for key in ("1", "3"):
        await records.delete("visits", key)
    old = datetime.now(UTC) - timedelta(days=KEEP_DAYS + 1)
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE records SET written_at = :old").bindparams(old=old))
    await Ledger(database, "one").purge()
    async with database.transaction() as connection:
        left = (await connection.execute(text("SELECT key FROM records ORDER BY key"))).scalars().all()
    assert left == ["1", "2", "4"]
