"""Lists that go on while jobs come, move and go."""

from __future__ import annotations

import json
import random
import zlib
from base64 import urlsafe_b64encode
from collections import Counter

import pytest

from liquid_background import Engine
from liquid_background.errors import FilterError, JobError
from liquid_background.job import Job, Outcome
from liquid_background.jobs.filter import Filter
from liquid_background.jobs.queue import cursors, keys
from liquid_background.jobs.queue.finding import scan
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from tests.jobs.queue.hands import Hands


def job(job_id: str, delay: float = 0.0) -> Job:
    return Job(id=job_id, source_name="mail", template="pages/x", line=3, source="hi", delay=delay)


class Meanwhile:
    """What others do between two pages; what they touch is not expected to be listed once."""

    def __init__(self, engine: Engine, hands: Hands, seed: int) -> None:
        self.engine, self.hands, self.random = engine, hands, random.Random(seed)
        self.touched: set[str] = set()
        self._new = 0

    def touch(self, ids: list[str]) -> list[str]:
        self.touched |= {*ids}
        return ids

    def act(self, shown: list[str]) -> None:
        """Claim from the front, add at the end, take back what was just shown and what comes next, and run it again."""
        for _ in range(self.random.randrange(4)):
            self.engine.jobs.send([job(f"new{self._new}", self.random.choice((0.0, 0.0, 5.0)))])
            self.touch([f"new{self._new}"])
            self._new += 1
        self.touch([str(claimed.id) for claimed in self.hands.claim(2).jobs])
        near = shown[len(shown) - self.random.randrange(4) :]
        for job_id in self.touch([*near, f"q{self.random.randrange(200)}", f"d{self.random.randrange(40)}"]):
            try:
                self.engine.jobs.cancel(job_id)
                if self.random.random() < 0.5:
                    self.engine.jobs.retry(job_id)
            except JobError:
                continue
        for job_id in self.touch([f"f{self.random.randrange(40)}"]):
            try:
                self.random.choice((self.engine.jobs.retry, self.engine.jobs.delete))(job_id)
            except JobError:
                continue


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return Engine(settings=settings)


@pytest.fixture
def hands(store: Store, settings: Settings) -> Hands:
    return Hands(store, settings)


def fill(engine: Engine, hands: Hands) -> set[str]:
    engine.jobs.send([job(f"f{number}") for number in range(40)])
    for _ in range(40):
        hands.finish(hands.take(), Outcome(error="no"))
    engine.jobs.send([job(f"q{number}") for number in range(200)] + [job(f"d{number}", 5.0) for number in range(40)])
    return {f"{letter}{number}" for letter, count in (("f", 40), ("q", 200), ("d", 40)) for number in range(count)}


@pytest.mark.parametrize("seed", range(3))
def test_what_stands_there_throughout_is_listed_once(engine: Engine, hands: Hands, seed: int) -> None:
    ids = fill(engine, hands)
    others = Meanwhile(engine, hands, seed)
    listed: list[str] = []
    page = engine.jobs.list(limit=17)
    while page.cursor:
        listed += [record.id for record in page]
        others.act(listed)
        page = engine.jobs.list(limit=17, after=page.cursor)
    listed += [record.id for record in page]
    stable = ids - others.touched
    assert len(stable) > 60
    seen = Counter(listed)
    assert {job_id: seen[job_id] for job_id in stable if seen[job_id] != 1} == {}


@pytest.mark.parametrize("seed", range(3))
def test_so_it_is_found_once(engine: Engine, hands: Hands, store: Store, settings: Settings, seed: int) -> None:
    ids = fill(engine, hands)
    others = Meanwhile(engine, hands, seed)
    seen: Counter[str] = Counter()
    cursor, is_last = None, False
    while not is_last:
        found = next(scan(store, settings, Filter(), after=cursor, most=7))
        seen.update(found.ids)
        cursor, is_last = found.cursor, found.is_last
        others.act(found.ids)
    stable = ids - others.touched
    assert {job_id: seen[job_id] for job_id in stable if seen[job_id] != 1} == {}


def test_a_whole_page_that_was_taken_back_does_not_hide_the_next(engine: Engine) -> None:
    engine.jobs.send([job(f"q{number}") for number in range(30)])
    page = engine.jobs.list(limit=10)
    for record in page:
        engine.jobs.cancel(record.id)
    engine.jobs.send([job(f"new{number}") for number in range(25)])
    following = engine.jobs.list("pending", limit=10, after=page.cursor)
    assert [record.id for record in following] == [f"q{number}" for number in range(19, 9, -1)]


def test_a_place_in_a_list_is_found_by_time_when_all_near_it_has_gone(engine: Engine, store: Store) -> None:
    for number in range(30):
        engine.jobs.send([job(f"q{number}")])
    page = engine.jobs.list("pending", limit=10)
    for number in range(14, 26):  # what was shown last, and what comes next
        store.client.lrem(keys.queue("default"), 1, f"q{number}")
    engine.jobs.send([job(f"new{number}") for number in range(5)])
    following = engine.jobs.list("pending", limit=3, after=page.cursor)
    assert [record.id for record in following] == ["q13", "q12", "q11"]


def test_a_list_ends_where_workers_took_what_would_come_next(engine: Engine, hands: Hands) -> None:
    engine.jobs.send([job(f"q{number}") for number in range(40)])  # in one call, of one time
    page = engine.jobs.list("pending", limit=10)
    hands.claim(35)
    following = engine.jobs.list(limit=100, after=page.cursor)
    assert {record.id for record in following} & {f"q{number}" for number in range(35, 40)} == set()


def packed(*said: object) -> str:
    return urlsafe_b64encode(zlib.compress(json.dumps(said).encode())).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "é",
        "A" * 20_000,
        packed(1, "scan", {"at": "queued/default", "to": [], "n": 0}),
        packed(2, "list", {}),
        packed(1, "list", {"": "~", "queued/default": 7}),
        packed(1, "list", {"": "~", "queued/default": [-1, []]}),
        packed(1, "list", {"": "~", "queued/default": [1, ["x"] * 90]}),
        packed(1, "list", {"": "~", "scheduled/default": ["only"]}),
        packed(1, "list", [1]),
        packed(1, "list", {}),
        urlsafe_b64encode(zlib.compress(b"[" * 3_000_000)).decode(),
    ],
    ids=range(12),
)
def test_what_is_no_cursor_of_a_list_is_refused(engine: Engine, cursor: str) -> None:
    with pytest.raises(FilterError, match="is no cursor of such a list"):
        engine.jobs.list(after=cursor)


def test_a_forged_position_hides_and_breaks_nothing_else(engine: Engine) -> None:
    engine.jobs.send([job("a"), job("d", 5.0)])
    for words in (["x", "y"], ["1e999", "a"], ["nan", ""], ["1", "2", "3", "9"], ["-5", "", "", "0"], []):
        cursor = cursors.write(
            "list", {"": "~", "queued/default": [0, words], "finished/low": [0, words], "failed/none": 5}
        )
        assert {record.id for record in engine.jobs.list(after=cursor)} == {"a", "d"}, words
