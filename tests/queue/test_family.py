"""What one page sets off: jobs that make jobs are a family of limited size, whatever they do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from liquid_background.errors import JobRefused, LimitReached
from liquid_background.family import MAX_FAMILY, Family
from liquid_background.job import Job
from liquid_background.payload import check_payload, decode_payload
from liquid_background.tags import Collector


class Nothing:
    """A site without consumers, actions or secrets."""

    actions: dict[str, Callable[..., object]] = {}  # noqa: RUF012
    event_context: frozenset[str] = frozenset()

    def consumers(self, event: str) -> Sequence[object]:
        return ()


def job(delay: float = 0.0) -> Job:
    return Job(source_name="x", template="x", line=1, partial="x", delay=delay)


def attempt(made_by: Job | None, jobs: Sequence[Job]) -> list[Job]:
    family = Family() if made_by is None else Family.of(decode_payload(made_by.encode()))
    collector = Collector(Nothing(), family=family)  # type: ignore[arg-type]
    for each in jobs:
        collector.add(each)
    return collector.sendable()


@pytest.mark.parametrize("delays", [(0, 0, 0), (1, 1), (0, 1), (0,), (0, 0, 1), (0.001,), (0, 600), (600, 600)])
def test_a_job_that_makes_itself_again_and_again_makes_so_many(delays: tuple[float, ...]) -> None:
    waiting = deque(attempt(None, [job()]))
    made = 1
    line = [0.0]
    while waiting and made <= 3 * MAX_FAMILY:
        this = waiting.popleft()
        if this.delay >= 1 and this.generation == 0:
            line.append(this.delay)  # the one line that may go on: a job that plans its own next run
            continue
        with suppress(LimitReached):
            waiting.extend(attempt(this, [job(delay) for delay in delays]))
            made += len(delays)
    assert made <= MAX_FAMILY + len(line)
    assert len(line) <= 2


def test_a_job_that_plans_its_own_next_run_goes_on_for_ever() -> None:
    (this,) = attempt(None, [job()])
    for _ in range(200):
        *work, this = attempt(this, [*(job() for _ in range(500)), job(delay=1)])
        assert {each.generation for each in work} == {1}
        assert this.generation == 0
    (first,) = attempt(this, [job()])
    for _ in range(200):
        (first,) = attempt(first, [job(delay=0.02)])
    assert first.generation == 1


def test_the_jobs_of_a_page_share_what_it_may_set_off() -> None:
    many = attempt(None, [job() for _ in range(1000)])
    assert {(each.generation, each.may_make) for each in many} == {(0, 9)}
    with pytest.raises(LimitReached, match="does a job send itself"):
        attempt(many[0], [job() for _ in range(10)])


def test_the_place_in_the_family_travels_and_may_be_absent() -> None:
    one = job()
    plain = one.encode()
    assert Family.of(decode_payload(plain)) == Family(0, MAX_FAMILY)
    one.admit(3, 7)
    assert decode_payload(one.encode())["generation"] == 3
    one.admit(4, 5)
    assert decode_payload(one.encode()) == {**decode_payload(plain), "generation": 4, "may_make": 5}
    assert one.payload() == decode_payload(one.encode())


@pytest.mark.parametrize("field", ["generation", "may_make"])
@pytest.mark.parametrize("wrong", ["1", -1, 1.5, True, None, 2**31, 10**100])
def test_a_place_that_is_none_is_refused(field: str, wrong: object) -> None:
    with pytest.raises(JobRefused, match=field):
        check_payload({**job().payload(), field: wrong})
