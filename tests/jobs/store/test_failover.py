"""What is said of a primary that Sentinels keep, about jobs that a failover may lose."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.sentinels import Sentinels
from liquid_background.jobs.store import Store, asked, connect
from liquid_background.jobs.store.health import server_verdicts, what_it_says
from liquid_background.settings import load_settings


def failover_warnings(store: Store) -> list[str]:
    with asked(store) as ask:
        return [str(verdict) for verdict in server_verdicts(what_it_says(ask)) if verdict.name == "failover"]


def test_a_primary_that_asks_for_no_replica_is_warned_of(start_sentinels: Callable[..., Sentinels]) -> None:
    group = start_sentinels()
    store = connect(load_settings(redis_url=group.url))
    [warning] = failover_warnings(store)
    assert warning.endswith("(min-replicas-to-write 0): set min-replicas-to-write 1 and min-replicas-max-lag 10")
    store.client.config_set("min-replicas-to-write", 1)
    assert failover_warnings(store) == []
    store.client.config_set("min-replicas-to-write", 0)
    rule = "on >secret ~rq:* ~liquid_background:* +@all -@dangerous -@admin"
    store.client.execute_command("ACL", "SETUSER", "jobs", *rule.split())
    limited = connect(load_settings(redis_url=group.url.replace("://", "://jobs:secret@")))
    assert failover_warnings(limited) == []
    for each in (store, limited):
        each.close()


def test_a_store_without_sentinels_is_not(external_store: Store) -> None:
    assert failover_warnings(external_store) == []
