"""`engine.failures`: jobs that fail alike stand in one group, and others do not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine, FailureGroup, FailureNotFound, NonRetryable
from liquid_background.errors import FilterError
from liquid_background.jobs.queue import keys
from liquid_background.jobs.queue.payload import decode_payload
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.places import InStore
from tests.jobs.queue.failed import agree, oracle


@pytest.fixture
def engine(store: Store, settings: Settings, tmp_path: Path) -> Engine:
    return Engine(settings=settings.model_copy(update={"templates": tmp_path}))


def _work(engine: Engine) -> None:
    """Perform what waits, as a worker does."""
    place = InStore(engine)
    while taken := place.take():
        record = engine.jobs.get(taken[0])
        assert place._running is not None
        data = engine.store.client.hget(keys.job(taken[0]), "data") or b""
        place.finish(engine.perform(record.id, decode_payload(data), taken[1], record.max_attempts))


def _page(engine: Engine, body: str, name: str = "pages/x", **data: Any) -> None:
    engine.render_string(
        f"{{% background source_name: 'mail', n: n %}}\n{body}\n{{% endbackground %}}", data, name=name
    )


def _groups(engine: Engine, **wanted: Any) -> list[tuple[str, str, int]]:
    return sorted((group.place, group.raised, group.failed) for group in engine.failures.list(**wanted))


ALIKE: list[tuple[str, Callable[[int], Exception]]] = [
    ("numbers", lambda n: ValueError(f"no customer {n}, of {n * 7}")),
    ("ids", lambda n: ValueError(f"no order ord_{n:08x} in run {n * 10**20:040x}")),
    ("uuids", lambda n: ValueError(f"3fa94c07-d0b4-407f-8a56-{n:012x} is gone")),
    ("quotes", lambda n: KeyError(f"customer {'abcdefghij'[n]}")),
    ("double quotes", lambda n: ValueError(f'no "{"abcdefghij"[n] * n}" here')),
    ("paths", lambda n: FileNotFoundError(2, "No such file or directory", f"/data/{'abcdefghij'[n]}/x.csv")),
    ("bare paths", lambda n: ValueError(f"cannot open /data/{'abcdefghij'[n]}/file.csv: gone")),
    ("queries", lambda n: OSError(f"GET https://api.example.com/v1/orders?name={'abcdefghij'[n]}: 503")),
    ("mails", lambda n: ValueError(f"{'abcdefghij'[n]}@example.com bounced")),
    ("times", lambda n: TimeoutError(f"no answer by 2026-01-0{n}T10:00:00.{n}+02:00")),
]


@pytest.mark.parametrize(("what", "error"), ALIKE, ids=[what for what, _ in ALIKE])
def test_what_changes_in_a_message_makes_no_group_of_its_own(
    engine: Engine, what: str, error: Callable[[int], Exception]
) -> None:
    def fail(n: int) -> str:
        raise error(n)

    engine.environment.add_filter("fail", fail)
    for n in range(1, 4):
        _page(engine, "{{ n | fail }}", n=n)
    _work(engine)
    assert _groups(engine) == [("pages/x:1", type(error(1)).__name__, 3)]
    [group] = engine.failures.list()
    assert (group.source_name, group.count, sum(group.hours), group.is_rest) == ("mail", 3, 3, False)
    assert engine.jobs.get(group.sample).error == group.error


def test_other_lines_classes_and_words_are_groups_of_their_own(engine: Engine, tmp_path: Path) -> None:
    def fail(kind: str) -> str:
        raise {"a": ValueError("one way"), "b": KeyError("one way"), "c": ValueError("another way")}[kind]

    engine.environment.add_filter("fail", fail)
    for kind in "abc":
        _page(engine, f"{{{{ '{kind}' | fail }}}}")
    _page(engine, "\n{{ 'a' | fail }}")
    _page(engine, "{{ 'a' | fail }}", name="pages/y")
    (tmp_path / "partials").mkdir()
    for line in (1, 2):
        (tmp_path / "partials" / f"p{line}.liquid").write_text("\n" * line + "{{ 'a' | fail }}")
        _page(engine, f"{{% include 'p{line}' %}}")
    _work(engine)
    found = engine.failures.list()
    assert [group.failed for group in found] == [1] * 7
    assert len({group.error for group in found}) == 7


def broken(order: int) -> None:
    raise NonRetryable(f"order {order} is closed")


def test_functions_that_fail_alike_stand_in_one_group(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    action = engine.action(broken)
    monkeypatch.setitem(globals(), "broken", action)
    for order in range(3):
        engine.enqueue(action, {"order": order})
    _work(engine)
    [group] = engine.failures.list()
    assert (group.raised, group.failed) == ("NonRetryable", 3)
    assert group.template.endswith(":broken")


def test_a_group_is_shown_with_its_newest_job_and_the_line_that_failed(engine: Engine) -> None:
    def fail(n: int) -> str:
        raise ValueError(f"no {n}")

    engine.environment.add_filter("fail", fail)
    opener, body = "{% background n: 7, api_key: 'k' %}", "\n  {% assign m = n %}\n  {{ m | fail }}"
    engine.render_string(f"{opener}{body}{{% endbackground %}}", name="pages/x")
    _work(engine)
    [group] = engine.failures.list()
    shown = engine.failures.show(group.id[:6])
    assert shown.source_line == "{{ m | fail }}"
    assert shown.parameters == {"n": 7, "api_key": "[masked]"}
    assert shown.job is not None
    assert [shown.job.id] == shown.newest
    assert shown.group.error.endswith("(pages/x:3)")
    engine.jobs.retry(shown.job.id)
    assert engine.failures.list() == []
    again = engine.failures.show(group.id)
    assert (again.job, again.group.failed, again.group.count, again.source_line) == (None, 0, 1, "")


def test_groups_are_filtered_and_ordered(engine: Engine) -> None:
    for name, times in (("pages/a", 3), ("pages/b", 1), ("pages/c", 2)):
        for n in range(times):
            source = f"{{% background source_name: '{name[-1]}{n}' %}}{{% include 'none' %}}{{% endbackground %}}"
            engine.render_string(source, name=name)
            _work(engine)

    def places(**wanted: Any) -> list[str]:
        return [group.template for group in engine.failures.list(**wanted)]

    assert places() == ["pages/c", "pages/b", "pages/a"]
    assert places(order="count") == ["pages/a", "pages/c", "pages/b"]
    assert places(template="pages/b") == ["pages/b"]
    assert places(source_name="a1") == ["pages/a"]
    assert places(source_name="a*") == []
    now = datetime.now(UTC)
    assert places(since=now - timedelta(minutes=5)) == places()
    assert places(since=now + timedelta(minutes=5)) == []
    with pytest.raises(FilterError, match="no time zone"):
        engine.failures.list(since=datetime(2026, 1, 1))
    with pytest.raises(FilterError, match="no order 'x'"):
        engine.failures.list(order="x")  # type: ignore[arg-type]


def test_a_silence_lasts_until_its_end_or_until_it_is_taken_back(engine: Engine) -> None:
    _page(engine, "{% include 'none' %}")
    _work(engine)
    [group] = engine.failures.list()
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    silenced = engine.failures.silence(group.id, "ada", end)
    assert silenced.silence is not None
    assert (silenced.silence.by, silenced.silence.until) == ("ada", end)
    assert engine.failures.list() == []
    assert [each.id for each in engine.failures.list(silenced=True)] == [group.id]
    _page(engine, "{% include 'none' %}")
    _work(engine)
    assert engine.failures.list() == []
    engine.failures.unsilence(group.id)
    assert [each.failed for each in engine.failures.list()] == [2]
    engine.failures.silence(group.id, "ada", datetime.now(UTC) + timedelta(milliseconds=50))
    assert engine.failures.list() == []
    engine.store.client.hset(keys.failure_about(group.id), "silenced_until", 1)
    assert len(engine.failures.list()) == 1
    for past in (datetime.now(UTC) - timedelta(seconds=1), datetime(2099, 1, 1)):
        with pytest.raises(FilterError, match="to come"):
            engine.failures.silence(group.id, "ada", past)


def test_an_id_that_no_group_or_several_have_is_an_error_that_says_so(engine: Engine) -> None:
    with pytest.raises(FailureNotFound, match="no failure group has the id '000000000000'; its jobs were retried"):
        engine.failures.show("0" * 12)
    client: Any = engine.store.client
    for failure in ("abcd00000000", "abcd00000001"):
        client.zadd(keys.FAILURE_GROUPS, {failure: 1})
        client.hset(keys.failure_about(failure), mapping={"first": 1, "last": 1})
    with pytest.raises(FailureNotFound, match=r"2 failure groups begin with 'abcd': abcd0000000[01], abcd"):
        engine.failures.silence("abcd", "ada")
    with pytest.raises(FailureNotFound, match="did you mean 'abcd0000000"):
        engine.failures.unsilence("abce00000000")
    assert engine.failures.silence("abcd00000001", "ada").silence is not None


def test_each_has_a_twin_for_coroutines(engine: Engine) -> None:
    _page(engine, "{% include 'none' %}")
    _work(engine)

    async def all_of_them() -> list[FailureGroup]:
        failures = engine.failures
        [group] = await failures.list_async(template="pages/x")
        await failures.silence_async(group.id, "ada")
        shown = (await failures.show_async(group.id)).group
        return [shown, await failures.unsilence_async(group.id), *await failures.list_async()]

    silenced, shown, listed = asyncio.run(all_of_them())
    assert silenced.silence is not None
    assert shown.silence is listed.silence is None


@pytest.mark.parametrize("site", ["", "shop"])
def test_counts_are_those_of_the_records(store: Store, settings: Settings, tmp_path: Path, site: str) -> None:
    engine = Engine(settings=settings.model_copy(update={"templates": tmp_path, "site": site}))
    rng = random.Random(3)

    def fail(n: int) -> str:
        raise rng.choice([ValueError, KeyError, LookupError])(f"no {n}")

    engine.environment.add_filter("fail", fail)
    for _ in range(60):
        _page(engine, "{{ n | fail }}", name=f"pages/{rng.choice('abc')}", n=rng.randint(1, 9**9))
    _work(engine)
    for job in engine.jobs.list(status="failed", limit=20):
        engine.jobs.retry(job.id)
    _work(engine)
    assert agree(engine.store)
    counts = {group.id: group.failed for group in engine.failures.list()}
    assert counts == {failure: len(ids) for failure, ids in oracle(engine.store, by="failure").items()}
    assert sum(counts.values()) == 60
    assert sum(group.count for group in engine.failures.list()) == 80


def pay(api_token: str) -> None:
    raise NonRetryable(f"bad token {api_token} for all")


def test_a_group_shows_nothing_that_is_masked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    action = engine.action(pay)
    monkeypatch.setitem(globals(), "pay", action)
    engine.enqueue(action, {"api_token": "hunter"})
    _work(engine)
    [group] = engine.failures.list()
    assert "bad token [masked] for all" in group.error
    assert "hunter" not in repr(group)
    shown = engine.failures.show(group.id)
    assert "hunter" not in repr((shown.group, shown.parameters, shown.source_line))
    engine.jobs.delete(group.sample)
    gone = engine.failures.show(group.id).group
    assert "hunter" not in repr(gone)
    assert "not shown" in gone.error


def test_a_group_of_which_the_newest_is_gone_shows_another(engine: Engine) -> None:
    for number in (1, 2):
        _page(engine, "{{ n | divided_by: 0 }}", n=number)
        _work(engine)
    [group] = engine.failures.list()
    assert group.source_line == "{{ n | divided_by: 0 }}"
    engine.jobs.delete(group.sample)
    [left] = engine.failures.list()
    assert left.failed == 1
    assert "divided_by" in left.error
