"""An engine's way to its store: one attempt at a time, shared by all who wait."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from liquid_background.errors import SettingsError, StoreUnavailable
from liquid_background.jobs.store import Store
from liquid_background.jobs.store.link import Link


class Connecting:
    """What a link connects by: it counts, and waits until it may go on."""

    def __init__(self, *ends: Store | Exception) -> None:
        self.ends = list(ends)
        self.begun, self.go = Event(), Event()
        self.threads: list[threading.Thread] = []

    def __call__(self, patience: float) -> Store:
        self.threads.append(threading.current_thread())
        self.begun.set()
        self.go.wait(20)
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


def _all_of(link: Link, connecting: Connecting, number: int = 8) -> list[Store | BaseException | None]:
    with ThreadPoolExecutor(number) as threads:
        asked = [threads.submit(lambda: link.store) for _ in range(number)]
        connecting.begun.wait(20)
        connecting.go.set()
        return [each.exception() or each.result() for each in asked]


def test_those_who_wait_share_a_store(store: Store) -> None:
    connecting = Connecting(store)
    link = Link(connecting, 5)
    found = _all_of(link, connecting)
    assert all(each is found[0] for each in found)
    assert link.store is found[0]
    assert len(connecting.threads) == 1
    assert not connecting.threads[0].is_alive()  # whoever forks next does so without it


@pytest.mark.parametrize("error", [StoreUnavailable("away", maybe_done=False, silent=True), SettingsError("wrong")])
def test_those_who_wait_share_a_failure_and_the_next_one_tries_anew(store: Store, error: Exception) -> None:
    error.__cause__ = OSError("why")
    connecting = Connecting(error, store)
    link = Link(connecting, 5)
    found: list[Any] = [each for each in _all_of(link, connecting, 3) if isinstance(each, Exception)]
    assert len(found) == 3 or link.store  # a late one may have been the next one
    assert {(type(each), str(each), str(each.__cause__)) for each in found} == {(type(error), str(error), "why")}
    assert len({id(each) for each in found}) == len(found)
    assert link.store.client is store.client


def test_where_no_thread_can_be_started_the_caller_connects(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    connecting = Connecting(store)
    connecting.go.set()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert Link(connecting, 5).store.client is store.client
    assert connecting.threads == [threading.current_thread()]


def test_nobody_waits_longer_than_for_a_silent_store_and_what_comes_late_is_kept(
    store: Store, wait_until: Callable[..., Any]
) -> None:
    connecting = Connecting(store)
    link = Link(connecting, 0.2, "redis://store.example:6379/0")
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="did not answer in time") as caught:
            _ = link.store
        assert caught.value.silent
    connecting.go.set()
    assert wait_until(lambda: not connecting.threads[0].is_alive())
    assert link.store.client is store.client
    assert len(connecting.threads) == 1


def test_a_forked_process_leaves_the_attempt_to_its_parent(store: Store) -> None:
    connecting = Connecting(store, store)
    link = Link(connecting, 5)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(lambda: link.store)
        connecting.begun.wait(20)
        child = os.fork()
        if not child:
            try:
                connecting.go.set()
                os._exit(int(link.store.client is not store.client or len(connecting.threads) != 2))
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        connecting.go.set()
        assert asked.result().client is store.client
