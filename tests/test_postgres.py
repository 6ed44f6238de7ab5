"""The PostgreSQL that tests have is a real one, theirs alone, and comes back with what was committed."""

from __future__ import annotations

import psycopg
import pytest

from tests.postgres import Database, PostgresServer


def test_each_database_is_new_and_gone_afterwards(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as first, postgres_server.database() as second:
        first.query("CREATE TABLE sent (id int)")
        assert second.query("SELECT count(*), 'a b' FROM pg_tables WHERE tablename = 'sent'") == [["0", "a b"]]
        held = psycopg.connect(second.url)
    held.close()
    assert postgres_server.query("SELECT datname FROM pg_database WHERE datname LIKE 'test%'") == []


@pytest.mark.slow
def test_a_restart_breaks_connections_and_keeps_what_was_committed(postgres: Database) -> None:
    postgres.query("CREATE TABLE sent (id int); INSERT INTO sent VALUES (1)")
    with psycopg.connect(postgres.url) as connection:
        connection.execute("INSERT INTO sent VALUES (2)")
        postgres.server.restart()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert postgres.query("SELECT id FROM sent") == [["1"]]
