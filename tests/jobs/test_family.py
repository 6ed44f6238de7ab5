"""What one page sets off: jobs that make jobs are a family of limited size, whatever they do."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from liquid_background.errors import JobRefused, LimitReached
from liquid_background.job import MAX_MADE, Job
from liquid_background.jobs.family import COUNTED, MAX_FAMILY, Family
from liquid_background.jobs.queue.payload import admit, check_payload, decode_payload, encode_data, payload_of
from liquid_background.language.tags import Collector
from tests import campaigns


class Nothing:
    """A site without consumers, actions or secrets."""

    actions: dict[str, Callable[..., object]] = {}  # noqa: RUF012
    event_context: frozenset[str] = frozenset()

    def consumers(self, event: str) -> Sequence[object]:
        return ()


def job(delay: float = 0.0) -> Job:
    return Job(source_name="x", template="x", line=1, partial="x", delay=delay)


def attempt(made_by: Job | None, jobs: Sequence[Job]) -> list[Job]:
    family = Family() if made_by is None else Family.of(decode_payload(encode_data(made_by)))
    collector = Collector(Nothing(), family=family)  # type: ignore[arg-type]
    for each in jobs:
        collector.add(each)
    return collector.sendable()


@pytest.fixture
def small_family(monkeypatch: pytest.MonkeyPatch) -> int:
    """A limit that is reached in a tenth of the time: what is told of it holds of any number."""
    monkeypatch.setattr("liquid_background.jobs.family.MAX_FAMILY", 1_000)
    return 1_000


@pytest.mark.parametrize("delays", [(0, 0, 0), (1, 1), (0, 1), (0,), (0, 0, 1), (0.001,), (0, 600), (600, 600)])
def test_a_job_that_makes_itself_again_and_again_makes_so_many(small_family: int, delays: tuple[float, ...]) -> None:
    _is_bounded(small_family, delays)


def test_so_it_does_up_to_the_real_limit() -> None:
    _is_bounded(MAX_FAMILY, (0, 0))


def _is_bounded(most: int, delays: tuple[float, ...]) -> None:
    waiting = deque(attempt(None, [job()]))
    made = 1
    line = [0.0]
    while waiting and made <= 3 * most:
        this = waiting.popleft()
        if this.delay >= 1 and this.generation == 0:
            line.append(this.delay)  # the one line that may go on: a job that plans its own next run
            continue
        with suppress(LimitReached):
            waiting.extend(attempt(this, [job(delay) for delay in delays]))
            made += len(delays)
    assert made <= most + len(line)
    assert len(line) <= 2


@pytest.mark.slow
def test_a_job_that_plans_its_own_next_run_goes_on_for_ever() -> None:
    (this,) = attempt(None, [job()])
    for _ in range(50):
        *work, this = attempt(this, [*(job() for _ in range(500)), job(delay=1)])
        assert {each.generation for each in work} == {1}
        assert this.generation == 0
    (first,) = attempt(this, [job()])
    for _ in range(200):
        (first,) = attempt(first, [job(delay=0.02)])
    assert first.generation == 1


@campaigns.fuzz
@pytest.mark.parametrize(("siblings", "seconds"), campaigns.pairs([1, 20, 1000], [1, 60, 1000, 10_000], few=2))
def test_all_next_runs_of_a_page_regain_together_what_one_may(siblings: int, seconds: int) -> None:
    runs = attempt(None, [job() for _ in range(siblings)])
    for _ in range(3):  # each makes as many as it may, of which the last is its own next run
        work = [min(Family.of(decode_payload(encode_data(run))).left, 1000) - 1 for run in runs]
        made = [
            attempt(run, [*(job() for _ in range(count)), job(delay=seconds / 60)])
            for run, count in zip(runs, work, strict=True)
            if count >= 0
        ]
        runs = [jobs[-1] for jobs in made]
        assert sum(run.may_make or 0 for run in runs) <= min(MAX_FAMILY, seconds * 10 + MAX_FAMILY // 1000)


@pytest.mark.parametrize("delays", [(0,), (1,), (0, 0), (0, 1), (1, 1), (0, 0, 1), (0, 1, 1)])
@pytest.mark.parametrize("parts", [0, 1, 3, MAX_MADE])
def test_the_right_to_regain_is_passed_on_or_shared_and_never_grows(delays: tuple[int, ...], parts: int) -> None:
    maker = job()
    admit(maker, 1, 100, parts)
    made = [
        decode_payload(encode_data(each))["regain_parts"] for each in attempt(maker, [job(each) for each in delays])
    ]
    assert sum(1 / each for each in made if each) <= (1.001 / parts if parts else 0) + 1e-8
    assert any(made) == bool(parts)


def test_a_job_beside_others_that_plans_its_own_next_run_goes_on_for_ever() -> None:
    (this, *_) = attempt(None, [job() for _ in range(100)])
    for _ in range(300):
        (*_, this) = attempt(this, [job(), job(delay=1)])
    (*_, this) = attempt(None, [job(), job()])
    (first, *_) = attempt(this, [job(), job()])
    for _ in range(6000):
        (first,) = attempt(first, [job(delay=0.02)])


def test_the_jobs_of_a_page_share_what_it_may_set_off() -> None:
    many = attempt(None, [job() for _ in range(1000)])
    assert {(each.generation, each.may_make) for each in many} == {(0, 9)}
    with pytest.raises(LimitReached, match="does a job send itself"):
        attempt(many[0], [job() for _ in range(10)])


def test_the_place_in_the_family_travels_and_may_be_absent() -> None:
    one = job()
    plain = encode_data(one)
    assert Family.of(decode_payload(plain)) == Family(0, MAX_FAMILY)
    admit(one, 3, 7)
    assert decode_payload(encode_data(one))["generation"] == 3
    admit(one, 4, 5)
    assert decode_payload(encode_data(one)) == {
        **decode_payload(plain),
        "generation": 4,
        "may_make": 5,
        "regain_parts": 1,
    }
    assert payload_of(one) == decode_payload(encode_data(one))


@pytest.mark.parametrize("field", ["generation", "may_make", "regain_parts"])
@pytest.mark.parametrize("wrong", ["1", -1, 1.5, True, None, 2**31, 10**100])
def test_a_place_that_is_none_is_refused(field: str, wrong: object) -> None:
    with pytest.raises(JobRefused, match=field):
        check_payload({**payload_of(job()), field: wrong})


def test_large_jobs_count_as_several() -> None:
    def large() -> Job:
        return Job(source_name="x", template="x", line=1, partial="x", parameters={"big": "x" * 80_000})

    jobs = [large() for _ in range(100)]
    Family().admit(jobs)
    assert {job.may_make for job in jobs} == {(MAX_FAMILY - 100 * 10) // 100}
    collector = Collector(Nothing(), family=Family(0, 25))  # type: ignore[arg-type]
    for _ in range(3):
        collector.add(large())
    with pytest.raises(LimitReached, match="one of over 8 KB counts as several"):
        collector.add(large())


def test_a_next_run_counts_once_whatever_it_holds() -> None:
    following = Job(source_name="x", template="x", line=1, partial="x", delay=60, parameters={"big": "x" * 80_000})
    Family(5, 8).admit([following])
    assert following.may_make is not None
    assert following.may_make > 8


SIGNS = ("x", "é", "😀")


def perform(made_by: Job, jobs: Sequence[Job], text: str) -> tuple[str, list[Job]]:
    """End an attempt, which printed a text, as an executor does."""
    collector = Collector(Nothing(), family=Family.of(decode_payload(encode_data(made_by))))  # type: ignore[arg-type]
    for each in jobs:
        collector.add(each)
    return collector.keep(text), collector.sendable()


@pytest.mark.parametrize(
    "sizes", [(1000,), (100, 9), (100, 4, 4), (20, 20, 20), (3,) * 8, (1,) * 30, (999, 8), (77, 1)]
)
def test_the_texts_of_all_jobs_that_a_page_sets_off_are_bounded_together(sizes: tuple[int, ...]) -> None:
    jobs, kept = attempt(None, [job() for _ in range(sizes[0])]), 0
    for made in (*sizes[1:], 0):
        following: list[Job] = []
        for number, each in enumerate(jobs):
            sign = SIGNS[number % 3]
            left = Family.of(decode_payload(encode_data(each))).left
            text, children = perform(each, [job() for _ in range(min(made, left))], sign * 1_100_000)
            assert text.startswith(sign * 500)
            assert text.endswith("…")
            kept += len(json.dumps(text))
            following += children
            if number > 50 and not following:  # all others keep as much
                kept += len(json.dumps(text)) * (len(jobs) - number - 1)
                break
        jobs = following
    assert kept <= MAX_FAMILY * COUNTED


@pytest.mark.parametrize("made", [0, 1, 10])
def test_short_texts_are_kept_whole_and_take_nothing_from_jobs(made: int) -> None:
    (this, *_) = attempt(None, [job() for _ in range(1000)])
    text, jobs = perform(this, [job() for _ in range(min(made, 9))], "x" * (COUNTED - 2))
    assert text == "x" * (COUNTED - 2)
    assert {each.may_make for each in jobs} == {(9 - len(jobs)) // len(jobs)} if jobs else not made


def test_a_job_alone_keeps_its_text_and_one_that_makes_another_shares() -> None:
    (this,) = attempt(None, [job()])
    text, _ = perform(this, [], "x" * 900_000)
    assert text == "x" * 900_000
    text, (following,) = perform(this, [job()], "x" * 900_000)
    assert text == "x" * 900_000
    assert following.may_make == MAX_FAMILY - 1 - (900_000 + 1) // COUNTED


def test_a_next_run_regains_what_a_text_took_and_no_more() -> None:
    (this, *_) = attempt(None, [job() for _ in range(1000)])
    for _ in range(100):
        text, (this,) = perform(this, [job(delay=5)], "x" * 100_000)
        assert this.may_make is not None
        assert 0 < this.may_make <= MAX_FAMILY // 1000
        assert len(text) <= 10 * COUNTED
