"""RedisQueue against a real worker process, the choice of queues, and the default one."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

import liquid_background
from liquid_background import rapidai
from liquid_background.jobs.store import Store
from liquid_background.python_jobs import default_queue
from liquid_background.rapidai import InMemoryQueue, JobError, JobStatus, RedisQueue, background, get_queue, redis_queue
from tests.rapidai.conftest import Load

TASKS = """
import asyncio
from pathlib import Path
from liquid_background.rapidai import RedisQueue, background

queue = RedisQueue(url={url!r}, prefix="tasks:", backoff=0.05)
other = RedisQueue(url={url!r}, prefix="others:")

@background(max_retries=2, queue=queue)
async def process(data_id: str):
    await asyncio.sleep(0)
    return {{"data_id": data_id}}

@background(max_retries=1, queue=queue)
def fails(file: str):
    with open(file, "a") as runs:
        runs.write("run\\n")
    raise ValueError("no luck")

@background(queue=queue)
async def waits(until: str):
    while not Path(until).exists():
        await asyncio.sleep(0.005)
    return "waited"

@background(queue=other)
def elsewhere():
    return 1

def plain(): ...
"""


@pytest.fixture
def tasks(load: Load, url: str) -> Any:
    return load("tasks", TASKS.format(url=url))


def test_jobs_run_in_a_worker(
    tasks: Any, start_worker: Callable[[str], Any], wait_until: Callable[..., Any], tmp_path: Any
) -> None:
    good, bad = tasks.process.enqueue_sync(data_id="d1"), tasks.fails.enqueue_sync(str(tmp_path / "runs"))
    stopped = tasks.waits.enqueue_sync(str(tmp_path / "go"))
    start_worker("tasks:process")  # or tasks:queue
    wait_until(lambda: tasks.fails.get_result_sync(bad).is_done, timeout=30)
    done, failed = tasks.process.get_result_sync(good), tasks.fails.get_result_sync(bad)
    assert (done.status, done.result, done.attempts, done.max_retries) == ("completed", {"data_id": "d1"}, 1, 2)
    assert done.created_at <= done.started_at <= done.completed_at
    assert done.duration >= 0
    assert (failed.status, failed.error, failed.attempts) == ("failed", "ValueError: no luck (tasks.py:18)", 2)
    assert (tmp_path / "runs").read_text() == "run\n" * 2
    wait_until(lambda: tasks.waits.get_result_sync(stopped).status == "running")
    assert tasks.waits.cancel_sync(stopped)
    wait_until(lambda: tasks.waits.get_result_sync(stopped).status == "cancelled")
    assert not tasks.process.cancel_sync(good)


@pytest.mark.anyio
async def test_the_methods_are_awaitable(tasks: Any) -> None:
    job_id = await tasks.process.enqueue(data_id="d1")
    result = await tasks.process.get_result(job_id)
    assert (result.job_id, result.status, result.is_done) == (job_id, JobStatus.PENDING, False)
    assert [job.job_id for job in await tasks.queue.list_jobs(status=JobStatus.PENDING)] == [job_id]
    assert await tasks.process.cancel(job_id)
    cancelled = await tasks.process.get_result(job_id)
    assert (cancelled.status, cancelled.attempts) == (JobStatus.CANCELLED, 0)
    assert cancelled.duration == (cancelled.completed_at - cancelled.created_at).total_seconds()
    assert not await tasks.process.cancel(job_id)
    assert await tasks.process.get_result("unknown") is None
    assert await tasks.process.get_result("a b") is None


def test_prefixes_set_ids_and_listings_apart(tasks: Any) -> None:
    for number in range(3):
        tasks.queue.enqueue_sync(f"j{number}", tasks.process, (), {"data_id": "d"})
    tasks.other.enqueue_sync("j0", tasks.elsewhere, (), {})
    assert [job.job_id for job in tasks.queue.list_jobs_sync()] == ["j2", "j1", "j0"]
    assert [job.job_id for job in tasks.other.list_jobs_sync()] == ["j0"]
    assert tasks.other.get_result_sync("j1") is None
    assert not tasks.other.cancel_sync("j1")
    assert tasks.queue.list_jobs_sync(JobStatus.COMPLETED) == []
    with pytest.raises(JobError, match="is there already"):
        tasks.queue.enqueue_sync("j0", tasks.process, (), {"data_id": "d"})


def test_what_a_worker_could_not_run_is_refused(tasks: Any) -> None:
    for function in (tasks.plain, os.system, lambda: 1):
        with pytest.raises(JobError, match="is not registered"):
            tasks.queue.enqueue_sync("j", function, (), {})
    assert tasks.queue.list_jobs_sync() == []


def test_waits_are_2_4_8_seconds(tasks: Any, store: Store, url: str) -> None:
    queue = RedisQueue(url=url)
    queue.enqueue_sync("j", tasks.process, (), {"data_id": "d"}, max_retries=3)
    [key] = store.client.keys("rq:job:*-j")
    assert store.client.hget(key, "retry_intervals") == b"[2.0,4.0,8.0]"


def test_a_queue_is_what_was_asked_for() -> None:
    memory = get_queue()
    assert isinstance(memory, InMemoryQueue)
    assert get_queue(backend="memory") is memory
    redis = get_queue(backend="redis", url="redis://localhost:6379")
    assert isinstance(redis, RedisQueue)
    assert get_queue("redis", url="redis://localhost:6379") is redis
    assert get_queue("redis", url="redis://localhost:6380") is not redis
    assert get_queue("redis", url="redis://localhost:6379", prefix="x:") is not redis
    for backend, options, reason in (
        ("celery", {}, "unknown backend 'celery'"),
        ("memory", {"url": "redis://localhost"}, "memory queue cannot be made of url"),
    ):
        with pytest.raises(JobError, match=reason):
            get_queue(backend, **options)


def test_the_default_queue_is_that_of_the_settings_at_the_first_use(
    load: Load, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    default_queue.cache_clear()
    module = load("defaulting", "from liquid_background import background\n@background\ndef work(): return 1\n")
    monkeypatch.setenv("LIQUID_BACKGROUND_REDIS_URL", url)  # read when the first job is enqueued, not at the import
    job_id = module.work.enqueue_sync()
    engine = liquid_background.Engine(redis_url=url)
    assert engine.jobs.get(job_id).source == "defaulting:work"
    assert rapidai.default_queue().get_result_sync(job_id) is not None
    default_queue.cache_clear()


def test_names_of_the_page_are_there() -> None:
    names = ["background", "JobStatus", "JobResult", "JobQueue", "InMemoryQueue", "RedisQueue", "get_queue", "JobError"]
    assert set(names) <= set(rapidai.__all__)
    assert liquid_background.background is rapidai.background
    with pytest.raises(TypeError, match="abstract"):
        rapidai.JobQueue()  # type: ignore[abstract]
    assert {"pending", "running", "completed", "failed", "cancelled"} <= {str(status) for status in JobStatus}


@pytest.mark.parametrize("url", [None, "", 5])
def test_no_url_is_not_another_store(url: Any) -> None:
    for make in (RedisQueue, lambda url: get_queue("redis", url=url)):
        with pytest.raises(JobError, match="url is"):
            make(url)


def test_wrong_queues_are_refused_where_they_are_named() -> None:
    with pytest.raises(JobError, match="prefix is 5"):
        RedisQueue(prefix=5)  # type: ignore[arg-type]
    with pytest.raises(JobError, match="unknown backend"):
        get_queue([])  # type: ignore[arg-type]
    with pytest.raises(JobError, match="queue is 'redis'; it must be a queue"):
        background(queue="redis")  # type: ignore[call-overload]


def test_a_default_that_is_written_out_gives_the_same_queue() -> None:
    assert get_queue("redis") is get_queue(backend="redis", url="redis://localhost:6379")
    assert get_queue("redis", prefix="a", url="redis://h") is get_queue("redis", url="redis://h", prefix="a")


def test_threads_get_one_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(InMemoryQueue):
        """Takes its time to be made, so that another thread asks meanwhile."""

        def __init__(self) -> None:
            barrier.wait(0.2)
            super().__init__()

    barrier = _Patient(2)
    monkeypatch.setitem(redis_queue._BACKENDS, "memory", Slow)
    redis_queue._made.cache_clear()
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: get_queue(), range(2)))
    redis_queue._made.cache_clear()
    assert made[0] is made[1]


class _Patient(Barrier):
    """A barrier that lets one through after a while."""

    def wait(self, timeout: float | None = None) -> int:
        with suppress(BrokenBarrierError):
            return super().wait(timeout)
        return 0


@pytest.mark.anyio
async def test_an_empty_id_is_none(url: str) -> None:
    queue = RedisQueue(url=url)
    for job_id in ("", None):
        with pytest.raises(JobError, match="is not 1 to 87"):
            await queue.enqueue(job_id, len, (), {})  # type: ignore[arg-type]
