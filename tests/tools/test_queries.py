"""What a model may ask in SQL: of this agent, of the verified customer, and no more, on both databases."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from parley.agents.queries import Type
from parley.errors import Misconfigured, Unavailable
from parley.tooling import ToolError
from services.tools.database import Database, open_database
from services.tools.discovery import Toolboxes
from services.tools.execution.ledger import RESULTS_HOURS, Ledger
from services.tools.queries import results, rows
from services.tools.queries.sandbox import Value
from services.tools.schema import BadArguments
from tests.tools.bank import AGENT, THEIRS, Teller, agent, fill
from tests.tools.service import serving
from tests.tools.service import settings as service_settings


@pytest.fixture
async def teller(database: Database) -> Teller:
    await fill(database)
    return Teller(database)


async def test_the_customers_own_rows_are_there_with_their_types(teller: Teller) -> None:
    assert await teller.ask("select * from transactions") == [
        {
            "id": "t1",
            "day": "2026-01-05",
            "amount": 12.1,
            "merchant": "Mine Bakery",
            "pending": None,
            "points": 1,
            "at": None,
        },
        {
            "id": "t2",
            "day": "2026-01-20",
            "amount": 900.0,
            "merchant": "Mine Rent",
            "pending": 0,
            "points": None,
            "at": None,
        },
        {
            "id": "t3",
            "day": "2026-03-02",
            "amount": 20.2,
            "merchant": "Mine Bakery",
            "pending": 1,
            "points": None,
            "at": None,
        },
        {
            "id": "t4",
            "day": None,
            "amount": None,
            "merchant": None,
            "pending": None,
            "points": None,
            "at": "2026-03-02 10:00:00",
        },
    ]
    assert await teller.ask("select * from customers") == [{"name": "Ann Mine", "since": None}]
    assert await teller.ask("select name from rates order by percent desc") == [{"name": "fixed"}, {"name": "savings"}]


async def test_questions_as_they_are_asked(teller: Teller) -> None:
    assert await teller.ask("select sum(amount) from transactions") == [{"sum_amount": 932.3}]
    by_month = "select strftime('%Y-%m', day) as month, sum(amount) as spent from transactions where day is not null"
    assert await teller.ask(f"{by_month} group by month order by spent desc") == [
        {"month": "2026-01", "spent": 912.1},
        {"month": "2026-03", "spent": 20.2},
    ]
    month = await teller.ask("select current_date - interval '1 month' a, date('2024-02-29') + interval '1 year' b")
    assert month == [{"a": "2026-02-28", "b": "2025-02-28"}]
    lately = "select merchant from transactions where day >= current_date - interval '1 month'"
    assert await teller.ask(lately) == [{"merchant": "Mine Bakery"}]
    assert await teller.ask("select count(*) from transactions where not pending") == [{"count": 1}]
    assert await teller.ask("select merchant from transactions where merchant ilike '%RENT'") == [
        {"merchant": "Mine Rent"}
    ]
    joined = "select t.id, r.name from transactions t join rates r on r.percent * 1000 < t.amount + 700"
    assert await teller.ask(f"{joined} order by t.id, r.name") == [{"id": "t2", "name": "savings"}]


GREEDY = [
    "select * from transactions where customer = 'c2'",
    "select * from transactions union all select * from (select * from transactions) x",
    "select max(amount) from transactions",
    "select count(*) as n from transactions",
    "select * from transactions where amount > 0 or 1 = 1 or merchant like '%'",
    "select a.merchant from transactions a, transactions b, customers c",
    "select * from customers where name <> 'Ann Mine'",
    "select name as merchant from customers union select merchant from transactions",
    "select * from transactions where id like 'x%' or id in ('x1', 'x2')",
    "with t as (select * from transactions) select * from t where merchant like 'Theirs%'",
    "select merchant as \"customer\" from transactions where 'c2' = 'c2'",
    "select id from transactions t where exists (select 1 from transactions where id like 'x%')",
    "select case when amount > 1000000 then 1 / 0 else 0 end as leak from transactions",
    "select * from transactions limit -1 offset 0",
]


async def test_no_row_of_others_comes_out_whatever_is_asked(teller: Teller) -> None:
    answered = 0
    for sql in GREEDY:
        try:
            found = await teller.ask(sql)
        except ToolError:
            continue
        answered += 1
        assert_mine(found)
    assert answered > 5


def assert_mine(found: list[dict[str, object]]) -> None:
    for row in found:
        for value in row.values():
            assert "Theirs" not in str(value)
            assert not isinstance(value, int | float) or abs(value) < THEIRS / 1000


COLUMN = st.sampled_from(["id", "day", "amount", "merchant", "pending", "points", "at"])
VALUE = st.sampled_from(
    ["'c2'", "''", "'%'", "1000000000", "0", "null", "'Theirs 1'", "current_date", "'x'' or 1=1 --'"]
)
TERM = st.one_of(COLUMN, VALUE)
TEST = st.recursive(
    st.one_of(
        st.builds("{} {} {}".format, TERM, st.sampled_from(["=", "<>", "<", ">=", "like"]), TERM),
        st.builds("{} is {}null".format, COLUMN, st.sampled_from(["", "not "])),
        st.builds("{} in (select {} from {})".format, TERM, st.just("name"), st.sampled_from(["customers", "rates"])),
        st.builds("exists (select 1 from transactions i where i.{} = {})".format, COLUMN, TERM),
    ),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=4,
)
SHOWN = st.one_of(
    st.just("*"),
    COLUMN,
    st.builds(
        "{}({}) as f".format, st.sampled_from(["sum", "max", "min", "count", "total", "lower", "length"]), COLUMN
    ),
    st.builds("{} as {}".format, COLUMN, st.sampled_from(["customer", "owner", "pin"])),
    st.builds("coalesce({}, {})".format, COLUMN, COLUMN),
)
SELECT = st.builds(
    "select {}{} from {} where {}{}".format,
    st.sampled_from(["", "distinct "]),
    SHOWN,
    st.sampled_from(["transactions", "(select * from transactions) t", "transactions t left join rates r on 1 = 1"]),
    TEST,
    st.sampled_from(["", " order by 1", " limit 5", " limit -1", " group by 1"]),
)
WHOLE = st.one_of(
    SELECT,
    st.builds("select merchant from ({}) q".format, SELECT),
    st.builds("with q as ({}) select * from q".format, SELECT),
    st.builds(
        "select merchant from transactions {} select name from customers".format,
        st.sampled_from(["union", "union all", "except"]),
    ),
)


def test_no_row_of_others_comes_out_of_any_select(tmp_path: Path) -> None:
    answered = []
    with asyncio.Runner() as runner:
        database = runner.run(open_database("", tmp_path))
        runner.run(fill(database))
        teller = Teller(database)

        @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(WHOLE)
        def asked(sql: str) -> None:
            try:
                found = runner.run(teller.ask(sql))
            except ToolError:
                return
            answered.append(sql)
            assert_mine(found)

        asked()
        runner.run(database.close())
    assert len(answered) > 50, "most of what is asked is valid"


async def test_who_is_not_verified_sees_what_is_public_and_nothing_else(teller: Teller) -> None:
    stranger = Teller(teller.database, customer="")
    for sql in ("select * from transactions", "select name from rates where exists (select 1 from customers)"):
        with pytest.raises(ToolError, match="Verify the caller first"):
            await stranger.ask(sql)
    assert len(await stranger.ask("select * from rates")) == 2


async def test_a_customer_sees_what_has_that_very_key(teller: Teller) -> None:
    seen = {}
    for customer in ("nobody", "%", "_1", "c", "c1' OR '1'='1", "null", "true", "*", "C1", "c1 ", "c1' OR 1=1 --"):
        found = await Teller(teller.database, customer=customer).ask("select merchant from transactions")
        seen[customer] = [row["merchant"] for row in found]
    own = {"%": ["Theirs 8"], "C1": ["Theirs 1"], "c1 ": ["Theirs 7"], "c1' OR 1=1 --": ["Theirs 9"]}
    assert seen == {**dict.fromkeys(seen, []), **own}


async def test_the_rest_of_a_result_is_behind_its_handle(teller: Teller) -> None:
    many = "select a.id, b.merchant from transactions a, transactions b, transactions c order by 1"
    found = await teller("execute_query", sql=many)
    assert (found["handle"], found["count"], found["complete"], len(found["rows"])) == ("r1", 50, False, 10)
    assert found["summary"] == "I have found more than 50 entries."
    with pytest.raises(ToolError, match="not complete, so nothing right can be computed"):
        await teller("analyze_data", handle="r1", operation="count")
    found = await teller("execute_query", sql="select day, amount, merchant from transactions")
    assert (found["handle"], found["summary"]) == ("r3", "I have found 4 entries.")
    total = await teller("analyze_data", handle=" R3", operation="total", column="Amount")
    assert total["summary"] == "In total 932.30 dollars."
    assert total["value"] == 932.3
    assert (await teller("execute_query", sql="select max(points) from transactions"))["summary"] == (
        "I have found max points: 1."
    )
    nothing = await teller("execute_query", sql="select id from transactions where amount < 0")
    assert nothing["summary"] == "I have found nothing for that."


async def test_a_handle_is_of_one_call_one_agent_and_one_customer(teller: Teller) -> None:
    await teller("execute_query", sql="select amount from transactions")
    for other in (Teller(teller.database, "CA2"), Teller(teller.database, customer="c2")):
        with pytest.raises(ToolError, match="There is no result r1; there are none: query first"):
            await other("analyze_data", handle="r1", operation="count")
    assert (await Teller(teller.database)("analyze_data", handle="r1", operation="count"))["value"] == 4
    with pytest.raises(ToolError, match="There is no result r7; there are r1"):
        await teller("analyze_data", handle="r7", operation="count")


async def test_results_are_bounded_and_forgotten(teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MAX_RESULTS", 2)
    monkeypatch.setattr(results, "MAX_BYTES", 40)
    for _ in range(3):
        found = await teller("execute_query", sql="select id, merchant from transactions")
        assert found["complete"] is False
        assert found["summary"] == "I have found more than 4 entries."
    with pytest.raises(ToolError, match="There is no result r1; there are r2, r3"):
        await teller("analyze_data", handle="r1", operation="count")
    old = datetime.now(UTC) - timedelta(hours=RESULTS_HOURS, minutes=1)
    async with teller.database.transaction() as connection:
        await connection.execute(text("UPDATE query_results SET made_at = :old").bindparams(old=old))
    with pytest.raises(ToolError, match="there are none: query first"):
        await teller("analyze_data", handle="r3", operation="count")
    await Ledger(teller.database, "one").purge()
    async with teller.database.transaction() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM query_results"))).scalar() == 0


async def test_a_figure_is_told_while_something_is_being_written(teller: Teller) -> None:
    await teller("execute_query", sql="select amount from transactions")
    async with teller.database.transaction():
        assert (await teller("analyze_data", handle="r1", operation="count"))["value"] == 4


async def test_what_is_in_the_tables_is_read_in_the_query_s_thread_while_calls_go_on(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, readers = rows._typed, set()

    def typed(text: str | None, kind: Type) -> Value:
        readers.add(threading.current_thread())
        return real(text, kind)

    monkeypatch.setattr(rows, "_typed", typed)
    assert len(await teller.ask("select * from transactions")) == 4
    assert len(readers) == 1
    assert threading.main_thread() not in readers


async def test_a_table_that_is_too_large_is_refused_and_not_cut(
    teller: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MAX_ROWS", 3)
    with pytest.raises(ToolError, match="transactions is too large to be asked: more than 3 rows"):
        await teller.ask("select count(*) from transactions")
    assert len(await teller.ask("select * from rates")) == 2


async def test_what_reads_for_queries_cannot_write_and_has_its_time(database: Database) -> None:
    with pytest.raises(Unavailable) as refused:
        async with database.read_only(5.0) as connection:
            await connection.execute(text("DELETE FROM records"))
    assert isinstance(refused.value.__cause__, DBAPIError)
    assert "read" in str(refused.value.__cause__).lower()
    slow = (
        "SELECT pg_sleep(60)"
        if database.shared
        else ("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 2000000) SELECT max(n) FROM c")
    )
    with pytest.raises(Unavailable):
        async with database.read_only(0.01) as connection:
            await connection.execute(text(slow))
    async with database.read_only(5.0) as connection:
        assert (await connection.execute(text("SELECT count(*) FROM records"))).scalar() == 0


async def test_wrong_arguments_are_told(teller: Teller) -> None:
    for arguments, words in (
        ({"handle": "r1", "operation": "median"}, "operation"),
        ({"handle": "r1", "operation": "top", "n": 21}, "n: input should be less than or equal to 20"),
        ({"operation": "top"}, "handle"),
    ):
        with pytest.raises(BadArguments, match=words):
            await teller("analyze_data", **arguments)


async def test_an_agent_with_queries_has_both_tools_and_they_want_a_level(tmp_path: Path) -> None:
    folder = tmp_path / "agents" / "bank"
    (folder / "data").mkdir(parents=True)
    (folder / "agent.yaml").write_text(AGENT + "tools: []\n")
    mine = "'a': {customer: c1, sum: '12.10'}\n'b': {customer: c1, sum: '0.20'}\n'c': {customer: c2, sum: '99'}\n"
    (folder / "data" / "transactions.yaml").write_text(mine)
    async with serving(service_settings(tmp_path / "data", tmp_path / "agents", "bank")) as desk:
        tools = await desk.list("bank")
        assert {name: (tool.level, tool.effects) for name, tool in tools.items()} == {
            "execute_query": (1, False),
            "analyze_data": (1, False),
        }
        said = tools["execute_query"].description
        assert "transactions, what was booked: id text, day date (when it was booked), amount money" in said
        assert "customer" not in said.partition("Tables:")[2].replace("customers:", "")
        query = {"sql": "select amount from transactions"}
        outcome = await desk.execute("execute_query", 1, agent="bank", arguments=query, customer="c1")
        assert "has not proven who they are" in outcome.message
        outcome = await desk.execute("execute_query", 1, agent="bank", arguments=query, level=1)
        assert "Verify the caller first" in outcome.message
        ann = {"agent": "bank", "level": 1, "customer": "c1"}
        outcome = await desk.execute("execute_query", 2, arguments=query, **ann)
        assert json.loads(outcome.result_json)["rows"] == [{"amount": 12.1}, {"amount": 0.2}]
        figures = {"handle": "r2", "operation": "total", "column": "amount"}
        outcome = await desk.execute("analyze_data", 3, arguments=figures, **ann)
        assert json.loads(outcome.result_json)["summary"] == "In total 12.30 dollars."
    (folder / "tools.py").write_text(
        'from parley.tooling import tool\n\n@tool\ndef analyze_data() -> str:\n    """Mine."""\n    return ""\n'
    )
    with pytest.raises(Misconfigured, match=r"tools\.py: tool analyze_data: agent\.yaml gives the agent one of this"):
        Toolboxes(tmp_path / "agents").now("bank")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("owner: customer", "public: false", "owner: name the field that holds the customer's key"),
        ("owner: customer", "owner: customer\n      public: true", "owner: name the field"),
        ("owner: customer", "owner: a'b", "owner"),
        ("merchant: text", "merchant: string", "'text', 'integer', 'number', 'money', 'date', 'time' or 'boolean'"),
        ("merchant: text", "Merchant: text", "'Merchant': a name is a small letter"),
        ("merchant: text", "select: text", "select: is a word of SQL; choose another name"),
        ("    rates:", "    sqlite_x:", "'sqlite_x': a name is a small letter"),
        ("rows: 50", "rows: 0", "rows"),
        ("rows: 50", "level: 0", "level: 0, and tables.transactions has an owner, who must be verified; at least 1"),
        ("rows: 50", "tables_: {}", "tables_"),
    ],
)
def test_what_is_wrong_in_the_file_is_told(before: str, after: str, words: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        agent(AGENT.replace(before, after, 1))
    assert words in str(wrong.value)


def test_the_level_follows_from_the_owners() -> None:
    public = agent(AGENT.replace("owner: customer", "public: true").replace("owner: key", "public: true"))
    assert public.queries is not None
    assert public.queries.needed_level == 0
    assert agent(AGENT.replace("rows: 50", "level: 3")).queries.needed_level == 3  # type: ignore[union-attr]
