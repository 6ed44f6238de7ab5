"""Which SQL statements are known to write nothing."""

from __future__ import annotations

import pytest

from liquid_background.sqlalchemy.statements import only_reads


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "\n  select orders.item, t.delete, o.into FROM orders AS t",
        "(SELECT 1) UNION (SELECT 2)",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "/* INSERT */ SELECT 'it''s; DELETE FROM x', \"update\", `into` -- DROP",
        "SELECT * FROM orders FOR UPDATE SKIP LOCKED",
        "SELECT * FROM orders FOR NO KEY UPDATE",
        "SELECT insert('abc', 1, 2, 'x')",
        "VALUES (1)",
        "SHOW search_path",
        "SET LOCAL statement_timeout = 5",
        "EXPLAIN SELECT 1",
        "PRAGMA table_info(orders)",
        "BEGIN",
        "BEGIN IMMEDIATE",
        "SAVEPOINT sa_1",
        "ROLLBACK TO SAVEPOINT sa_1",
        "RELEASE SAVEPOINT sa_1;",
        "SELECT 1; SELECT 2;",
    ],
)
def test_reads(sql: str) -> None:
    assert only_reads(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO orders VALUES (1)",
        "update orders set item = 1",
        "DELETE FROM orders",
        "MERGE INTO orders USING x ON 1 = 1",
        "REPLACE INTO orders VALUES (1)",
        "WITH x AS (INSERT INTO orders VALUES (1) RETURNING id) SELECT * FROM x",
        "WITH x AS (SELECT 1) DELETE FROM orders",
        "SELECT * INTO copied FROM orders",
        "EXPLAIN ANALYZE DELETE FROM orders",
        "SELECT 1; DROP TABLE orders",
        "-- SELECT\nTRUNCATE orders",
        "/* SELECT */ CREATE TABLE x (y int)",
        "CALL make_orders()",
        "BEGIN make_orders(); END;",
        "PRAGMA user_version = 3",
        "NOTIFY orders",
        "COPY orders FROM STDIN",
        "SELECTED",
    ],
)
def test_anything_else_may_write(sql: str) -> None:
    assert not only_reads(sql)
