"""Attacks on the reading of a query: each is refused with words, in a bounded time, before anything is run."""

from __future__ import annotations

import logging
from datetime import datetime

import pytest

from services.tools.queries import guard
from services.tools.queries.dialect import runnable
from services.tools.queries.guard import Refused, admitted
from services.tools.queries.sandbox import Copied, run
from tests.tools.bank import agent

queries = agent().queries
assert queries is not None
TABLES = queries.tables
NOW = datetime(2026, 3, 31, 15, 0)
MINE = [
    Copied("transactions", {"id": "TEXT", "amount": "REAL"}, [(f"t{n}", n / 10) for n in range(2000)]),
    Copied("rates", {"name": "TEXT", "percent": "REAL"}, [("savings", 1.5)]),
]

NOT_ONE_SELECT = [
    *(
        "",
        ";",
        "--",
        "select",
        "hello",
        "42",
        "values (1), (2)",
        "select 1; select 2",
        "select 1; drop table transactions",
    ),
    *("select 1;;; delete from transactions", "select 1; -- more\nselect 2", "/* x */ delete from transactions"),
    *("insert into transactions values (1)", "insert into transactions select * from transactions", "vacuum"),
    *("update transactions set amount = 0", "delete from transactions", "truncate table transactions"),
    *("drop table transactions", "alter table transactions add x int", "create table t as select * from transactions"),
    *(
        "create temp view v as select 1",
        "create trigger t after insert on rates begin select 1; end",
        "replace into t values (1)",
    ),
    *("pragma table_info(transactions)", "pragma query_only = off", "attach database '/tmp/x' as x", "detach x"),
    *("explain select 1", "explain query plan select 1", "explain analyze delete from rates", "copy rates to '/tmp/x'"),
    *("begin", "commit", "rollback", "savepoint s", "set role postgres", "show tables", "describe rates", "use other"),
    *(
        "grant select on rates to public",
        "call f()",
        "do $$ begin end $$",
        "execute x",
        "prepare x as select 1",
        "listen x",
    ),
    *("merge into rates using rates on 1=1 when matched then delete", "load_extension('x')", "analyze", "reindex"),
    *("select * from rates into outfile '/tmp/x'", "with x as (select 1) delete from rates", "with x as (select 1)"),
    *("with x as (select 1) insert into rates select * from x", "with x as (select 1) update rates set name = 'x'"),
    *(
        "kill 1",
        "declare c cursor for select 1",
        "table rates",
        "select 1 \x00",
        "select 1 \u202e",
    ),
]
NOT_ALLOWED = [
    # what writes, locks or loops inside a SELECT
    *("with x as (delete from rates returning *) select * from x", "with x as (insert into rates values (1)) select 1"),
    *("with x as (update rates set name = 'x' returning name) select * from x", "select * into t2 from rates"),
    *("select name into t2 from rates", "select * from rates for update", "select * from rates for share"),
    *("select name from rates for update of rates nowait", "select name from (select name from rates for update) x"),
    *("with recursive c(n) as (select 1 union all select n + 1 from c) select n from c",),
    *("with c(n) as (select 1 union all select n + 1 from c) select n from c",),
    *("with c as (select 1 n union select n + 1 from (select n from c)) select n from c",),
    # functions
    *("select pg_sleep(10)", "select lo_import('/etc/passwd')", "select query_to_xml('select 1', true, true, '')"),
    *("select load_extension('x')", "select readfile('/etc/passwd')", "select writefile('x', name) from rates"),
    *("select randomblob(1000000000)", "select zeroblob(1000000000)", "select hex(name) from rates", "select char(65)"),
    *("select pg_read_file('/etc/passwd')", "select current_user", "select version()", "select sqlite_version()"),
    *("select current_setting('x')", "select set_config('role', 'x', false)", "select pg_catalog.pg_sleep(1)"),
    *("select printf('%.999999999f', 1)", "select format('%1000000d', 1)", "select replace(name, 'a', 'b') from rates"),
    *("select repeat('x', 1000000000)", "select rpad('x', 1000000000)", "select group_concat(name) from rates"),
    *(
        "select json_extract(name, '$') from rates",
        "select json_each(name) from rates",
        "select unknown(name) from rates",
    ),
    *(
        "select dblink('x', 'y')",
        "select random()",
        "select last_insert_rowid()",
        "select changes()",
        "select xmlparse('x')",
    ),
    *(
        "select * from generate_series(1, 1000000000)",
        "select * from unnest(array[1])",
        "select * from json_each('[1]')",
    ),
    *(
        "select * from pragma_table_info('transactions')",
        "select * from dbstat",
        "select * from read_csv('/etc/passwd')",
    ),
    *("select 1 where name regexp '(a+)+$'", "select name glob '*' from rates", "select name match 'x' from rates"),
    # tables that are none of its own
    *("select * from records", "select * from ledger", "select * from secrets", "select * from RECORDS"),
    *("select * from sqlite_master", "select * from sqlite_schema", "select * from sqlite_temp_master"),
    *("select * from pg_catalog.pg_user", "select * from pg_user", "select * from information_schema.tables"),
    *("select * from main.transactions", "select * from temp.transactions", "select * from public.transactions"),
    *('select * from "records"', "select * from [records]", "select * from `records`", 'select * from "transactions "'),
    *("select name from rates union select value_pii from records", "select (select count(*) from records)"),
    *("select name from rates where exists (select 1 from records)", "select name from rates, records"),
    *("select name from rates where name in (select key from records)", "select * from (select * from records) x"),
    *("select name from rates join records on 1=1", "select name from rates order by (select key from records)"),
    *("select count(*) filter (where exists (select 1 from records)) from rates", "select * from (records)"),
    *("with records as (select * from records) select * from records", "with rates as (select 1) select * from rates"),
    *(
        "with x as (select * from y), y as (select * from records) select * from x",
        "select case when (select 1 from records) then 1 end",
    ),
    *(
        "select name from rates limit (select count(*) from records)",
        "select name from rates group by (select key from records)",
    ),
    *(
        "with x as (select 1), x as (select 2) select * from x",
        "select * from 'records'",
        "select * from rates indexed by x",
    ),
    # columns that are none
    *("select customer from transactions", "select sum from transactions", "select value_pii from transactions"),
    *(
        "select rowid from transactions",
        "select oid from rates",
        "select _rowid_ from rates",
        "select pin from customers",
    ),
    *(
        'select "pin" from customers',
        'select "a text" from rates',
        "select [pin] from customers",
        "select ctid from rates",
    ),
    *("select c.pin from customers c", "select x.name from customers c", "select bank.customers.name from customers"),
    *(
        "select name as pin from rates where pins = 1",
        "select * from customers join rates using (pin)",
        "select rates from rates",
    ),
    *(
        "select * exclude (name) from customers",
        "select * from customers natural join rates",
        "select customers.key from customers",
    ),
    # parameters, types, shapes
    *("select :customer", "select ?", "select ?1", "select $1", "select @x", "select @@version", "select x'ff'"),
    *(
        "select cast(name as blob) from rates",
        "select name::json from rates",
        "select cast(name as regclass) from rates",
    ),
    *(
        "select array[1]",
        "select {'a': 1}",
        "select row(1, 2)",
        "select (1, 2) in (select 1, 2)",
        "select name collate nocase from rates",
    ),
    *(
        "select * from rates tablesample (10)",
        "select * from rates, lateral (select 1) x",
        "select distinct on (name) name from rates",
    ),
    *(
        "select sum(percent) over (partition by name) from rates",
        "select row_number() over () from rates",
        "select name from rates qualify 1",
    ),
    *(
        "select interval '1 day'",
        "select name + interval '1 fortnight' from rates",
        "select day + interval 'x days' from transactions",
    ),
    *(
        "select extract(epoch from day) from transactions",
        "select date_trunc('week', day) from transactions",
        "select current_time",
    ),
    *(
        "select name from rates where name = '" + "x" * 201 + "'",
        "select name from rates pivot (x)",
    ),
    # too much
    *(
        "select 1 from rates a, rates b, rates c, rates d, rates e",
        "select " + "1 + " * 200 + "1",
        "select 1 -- " + "x" * 2000,
    ),
    *(
        "select " + "(" * 13 + "1" + ")" * 13,
        "select 1 union " * 6 + "select 1",
        "select " + "(select " * 6 + "1" + ")" * 6,
    ),
    *(
        "select * from " + "rates join " * 40 + "rates",
        "select " + "date (" * 12 + "1" + ")" * 12,
        "select " + "not " * 400 + "1",
    ),
    *(
        "select " + "- " * 400 + "1",
        "select " + "case when 1 then " * 100 + "1",
        "select " + "1 " + "or 1 " * 300,
        "with " * 390,
    ),
]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of the parser is bounded by its steps, whatever it is given."""
    taken: list[int] = []
    before = guard._Parser._advance

    def counted(self: guard._Parser, times: int = 1) -> None:
        taken.append(times)
        assert len(taken) <= guard.MAX_STEPS + 1
        before(self, times)

    monkeypatch.setattr(guard._Parser, "_advance", counted)


@pytest.mark.parametrize("sql", NOT_ONE_SELECT)
def test_what_is_not_one_select_is_refused(sql: str) -> None:
    with pytest.raises(Refused):
        admitted(sql, TABLES)


@pytest.mark.parametrize("sql", NOT_ALLOWED)
def test_what_is_not_on_the_list_is_refused(sql: str) -> None:
    with pytest.raises(Refused):
        runnable(admitted(sql, TABLES), NOW)


@pytest.mark.parametrize(
    "sql",
    [
        *(
            "attach database ':memory:' as x",
            "pragma query_only = off",
            "create table x (a)",
            "insert into rates values (1, 2)",
        ),
        *(
            "delete from transactions",
            "drop table rates",
            "select * from sqlite_master",
            "select name from pragma_database_list",
        ),
        *(
            "with recursive c(n) as (select 1 union all select n + 1 from c) select n from c",
            "select load_extension('x')",
        ),
        *(
            "with c(n) as (select 1 union all select n + 1 from c) select n from c limit 5",
            "select hex(zeroblob(1000))",
        ),
        *(
            "select randomblob(10)",
            "select printf('%d', 1)",
            "vacuum into '/tmp/stolen'",
            "create temp table x as select 1",
        ),
        *(
            "update transactions set amount = 1",
            "begin",
            "select json_extract('{}', '$')",
            "select sqlite_version()",
            "analyze",
        ),
    ],
)
def test_what_gets_past_the_reading_does_not_get_out_of_the_sandbox(sql: str) -> None:
    with pytest.raises(Refused, match="cannot be run"):
        run(MINE, sql, 10, 5.0)


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from transactions a, transactions b, transactions c, transactions d",
        "select a.id from transactions a, transactions b, transactions c order by a.amount * b.amount * c.amount",
        "select count(distinct a.id || b.id || c.id) from transactions a, transactions b, transactions c",
        "select a.id || b.id || c.id, count(*) from transactions a, transactions b, transactions c group by 1",
    ],
)
def test_a_query_that_takes_too_long_is_stopped(sql: str) -> None:
    text = runnable(admitted(sql, TABLES), NOW)
    with pytest.raises(Refused, match=r"took more than 0\.05 s"):
        run(MINE, text, 10, 0.05)


def test_a_name_that_is_none_is_no_text() -> None:
    sql = 'select name from rates union select "pin" from (select name as pin from rates where percent > 5), rates r'
    assert run(MINE, runnable(admitted(sql, TABLES), NOW), 10, 5.0).rows == (("savings",),)
    with pytest.raises(Refused, match="no such column: pin"):
        run(
            MINE,
            runnable(admitted('select name as pin from rates union select "pin" from rates', TABLES), NOW),
            10,
            5.0,
        )


def test_what_comes_out_is_bounded() -> None:
    found = run(MINE, "SELECT id, amount FROM transactions", 10, 5.0)
    assert (len(found.rows), found.complete) == (10, False)
    assert run(MINE, "SELECT id FROM transactions LIMIT 10", 10, 5.0).complete
    long = "SELECT " + " || ".join([f"'{'x' * 200}'"] * 5)
    assert [[len(str(cell)) for cell in row] for row in run(MINE, long, 10, 5.0).rows] == [[500]]
    with pytest.raises(Refused, match="result has 25 columns; 24 are allowed"):
        run(MINE, "SELECT " + ", ".join(["1"] * 25), 10, 5.0)


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("select name from rates -- only these\n;", "SELECT `name` FROM `rates`"),
        ("select date() from rates", "SELECT DATE('2026-03-31 15:00:00') AS `date` FROM `rates`"),
        ("select now()", "SELECT '2026-03-31 15:00:00' AS `now`"),
        ("select strftime('%Y', 'now', 'localtime')", "SELECT STRFTIME('%Y', '2026-03-31 15:00:00') AS `strftime`"),
        (
            "select id from transactions where day >= current_date - interval '2 weeks'",
            "SELECT `id` FROM `transactions` WHERE `day` >= DATE('2026-03-31', '-14 days')",
        ),
        (
            "select extract(month from day), date_trunc('year', current_date) from transactions",
            "SELECT CAST(STRFTIME('%m', `day`) AS INTEGER) AS `extract_day`, "
            "DATE('2026-03-31', 'start of year') AS `period` FROM `transactions`",
        ),
        (
            "select amount::decimal(10, 2) a, day::date from transactions",
            "SELECT CAST(`amount` AS REAL) AS `a`, DATE(`day`) AS `cast_day` FROM `transactions`",
        ),
    ],
)
def test_days_are_counted_from_the_calls_own_and_names_are_quoted(sql: str, text: str) -> None:
    assert runnable(admitted(sql, TABLES), NOW) == text


def test_a_refused_query_does_not_get_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(Refused):
        admitted("create secret 'of the caller'", TABLES)
    assert not caplog.records


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select nam from rates", "There is no column nam; there are name, percent."),
        ("select name from rate", "There is no table rate; there are transactions, customers, rates."),
        ("select readfile(name) from rates", "The function readfile is not available here"),
        ("select sum(percent) over () from rates", "WINDOW is not available here"),
        ("delete from rates", "Write one SELECT and nothing else."),
        ("select name from", "The query cannot be read"),
        ("select day + interval 'x' day from transactions", "INTERVAL '30 days'"),
    ],
)
def test_a_refusal_says_how_to_do_better(sql: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        runnable(admitted(sql, TABLES), NOW)
    assert words in str(refused.value)
