"""What operators see of jobs that wait: when they are due, and for which group they wait."""

from __future__ import annotations

from datetime import UTC, datetime

from liquid_background.jobs.queue.waiting import Group, Waiting, groups, waiting
from tests.groups.conftest import Worker


def test_jobs_tell_what_they_wait_for(worker: Worker) -> None:
    noon = datetime(2124, 4, 3, 12, tzinfo=UTC)
    worker.send("a", "b", most=1)
    worker.send("later", group="h", most=4, start_at=noon.timestamp())
    worker.start()
    names = ("a", "b", "later")
    seen = dict(zip(names, waiting(worker.store, [worker.queue.get(name) for name in names]), strict=True))
    assert seen == {
        "a": Waiting(due_at=None, group="g", max_concurrency=1, parked=False),
        "b": Waiting(due_at=None, group="g", max_concurrency=1, parked=True),
        "later": Waiting(due_at=noon, group="h", max_concurrency=4, parked=False),
    }
    assert waiting(worker.store, []) == []


def test_groups_with_jobs_that_wait_are_counted(worker: Worker) -> None:
    assert groups(worker.store) == []
    worker.send("a", "b", "c", most=2)
    worker.send("d", most=2, priority="high")
    worker.send("alone", group="h")
    while worker.start():
        pass
    assert groups(worker.store) == [Group(name="g", holding=2, waiting=2)]
