"""The scripts of alerts: leases, windows and counts, workers that are gone, and what others have planted."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import Any

import pytest
from redis.exceptions import ResponseError

from liquid_background.events import ALERTED
from liquid_background.jobs.queue import alerts, keys, scripts
from liquid_background.jobs.queue.alerts import Alert, Taken
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings, load_settings
from tests.faults.test_planted_keys import TYPES, VALUES, plant

GROUP = "0123456789ab"
KEYS = (
    *(keys.ALERTS, keys.ALERTS_DUE, keys.ALERTS_HELD, keys.ALERT_WORKERS, keys.alert(GROUP)),
    *(keys.FAILURE_GROUPS, keys.failure_about(GROUP), keys.failed_of_group(GROUP), keys.queue("default")),
)


class Hand:
    """One worker's calls."""

    def __init__(self, store: Store, name: str = "w", **settings: Any) -> None:
        self.store = store
        self.name = name
        self.settings: Settings = load_settings(data_dir=store.socket.parent if store.socket else None, **settings)

    def look(self, token: str = "", *, anew: bool = True) -> bool:
        if anew:
            with suppress(ResponseError):  # something is planted there
                self.store.client.hset(keys.ALERTS, "looked", self._now() - 1000)
        call = alerts.look(self.name, "host", token, ALERTED, self.settings)
        found = alerts.Look.of(scripts.run(self.store, *call))
        assert found is not None
        return found.is_due

    def take(self, token: str = "t") -> Taken:
        return alerts.opened(scripts.run(self.store, *alerts.take(token, ALERTED, self.settings)))

    def taken(self, token: str = "t") -> Alert:
        alert = self.take(token).alert
        assert alert is not None
        return alert

    def told(self, alert: Alert, to: str, token: str = "t") -> int:
        found: int = scripts.run(self.store, *alerts.told(token, alert, to, self.settings))
        return found

    def over(self, alert: Alert, token: str = "t") -> int:
        found: int = scripts.run(self.store, *alerts.over(token, alert))
        return found

    def _now(self) -> int:
        seconds, micros = self.store.client.time()
        return int(seconds * 1000 + micros // 1000)

    def fail(self, count: int = 1) -> None:
        """Have so many jobs of the group fail now, as the indexes have it."""
        client, now = self.store.client, self._now()
        client.hincrby(keys.failure_about(GROUP), "count", count)
        client.hset(
            keys.failure_about(GROUP),
            mapping={"raised": "ValueError", "error": "ValueError: x", "name": "n", "last": now},
        )
        client.zadd(keys.FAILURE_GROUPS, {GROUP: now})
        client.zadd(keys.failed_of_group(GROUP), {f"{now}-{number}": now for number in range(count)})


@pytest.fixture
def hand(store: Store) -> Hand:
    made = Hand(store)
    assert not made.look()
    return made


def test_a_group_is_told_with_what_failed_since(hand: Hand) -> None:
    hand.fail(3)
    assert hand.look()
    alert = hand.taken()
    assert (alert.event, alert.count, alert.values["error"]) == ("job.failed", 3, "ValueError: x")
    hand.fail(2)  # while it is told
    assert hand.over(alert) == 1
    assert not hand.look()  # the window goes on
    hand.store.client.zadd(keys.ALERTS_DUE, {GROUP: 1})
    again = hand.taken()
    assert (again.count, again.id != alert.id) == (2, True)
    hand.over(again)
    assert not hand.store.client.zcard(keys.ALERTS_DUE)


def test_what_is_silenced_before_it_is_told_is_not_told(hand: Hand) -> None:
    hand.fail()
    assert hand.look()
    hand.store.client.hset(keys.failure_about(GROUP), "silenced_at", 1)
    assert hand.take() == Taken(None, 0)
    assert not hand.look()
    hand.store.client.hdel(keys.failure_about(GROUP), "silenced_at")
    hand.fail()
    assert hand.look()


def test_a_group_that_was_forgotten_begins_anew(hand: Hand) -> None:
    hand.fail(5)
    hand.look()
    hand.over(hand.taken())
    hand.store.client.delete(keys.failure_about(GROUP), keys.failed_of_group(GROUP))
    hand.store.client.hset(keys.alert(GROUP), "at", 1)  # long ago
    hand.fail(2)
    assert hand.look()
    assert hand.taken().count == 2


def test_who_lost_the_lease_changes_nothing(hand: Hand) -> None:
    hand.fail()
    hand.look()
    first = hand.taken("first")
    assert hand.take("second").alert is None
    hand.store.client.zadd(keys.ALERTS_DUE, {GROUP: 1})  # its lease runs out
    second = hand.taken("second")
    assert (second.id, second.told) == (first.id, ())
    assert hand.told(first, "a", "first") == hand.over(first, "first") == 0
    assert hand.told(second, "a", "second") == 1
    hand.store.client.zadd(keys.ALERTS_DUE, {GROUP: 1})
    third = hand.taken("third")
    assert (third.id, third.told) == (first.id, ("a",))
    assert hand.store.client.hget(keys.ALERTS, "sent") == b"1"  # it counts once


def test_a_look_keeps_the_lease_of_its_own_process(hand: Hand) -> None:
    hand.fail()
    hand.look()
    hand.taken("mine")
    client = hand.store.client
    client.zadd(keys.ALERTS_DUE, {GROUP: 1})
    assert not hand.look("mine")
    assert (client.zscore(keys.ALERTS_DUE, GROUP) or 0) > hand._now()
    client.zadd(keys.ALERTS_DUE, {GROUP: 1})
    assert hand.look("another's")


def test_processes_that_die_ten_times_are_too_many(hand: Hand) -> None:
    hand.fail()
    hand.look()
    given_up = []
    for number in range(11):
        given_up.append(hand.taken(f"t{number}").given_up)
        hand.store.client.zadd(keys.ALERTS_DUE, {GROUP: 1})
    assert given_up == [False] * 10 + [True]


def test_what_is_due_after_the_clock_was_put_back_is_due_at_once(hand: Hand) -> None:
    hand.fail()
    hand.store.client.zadd(keys.ALERTS_DUE, {GROUP: hand._now() + 30 * 86_400_000})
    assert hand.look()
    assert hand.taken()


def test_nobody_is_gone_who_had_no_time_to_be_heard(hand: Hand) -> None:
    client = hand.store.client
    client.zadd(keys.ALERT_WORKERS, {"other host": 1})
    client.hset(keys.ALERTS, mapping={"looked": 1, "grace": 0})  # nobody has looked for long, as in an outage
    assert not hand.look(anew=False)
    assert not hand.look()
    client.hset(keys.ALERTS, "grace", hand._now() - 1)
    assert hand.look()
    alert = hand.taken()
    assert (alert.event, alert.values["worker"], alert.values["host"]) == ("worker.gone", "other", "host")


def test_several_of_a_host_are_one_alert(hand: Hand) -> None:
    client = hand.store.client
    client.hset(keys.ALERTS, "grace", 1)
    client.zadd(keys.ALERT_WORKERS, {f"w{number} host": 1 for number in range(3)})
    hand.look()
    assert hand.taken().count == 3
    assert client.zcard(keys.ALERTS_DUE) == 1


@pytest.mark.parametrize(("key", "kind"), [*itertools.product(KEYS, TYPES)])
def test_whatever_is_planted_the_next_alert_is_told(hand: Hand, key: str, kind: str) -> None:
    plant(hand.store.client, key, kind)
    for _ in range(3):
        hand.look()
        alert = hand.take().alert
        if alert is not None:
            hand.over(alert)
    for planted in KEYS[-4:-1]:  # of the indexes of failures, others take care
        hand.store.client.delete(planted)
    hand.store.client.delete(keys.alert(GROUP))
    hand.store.client.zrem(keys.ALERTS_DUE, GROUP)
    hand.fail()
    assert hand.look()
    assert hand.taken().about == GROUP.encode()


FIELDS = ("since", "cursor", "grace", "looked", "window", "wants job.failed", "began", "sent", "left_out")
OF_ONE = (
    "event",
    "failure",
    "count",
    "seen",
    "at",
    "begins",
    "id",
    "token",
    "taken",
    "taken_at",
    "telling",
    "tries",
    "told",
)


@pytest.mark.parametrize("value", VALUES)
def test_whatever_stands_in_a_field_no_call_fails(hand: Hand, value: str) -> None:
    client = hand.store.client
    for field in FIELDS:
        client.hset(keys.ALERTS, field, value)
        hand.fail()
        hand.look()
        hand.take()
    for field in OF_ONE:
        client.hset(keys.alert(GROUP), field, value)
        client.zadd(keys.ALERTS_DUE, {GROUP: 1})
        hand.look()
        alert = hand.take().alert
        if alert is not None:
            hand.told(alert, "x")
            hand.over(alert)
