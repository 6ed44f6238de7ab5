"""What a store is warned about: evicting jobs, keeping nothing, being a replica."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liquid_background.errors import StoreUnavailable
from liquid_background.jobs.store import Store, connect, health_warnings
from liquid_background.settings import load_settings

NOTHING_KEPT = "the store keeps nothing on disk, so a restart loses every job: set appendonly to yes"


@pytest.fixture
def warnings_of(start_server: Callable[..., Any]) -> Callable[..., tuple[str, ...]]:
    def warnings(*options: str, login: str = "") -> tuple[str, ...]:
        store = connect(load_settings(redis_url=start_server(*options).url.replace("//", f"//{login}")))
        try:
            return health_warnings(store)
        finally:
            store.close()

    return warnings


def test_the_embedded_store_is_healthy(store: Store) -> None:
    assert health_warnings(store) == ()


def test_a_store_without_aof_and_saves_keeps_nothing(warnings_of: Callable[..., tuple[str, ...]]) -> None:
    assert warnings_of() == (NOTHING_KEPT,)
    assert warnings_of("--save", "60 1") == ()
    assert warnings_of("--appendonly", "yes") == ()


def test_a_store_that_may_evict_is_told_with_its_policy(warnings_of: Callable[..., tuple[str, ...]]) -> None:
    kept = ("--appendonly", "yes")
    (warning,) = warnings_of(*kept, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
    assert "may throw jobs away when it reaches its 67,108,864 bytes (maxmemory-policy allkeys-lru)" in warning
    assert warnings_of(*kept, "--maxmemory-policy", "allkeys-lru") == ()  # without a limit nothing is evicted
    assert warnings_of(*kept, "--maxmemory", "64mb") == ()


def test_a_replica_is_told(warnings_of: Callable[..., tuple[str, ...]]) -> None:
    assert any("is a replica" in warning for warning in warnings_of("--replicaof", "127.0.0.1 1"))


def test_what_may_not_be_asked_is_said_to_be_unknown(warnings_of: Callable[..., tuple[str, ...]]) -> None:
    (warning,) = warnings_of(*["--user", "jobs", "on", ">x", "~*", "+@all", "-@dangerous"], login="jobs:x@")
    assert "may not run INFO" in warning
    (warning,) = warnings_of(*["--user", "jobs", "on", ">x", "~*", "+@all", "-config"], login="jobs:x@")
    assert "its AOF is off and this user may not run CONFIG" in warning
    (warning,) = warnings_of("--rename-command", "CONFIG", "")
    assert "may not run CONFIG" in warning
    assert warnings_of("--appendonly", "yes", "--rename-command", "CONFIG", "") == ()


def test_a_store_that_went_away_is_unavailable(start_server: Callable[..., Any]) -> None:
    server = start_server()
    store = connect(load_settings(redis_url=server.url))
    server.kill()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        health_warnings(store)
    store.close()
