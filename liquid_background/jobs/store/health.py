"""What a running store says about the safety of the jobs in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis.exceptions import NoPermissionError, ResponseError

from liquid_background.jobs.store.connection import Store
from liquid_background.jobs.store.translation import translated_errors


def health_warnings(store: Store) -> tuple[str, ...]:
    """Return one sentence for each way in which this store may lose jobs; empty when it is set up well.

    A server that forbids INFO or CONFIG to this user is judged by what it tells; the rest is said to be unknown.

    Raises:
        StoreUnavailable: when the store cannot be reached.
    """
    with translated_errors(store.url):
        info = _allowed(store.client.info)
        if info is None:
            return ("cannot tell whether the store evicts keys or keeps data on disk: this user may not run INFO",)
        found = (_eviction(info), _persistence(store, info), _role(info))
        return tuple(warning for warning in found if warning)


def _eviction(info: dict[str, Any]) -> str | None:
    policy, limit = info.get("maxmemory_policy", "noeviction"), info.get("maxmemory", 0)
    if policy == "noeviction" or not limit:
        return None
    return (
        f"the store may throw jobs away when it reaches its {limit:,} bytes (maxmemory-policy {policy}): "
        "set maxmemory-policy to noeviction"
    )


def _persistence(store: Store, info: dict[str, Any]) -> str | None:
    if info.get("aof_enabled"):
        return None
    configured = _allowed(lambda: store.client.config_get("save"))
    if configured is None:
        return "cannot tell whether the store keeps data on disk: its AOF is off and this user may not run CONFIG"
    if configured.get("save"):
        return None
    return "the store keeps nothing on disk, so a restart loses every job: set appendonly to yes"


def _role(info: dict[str, Any]) -> str | None:
    if info.get("role", "master") == "master":
        return None
    return "the store is a replica, so it can take no jobs: use the URL of its primary"


def _allowed(ask: Callable[[], dict[Any, Any]]) -> dict[Any, Any] | None:
    """Return the reply, or None when the server does not let this user run the command, or nobody."""
    try:
        return ask()
    except NoPermissionError:
        return None
    except ResponseError as error:
        if "unknown command" in str(error):  # how hosted servers hide CONFIG
            return None
        raise
