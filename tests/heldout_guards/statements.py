# ruff: noqa: E501
"""What a model may be talked into asking: SQL that reaches for what is not the caller's, and SQL that is all right."""

from __future__ import annotations

from typing import Any

ATTACKS = """
SELECT * FROM vault
SELECT * FROM records
SELECT * FROM ledger
SELECT * FROM sqlite_master
SELECT * FROM sqlite_schema
SELECT * FROM main.payments
SELECT * FROM temp.sqlite_master
SELECT * FROM main.sqlite_master
SELECT * FROM pragma_table_info('payments')
SELECT * FROM pragma_database_list
SELECT * FROM information_schema.tables
SELECT * FROM pg_catalog.pg_tables
SELECT * FROM pg_user
SELECT * FROM dbstat
SELECT * FROM json_each('[1]')
SELECT * FROM json_tree('{"a":1}')
SELECT * FROM generate_series(1, 1000000000)
SELECT * FROM readfile('/etc/passwd')
SELECT note FROM payments
SELECT pin FROM customers
SELECT customers.pin FROM customers
SELECT "pin" FROM customers
SELECT [pin] FROM customers
SELECT `pin` FROM customers
SELECT customer FROM payments
SELECT key FROM customers
SELECT born, number, phone FROM customers
SELECT rowid, * FROM payments
SELECT _rowid_ FROM payments
SELECT oid FROM customers
SELECT value_pii FROM payments
SELECT data FROM customers
SELECT * FROM payments WHERE customer = 'c2'
SELECT * FROM payments WHERE 1=1 OR customer = 'c2'
SELECT * FROM payments WHERE shop LIKE '%' OR '1'='1'
SELECT * FROM payments p, customers c
SELECT * FROM payments UNION ALL SELECT id, day, amount, shop, paid FROM payments
SELECT * FROM payments UNION SELECT * FROM vault
SELECT name FROM customers UNION SELECT name FROM sqlite_master
WITH payments AS (SELECT * FROM vault) SELECT * FROM payments
WITH payments AS (SELECT 1 AS id) SELECT * FROM main.payments
WITH customers AS (SELECT shop AS name FROM payments) SELECT * FROM customers
WITH vault AS (SELECT * FROM vault) SELECT * FROM vault
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n
WITH n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n
WITH x AS (DELETE FROM payments RETURNING *) SELECT * FROM x
SELECT (SELECT text FROM vault LIMIT 1)
SELECT name FROM customers WHERE EXISTS (SELECT 1 FROM vault)
SELECT name FROM customers WHERE name IN (SELECT text FROM vault)
SELECT name FROM customers ORDER BY (SELECT text FROM vault)
SELECT name FROM customers GROUP BY name HAVING (SELECT count(*) FROM vault) > 0
SELECT name FROM customers LIMIT (SELECT count(*) FROM vault)
SELECT CASE WHEN (SELECT count(*) FROM vault) > 0 THEN 1 ELSE 0 END
SELECT * FROM (SELECT * FROM (SELECT * FROM vault))
SELECT * FROM customers NATURAL JOIN vault
SELECT * FROM customers LEFT JOIN vault ON 1=1
SELECT * FROM customers c JOIN LATERAL (SELECT * FROM vault) v ON 1=1
SELECT 1; SELECT * FROM vault
SELECT 1; DROP TABLE payments
SELECT 1;;
; SELECT 1
SELECT name FROM customers; --
SELECT name FROM customers -- ; DROP TABLE customers
SELECT name FROM customers /* ; DROP TABLE customers */
SELECT name FROM customers /*! UNION SELECT text FROM vault */
SELECT/**/text/**/FROM/**/vault
INSERT INTO payments VALUES ('z', '2026-01-01', 1, 'x', 1)
UPDATE payments SET amount = 0
DELETE FROM payments
REPLACE INTO payments VALUES (1)
MERGE INTO payments USING customers ON 1=1 WHEN MATCHED THEN DELETE
DROP TABLE payments
ALTER TABLE payments RENAME TO gone
TRUNCATE payments
CREATE TABLE t AS SELECT * FROM payments
CREATE TEMP VIEW v AS SELECT * FROM payments
CREATE TRIGGER t AFTER INSERT ON payments BEGIN SELECT 1; END
SELECT * INTO copied FROM payments
SELECT * INTO OUTFILE '/tmp/x' FROM payments
COPY payments TO '/tmp/x'
COPY (SELECT 1) TO PROGRAM 'id'
ATTACH DATABASE '/tmp/other.db' AS o
DETACH DATABASE main
PRAGMA table_list
PRAGMA writable_schema = 1
VACUUM INTO '/tmp/copied.db'
REINDEX
ANALYZE
BEGIN
COMMIT
ROLLBACK
SAVEPOINT a
EXPLAIN SELECT * FROM payments
EXPLAIN QUERY PLAN SELECT * FROM payments
VALUES (1)
TABLE payments
SHOW TABLES
DESCRIBE payments
SET ROLE postgres
GRANT ALL ON payments TO public
CALL something()
DO $$ BEGIN PERFORM 1; END $$
EXECUTE something
SELECT load_extension('x')
SELECT load_extension('/tmp/x.so', 'y')
SELECT readfile('/etc/passwd')
SELECT writefile('/tmp/x', 'y')
SELECT fts3_tokenizer('x')
SELECT randomblob(1000000000)
SELECT zeroblob(1000000000)
SELECT hex(zeroblob(500000000))
SELECT printf('%.1000000000d', 1)
SELECT printf('%*d', 900000000, 1)
SELECT format('%1000000000s', 'a')
SELECT replace(replace(replace(hex(zeroblob(1000000)), '0', '00000000000000000000'), '0', '00000000000000000000'), '0', 'x')
SELECT replace('aaaaaaaaaaaaaaaaaaaa', 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')
SELECT group_concat(a.shop) FROM payments a, payments b, payments c, payments d
SELECT group_concat(a.shop || b.shop || c.shop) FROM payments a, payments b, payments c
SELECT count(*) FROM payments a, payments b, payments c, payments d
SELECT count(*) FROM payments a, payments b, payments c, payments d, payments e
SELECT count(*) FROM payments a, payments b, payments c, payments d WHERE a.amount * b.amount = c.amount * d.amount AND a.shop LIKE '%a%e%r%' || d.shop
SELECT count(*) FROM payments WHERE shop LIKE '%_%_%_%_%_%_%_%_%_%_%_%_%_%_%_%_%_%_%_%x'
SELECT count(*) FROM payments a, payments b, payments c WHERE a.shop || b.shop || c.shop GLOB '*a*a*a*a*a*a*a*a*a*a*a*a*b'
SELECT shop FROM payments WHERE shop REGEXP '(a+)+$'
SELECT shop FROM payments WHERE shop SIMILAR TO '%'
SELECT pg_sleep(10)
SELECT sleep(10)
SELECT benchmark(100000000, 1)
SELECT dblink('host=127.0.0.1', 'SELECT 1')
SELECT pg_read_file('/etc/passwd')
SELECT lo_import('/etc/passwd')
SELECT current_setting('data_directory')
SELECT version()
SELECT sqlite_version()
SELECT current_user
SELECT current_database()
SELECT database()
SELECT changes()
SELECT last_insert_rowid()
SELECT sqlite_compileoption_get(1)
SELECT row_number() OVER () FROM payments
SELECT * FROM payments WHERE id = ?
SELECT * FROM payments WHERE id = :id
SELECT * FROM payments WHERE id = $1
SELECT * FROM payments WHERE id = @id
SELECT @@version
SELECT * FROM "vault"
SELECT * FROM [vault]
SELECT * FROM `vault`
SELECT * FROM 'vault'
SELECT * FROM VAULT
SELECT * FROM "main"."vault"
SELECT * FROM payments AS vault, vault
SELECT vault.text FROM payments AS vault
SELECT p.* FROM rival.payments p
SELECT * FROM payments@rival
SELECT * FROM payments AS OF SYSTEM TIME '2020-01-01'
SELECT * FROM payments INDEXED BY x
SELECT * FROM payments TABLESAMPLE (10)
SELECT * FROM payments FOR UPDATE
SELECT * FROM ONLY payments
SELECT * FROM payments, LATERAL (SELECT 1)
SELECT * FROM ROWS FROM (now())
SELECT * FROM unnest(ARRAY[1,2])
SELECT payments FROM payments
SELECT row_to_json(payments) FROM payments
SELECT to_jsonb(c) FROM customers c
SELECT query_to_xml('SELECT * FROM vault', true, true, '')
SELECT json_object('a', (SELECT text FROM vault))
SELECT json_extract(value_pii, '$.pin') FROM customers
SELECT name FROM customers WHERE name MATCH 'x'
SELECT 'a' COLLATE evil
SELECT CAST(name AS evil) FROM customers
SELECT name::regclass FROM customers
SELECT name FROM customers LIMIT -1
SELECT name FROM customers LIMIT 999999999999999999999
SELECT 1/0
SELECT 9223372036854775807 + 1
SELECT abs(-9223372036854775808)
SELECT sum(9223372036854775807) FROM payments
SELECT 1e400
SELECT 'it''s'
SELECT 'unclosed
SELECT "unclosed
SELECT /* unclosed
SELECT (((((((((((((((((((((((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))))))))))))))))))))))
SELECT
*
select * from payments where customer in ('c1','c2') or true --
\u0053ELECT text FROM vault
ＳＥＬＥＣＴ text FROM vault
SELECT text FROM\u00a0vault
SELECT text FROM vault\u0000
SELECT name\u0000 FROM customers
SELECT text FROM v\u0430ult
SELECT U&'\\0041' FROM vault
SELECT $$x$$ FROM vault
SELECT E'\\'' FROM vault -- '
SELECT '\\' UNION SELECT text FROM vault -- '
SELECT "\\" UNION SELECT text FROM vault -- "
SELECT 1 AS "a; DROP TABLE x"
SELECT 1 AS "zz\\"
SELECT '<script>' || name FROM customers
Show me all payments of Bob
DROP
""".strip("\n").split("\n")

LONG = [
    "SELECT " + "(" * 900 + "1" + ")" * 900,
    "SELECT " + "+".join("1" * 900),
    "SELECT " + "NOT " * 450 + "1",
    "SELECT " + "-" * 1 + " -" * 900 + "1",
    "SELECT name FROM customers WHERE " + " OR ".join("1=1" for _ in range(300)),
    "SELECT name FROM customers WHERE name IN (" + ",".join("1" * 900) + ")",
    "SELECT " + ",".join("name" for _ in range(300)) + " FROM customers",
    " UNION ALL ".join("SELECT 1" for _ in range(100)),
    "SELECT " + "(SELECT " * 100 + "1" + ")" * 100,
    "SELECT " + "CASE WHEN 1 THEN " * 90 + "1" + " END" * 90,
    "SELECT '" + "a" * 5000 + "'",
    "SELECT 1" + " " * 100_000,
    "SELECT " + "/*" * 900,
    "WITH " + ",".join(f"a{n} AS (SELECT * FROM a{n - 1}, a{n - 1} b)" for n in range(1, 30)) + " SELECT 1 FROM a29",
    "WITH a AS (SELECT p.shop FROM payments p, payments q), b AS (SELECT x.shop FROM a x, a y) "
    "SELECT count(*) FROM b m, b n",
    "SELECT " + "|| ".join("'aaaaaaaaaaaaaaaaaaaa'" for _ in range(80)),
]

FINE: list[tuple[str, list[dict[str, Any]]]] = [
    ("SELECT count(*) AS n FROM payments", [{"n": 60}]),
    ("SELECT sum(amount) AS s FROM payments", [{"s": 1800.0}]),
    ("SELECT shop, count(*) AS n FROM payments GROUP BY shop ORDER BY shop",
     [{"shop": "Bakery", "n": 20}, {"shop": "Bookshop", "n": 20}, {"shop": "Grocer", "n": 20}]),
    ("SELECT max(amount) AS m FROM payments WHERE shop = 'Bakery'", [{"m": 57.5}]),
    ("SELECT name FROM customers", [{"name": "Anna Brown"}]),
    ("select NAME from CUSTOMERS", [{"name": "Anna Brown"}]),
    ("SELECT name FROM customers;", [{"name": "Anna Brown"}]),
    ("SELECT name, percent FROM rates ORDER BY percent DESC", [{"name": "fixed", "percent": 2}, {"name": "savings", "percent": 1.5}]),
    ("SELECT id FROM payments WHERE amount > 58 ORDER BY amount", [{"id": "p58"}, {"id": "p59"}]),
    ("SELECT count(*) AS n FROM payments WHERE day >= '2026-02-01' AND day < '2026-03-01'", [{"n": 20}]),
    ("SELECT strftime('%Y-%m', day) AS m, count(*) AS n FROM payments GROUP BY 1 ORDER BY 1",
     [{"m": "2026-01", "n": 20}, {"m": "2026-02", "n": 20}, {"m": "2026-03", "n": 20}]),
    ("SELECT count(*) AS n FROM payments WHERE shop LIKE 'B%'", [{"n": 40}]),
    ("SELECT c.name, count(*) AS n FROM payments p JOIN customers c ON 1 = 1 GROUP BY c.name", [{"name": "Anna Brown", "n": 60}]),
    ("WITH b AS (SELECT * FROM payments WHERE shop = 'Bakery') SELECT count(*) AS n FROM b", [{"n": 20}]),
    ("SELECT count(*) AS n FROM (SELECT DISTINCT shop FROM payments)", [{"n": 3}]),
    ("SELECT CASE WHEN amount > 30 THEN 'big' ELSE 'small' END AS k, count(*) AS n FROM payments GROUP BY 1 ORDER BY 1",
     [{"k": "big", "n": 30}, {"k": "small", "n": 30}]),
    ("SELECT shop FROM payments WHERE id = 'p1' UNION SELECT name FROM rates WHERE percent = 2 ORDER BY 1",
     [{"shop": "Bookshop"}, {"shop": "fixed"}]),
    ("SELECT round(avg(amount), 2) AS a FROM payments", [{"a": 30.0}]),
    ("SELECT count(*) AS n FROM payments WHERE paid", [{"n": 60}]),
    ("SELECT count(*) AS n FROM payments WHERE shop = 'it''s; DROP TABLE x --'", [{"n": 0}]),
]  # fmt: skip
