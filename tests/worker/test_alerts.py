"""Workers tell of events, in a process beside their jobs: once a cause and window, whatever is killed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from liquid_background.errors import StoreUnavailable
from liquid_background.job import Job
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import connect
from liquid_background.settings import load_settings
from tests.campaigns import TIMES, fuzz, seeds
from tests.worker.conftest import Bench, WorkerProcess, bench

__all__ = ["bench"]

APP = "tests.worker.alerts_app"
STORM = 9_999 if TIMES > 1 else 1_500
"""Jobs that fail of three causes; ten thousand take a minute, nearly all of it to fail them."""
LINE = "{{ event.type | append: ' ' | append: event.count | append: ' ' | append: event.summary | note }}"


@dataclass
class Alerted:
    """A bench whose workers have alerts, the folder of these, and the lines that they wrote."""

    bench: Bench
    folder: Path
    log: Path
    do: Path
    set_environment: Callable[[str, str], None]

    def write(self, name: str, text: str = LINE) -> None:
        file = self.folder / f"{name}.liquid"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def start(self, **options: Any) -> WorkerProcess:
        return self.bench.start(**{"app": f"{APP}:engine", "alerts": str(self.folder), **options})

    def burst(self, **options: Any) -> str:
        return self.bench.burst(**{"app": f"{APP}:engine", "alerts": str(self.folder), **options})

    def fail(self, *messages: str, function: str = "work", **fields: Any) -> list[str]:
        path = f"{APP}:{function}"
        jobs = [
            Job(
                **{"source_name": function, "template": path, "line": 1, "function": path, **fields},
                parameters={"args": [], "kwargs": {"what": message} if function == "work" else {}},
            )
            for message in messages
        ]
        self.bench.queue.send(jobs)
        return [job.id for job in jobs]

    def lines(self, begins: str = "") -> list[str]:
        text = self.log.read_text() if self.log.exists() else ""
        return [line for line in text.splitlines() if line.startswith(begins)]

    def settle(self) -> None:
        """Wait until whatever has happened was looked at, and what is due of it was told."""
        client = self.bench.store.client
        for _ in range(3):
            looked = client.hget(keys.ALERTS, "looked")
            self.bench.wait_until(lambda before=looked: client.hget(keys.ALERTS, "looked") != before)
        self.bench.wait_until(
            lambda: (
                not client.hlen(keys.ALERTS_HELD)
                and not client.zcount(keys.ALERTS_DUE, "-inf", self.bench.store.time(0.0) * 1000)
            )
        )

    def wait_for(self, count: int, begins: str = "", timeout: float = 60.0) -> list[str]:
        self.bench.wait_until(lambda: len(self.lines(begins)) >= count, timeout=timeout)
        return self.lines(begins)


@pytest.fixture
def alerted(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Alerted:
    monkeypatch.setenv("ALERTS_LOG", str(tmp_path / "alerts.log"))
    monkeypatch.setenv("ALERTS_DO", str(tmp_path / "do"))
    folder = tmp_path / "alerts"
    folder.mkdir()
    return Alerted(bench, folder, tmp_path / "alerts.log", tmp_path / "do", monkeypatch.setenv)


def _listening(alerted: Alerted, **options: Any) -> WorkerProcess:
    """Return a worker that has looked once, so that what fails from now on is news."""
    worker = alerted.start(**options)
    alerted.bench.wait_until(lambda: alerted.bench.store.client.hget(keys.ALERTS, "since"))
    return worker


def test_a_job_that_fails_for_good_is_told_to_templates_and_hooks(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    alerted.write("every/note", "{{ 'every ' | append: event.job_id | note }}")
    alerted.set_environment("ALERTS_HOOKS", "job.failed")
    worker = _listening(alerted)
    (job_id,) = alerted.fail("no paper")
    said = "work failed: ValueError: no paper (tests/worker/alerts_app.py:44)"
    assert sorted(alerted.wait_for(3)) == [f"every {job_id}", f"hook job.failed 1 {said}", f"job.failed 1 {said}"]
    alerted.bench.wait_until(lambda: not alerted.bench.store.client.zcard(keys.ALERTS_DUE))
    lines = [entry.message for entry in alerted.bench.log() if entry.type == "alert"]
    assert [line.partition(" (")[0] for line in lines] == [
        "job.failed sent by job.failed/note",
        "job.failed sent by every/note",
    ]
    assert worker.stop() == 0
    assert not alerted.bench.store.client.zcard(keys.ALERT_WORKERS)  # nobody misses one that stopped


def test_a_job_that_succeeds_or_is_tried_again_is_no_alert(alerted: Alerted) -> None:
    alerted.write("every/note")
    _listening(alerted, retry_delays="60")
    alerted.fail("", "")
    alerted.fail("not for good", max_attempts=2)
    alerted.fail("for good")
    (line,) = alerted.wait_for(1)
    assert "for good" in line
    alerted.settle()
    assert len(alerted.lines()) == 1


def test_what_failed_before_anybody_was_told_is_no_news(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    alerted.fail("old", "other", "old")
    alerted.bench.burst(app=f"{APP}:engine")
    alerted.burst()
    assert alerted.lines() == []
    alerted.fail("old")
    alerted.burst()
    assert [line.split()[:2] for line in alerted.lines()] == [["job.failed", "1"]]


def test_a_burst_tells_before_it_ends(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    alerted.burst()
    alerted.fail("no paper")
    alerted.burst()
    assert len(alerted.lines("job.failed 1 ")) == 1


@fuzz
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_storm_of_three_causes_is_three_alerts_and_one_more_each_in_the_next_window(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    worker = _listening(alerted, processes=2)
    causes = ("no paper", "no ink", "no power")
    bench, each = alerted.bench, STORM // len(causes)
    for cause in causes:
        alerted.fail(*[cause] * (each // 2))
    for cause in causes:
        alerted.fail(*[cause] * (each - each // 2))
    bench.wait_until(lambda: sum(count.failed for count in bench.queue.counts()) == STORM, timeout=300)
    alerted.settle()
    assert Counter(line.split(" (")[0].split(": ")[-1] for line in alerted.lines()) == dict.fromkeys(causes, 1)
    client = bench.store.client
    due = client.zrange(keys.ALERTS_DUE, 0, -1, withscores=True)
    assert {score - float(client.hget(keys.alert(about.decode()), "at")) for about, score in due} == {3_600_000}
    client.zadd(keys.ALERTS_DUE, {about: 1 for about, _ in due})  # the window passes
    lines = alerted.wait_for(6)
    told = Counter(cause for line in lines for cause in causes if cause in line)
    assert told == dict.fromkeys(causes, 2)
    assert sum(int(line.split()[1]) for line in lines) == STORM
    assert worker.stop() == 0


def test_the_cap_of_an_hour_leaves_out_and_says_so(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    worker = _listening(alerted, alert_cap=2)
    alerted.fail("no paper", "no ink", "no power", "no time")
    alerted.wait_for(2)
    alerted.bench.wait_until(lambda: "2 alerts left out: ALERT_CAP is 2 an hour" in worker.text())
    alerted.bench.store.client.hset(keys.ALERTS, "began", 1)  # an hour passes
    alerted.write("job.failed/note", "{{ event.left_out | append: ' left out' | note }}")
    alerted.fail("no idea")
    assert alerted.wait_for(3)[-1] == "2 left out"


def test_who_fails_in_many_ways_leaves_room_for_alerts_of_others(alerted: Alerted) -> None:
    alerted.write("every/note")
    _listening(alerted, alert_cap=6, queues=("high", "default"), queue_late=0.5)

    client = alerted.bench.store.client

    def fail(template: str, ways: int) -> None:
        fields = {"source_name": "x", "template": template, "source": "{% include 'none' %}"}
        alerted.bench.queue.send([Job(**fields, line=line) for line in range(1, ways + 1)])

    def is_left_out(count: int) -> bool:
        return int(client.hget(keys.ALERTS, "left_out") or 0) == count

    fail("pages/noisy", 8)
    alerted.bench.wait_until(lambda: is_left_out(4))
    fail("pages/quiet", 1)
    assert "(pages/quiet:1)" in alerted.wait_for(5)[-1]
    fail("pages/third", 1)
    alerted.bench.wait_until(lambda: is_left_out(1))
    alerted.fail("", priority="low")
    assert alerted.wait_for(6)[-1].startswith("queue.late 1 queue low")
    client.hset(keys.ALERTS, "began", 1)  # an hour passes
    fail("pages/fourth", 1)
    alerted.wait_for(7)
    assert int(client.hget(keys.ALERTS, "sent")) == 1


def test_a_silenced_group_is_not_told(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    _listening(alerted, alert_window=1)
    alerted.fail("no paper")
    alerted.wait_for(1)
    (group,) = alerted.bench.store.client.zrange(keys.FAILURE_GROUPS, 0, -1)
    alerted.bench.store.client.hset(keys.failure_about(group.decode()), "silenced_at", 1)
    alerted.fail("no paper", "no ink")
    assert "no ink" in alerted.wait_for(2)[-1]


def test_lost_and_refused_jobs_are_events_of_their_own(alerted: Alerted) -> None:
    for event in ("job.lost", "job.refused"):
        alerted.write(f"{event}/note")
    _listening(alerted)
    store = alerted.bench.store.client
    pipeline = store.pipeline(transaction=True)
    pipeline.hset(keys.job("bad"), mapping={"status": "queued", "origin": "low", "data": "nonsense"})
    pipeline.rpush(keys.queue("low"), "bad")
    pipeline.rpush(keys.queue("default"), "gone")
    pipeline.execute()
    lines = alerted.wait_for(2)
    assert sorted(" ".join(line.split()[:2]) for line in lines) == ["job.lost 1", "job.refused 1"]
    assert any("its record is gone" in line for line in lines)


def test_a_late_queue_is_told_once_a_window_while_it_is_late(alerted: Alerted) -> None:
    alerted.write("queue.late/note")
    alerted.fail("", "", priority="low")
    alerted.start(queues=("high", "default"), queue_late=0.5, alert_window=2)
    first, second = alerted.wait_for(2, "queue.late")[:2]
    assert first.startswith("queue.late 2 queue low: a job has waited for ")
    assert second.endswith(" s, 2 wait there")
    alerted.bench.queue.store.client.delete(keys.queue("low"))
    alerted.bench.wait_until(lambda: not alerted.bench.store.client.zcard(keys.ALERTS_DUE))


def test_a_paused_queue_is_not_late(alerted: Alerted) -> None:
    alerted.write("queue.late/note")
    alerted.fail("", priority="low")
    alerted.fail("", priority="default")
    alerted.bench.store.client.hset(keys.PAUSES, "queue:low", "1 {}")
    alerted.start(queues=("high",), queue_late=0.5)
    assert alerted.wait_for(1)[0].startswith("queue.late 1 queue default")
    alerted.settle()
    assert len(alerted.lines()) == 1


def test_a_worker_that_dies_without_a_word_is_missed(alerted: Alerted) -> None:
    alerted.write("worker.gone/note")
    victim = _listening(alerted, lease=0.3)
    client = alerted.bench.store.client
    alerted.start(lease=0.3)
    alerted.bench.wait_until(lambda: client.zcard(keys.ALERT_WORKERS) == 2)
    victim.signal_tree(signal.SIGKILL)
    (line,) = alerted.wait_for(1)
    assert line.startswith("worker.gone 1 worker ")
    assert f".{victim.pid} " in line
    assert client.zcard(keys.ALERT_WORKERS) == 1


def test_an_alert_that_fails_is_tried_again_and_is_no_alert_itself(alerted: Alerted) -> None:
    alerted.write("every/note", "{{ 'x' | note }}")
    alerted.set_environment("ALERTS_HOOKS", "alert.failed")
    alerted.do.write_text("raise")
    worker = _listening(alerted, retry_delays="0.1")
    alerted.fail("no paper")
    (line,) = alerted.wait_for(1, "hook")
    assert line.startswith("hook alert.failed 1 alert job.failed could not be sent by every/note: ")
    assert "no mail server" in line
    assert worker.text().count("alert every/note: job.failed failed: ") == 3
    assert "alert job.failed is not sent by every/note: " in worker.text()
    alerted.settle()
    assert alerted.lines() == [line]
    failed = [entry for entry in alerted.bench.log() if entry.type == "alert"]
    assert len(failed) == 3


def test_only_those_who_were_not_told_are_told_again(alerted: Alerted) -> None:
    alerted.write("job.failed/a", "{{ 'a' | note }}")
    alerted.write("job.failed/b", "{% include 'none' %}")
    alerted.write("job.failed/c", "{{ 'c' | note }}")
    _listening(alerted, retry_delays="0.1")
    alerted.fail("no paper")
    alerted.bench.wait_until(lambda: len([e for e in alerted.bench.log() if "failed: " in e.message and e.type]) >= 3)
    alerted.bench.wait_until(lambda: not alerted.bench.store.client.zcard(keys.ALERTS_DUE))
    assert alerted.lines() == ["a", "c"]


def test_jobs_of_an_alert_are_sent_and_their_failure_is_no_alert(alerted: Alerted) -> None:
    alerted.write("job.failed/later", "{% action 'send_later' %}{{ event.error | note }}")
    _listening(alerted)
    alerted.fail("no paper")
    alerted.wait_for(1)
    bench = alerted.bench
    bench.wait_until(lambda: sum(count.failed for count in bench.queue.counts()) == 2)
    alerted.settle()
    assert len(alerted.lines()) == 1


def test_an_alert_that_hangs_is_stopped_at_the_limit(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    alerted.do.write_text("hang")
    worker = _listening(alerted, job_timeout=0.5, retry_delays="0.1")
    alerted.fail("no paper")
    alerted.bench.wait_until(lambda: worker.text().count("stopped at its limit of 0.5 s") >= 3)
    alerted.bench.wait_until(lambda: "alert job.failed is not sent by job.failed/note" in worker.text())


def test_a_hook_that_hangs_keeps_no_other_from_hearing(alerted: Alerted) -> None:
    alerted.set_environment("ALERTS_HANG", "job.failed")
    alerted.set_environment("ALERTS_HOOKS", "job.failed")
    worker = _listening(alerted, job_timeout=0.5)
    alerted.fail("no paper")
    assert alerted.wait_for(1)[0].startswith("hook job.failed 1 ")
    assert f"on_event hook {APP}.hang took longer than 0.5 s: stopped" in worker.text()


@pytest.mark.parametrize("victim", ["worker", "teller"])
def test_an_alert_whose_process_is_killed_is_told_by_another(alerted: Alerted, victim: str) -> None:
    alerted.write("job.failed/a", "{{ 'a' | note }}")
    alerted.write("job.failed/b", "{% action 'nap' %}{{ 'b' | note }}")
    worker = _listening(alerted)
    alerted.fail("no paper")
    alerted.wait_for(1)  # a is told, b is being told
    alerted.bench.wait_until(lambda: alerted.lines("nap"))
    if victim == "worker":
        worker.signal_tree(signal.SIGKILL)
        alerted.start()
    else:
        os.kill(int(alerted.lines("nap")[0].split()[1]), signal.SIGKILL)
    alerted.bench.wait_until(lambda: alerted.lines("b"))
    alerted.bench.wait_until(lambda: not alerted.bench.store.client.zcard(keys.ALERTS_DUE))
    assert [line for line in alerted.lines() if line in ("a", "b")] == ["a", "b"]


def test_two_workers_tell_once(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    _listening(alerted)
    alerted.start()
    alerted.bench.wait_until(lambda: alerted.bench.store.client.zcard(keys.ALERT_WORKERS) == 2)
    alerted.fail(*"abcdefgh")
    alerted.wait_for(1)
    alerted.bench.wait_until(lambda: not alerted.bench.store.client.zcard(keys.ALERTS_DUE))
    alerted.settle()
    assert len(alerted.lines()) == len({line.split(": ")[-1] for line in alerted.lines()})


def test_what_workers_fail_that_tell_nobody_is_told_by_the_others(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    _listening(alerted, queues=("high",))
    alerted.start(alerts=None)  # as one of a version that knows no alerts: nothing that it does differs
    alerted.fail("no paper")
    assert "no paper" in alerted.wait_for(1)[0]


def test_an_alert_is_left_to_who_tells_of_its_event(alerted: Alerted, tmp_path: Path) -> None:
    other = tmp_path / "others"
    (other / "job.lost").mkdir(parents=True)
    (other / "job.lost" / "x.liquid").write_text("{{ 'lost' | note }}")
    alerted.write("job.failed/note")
    alerted.start(alerts=str(other))
    _listening(alerted)
    client = alerted.bench.store.client
    alerted.bench.wait_until(lambda: client.zcard(keys.ALERT_WORKERS) == 2)
    alerted.fail("no paper", "no ink")
    lines = alerted.wait_for(2)
    assert {line.split()[0] for line in lines} == {"job.failed"}


@fuzz
@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(2))
def test_kills_at_any_moment_lose_no_alert(seed: int, alerted: Alerted) -> None:
    draw = random.Random(seed)
    alerted.write("job.failed/a", "{{ 'a ' | append: event.id | append: ' ' | append: event.error | note }}")
    alerted.write("job.failed/b", "{{ 'b ' | append: event.id | append: ' ' | append: event.error | note }}")
    causes = [f"cause {letter * 3}" for letter in "abcdefghij"]
    _listening(alerted, lease=0.5)
    alerted.start(lease=0.5)
    kills, jobs = 0, {}
    for cause in causes:
        (jobs[cause],) = alerted.fail(cause)
        time.sleep(draw.uniform(0.0, 0.6))
        victim = alerted.bench.workers.pop(0)
        if draw.random() < 0.5:
            victim.signal_tree(signal.SIGKILL)
            victim = alerted.start(lease=0.5)
        else:
            for pid in victim.children():
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            alerted.bench.workers.append(victim)
        kills += 1
    errors = {cause: str(alerted.bench.wait_for(job, "failed", timeout=60).error) for cause, job in jobs.items()}
    told = {(letter, cause) for letter in "ab" for cause, error in errors.items() if cause in error}  # else it was lost
    assert told
    alerted.bench.wait_until(
        lambda: told <= {(line[0], line.rpartition("ValueError: ")[2].partition(" (")[0]) for line in alerted.lines()},
        timeout=60,
    )
    ids = Counter(line.rpartition(" ValueError")[0] for line in alerted.lines())
    assert all(count <= 1 + kills for count in ids.values())
    assert sum(ids.values()) <= 2 * len(causes) + kills  # a kill doubles at most what was under way


def test_alerts_go_on_in_a_full_queue_and_while_every_child_is_busy(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    _listening(alerted)
    alerted.fail("no paper")
    alerted.fail(function="sleep")
    alerted.fail(*[""] * 100, priority="high")
    assert alerted.wait_for(1)


def _hourly(alerted: Alerted, last: int, **options: Any) -> None:
    """Run a worker for a while that finds its schedule's last time enqueued so many seconds ago."""
    alerted.set_environment("ALERTS_SCHEDULE", "1")
    _listening(alerted, **options).stop()
    client = alerted.bench.store.client
    _, digest = client.hget(keys.SCHEDULES, "hourly").split()
    now = int(alerted.bench.store.time(0.0))
    client.hset(keys.SCHEDULES, "hourly", f"{now // 3600 * 3600 - last} {digest.decode()}")
    alerted.burst(**options)


@pytest.mark.slow
def test_times_that_passed_without_a_worker_are_told(alerted: Alerted) -> None:
    alerted.write("schedule.missed/note", "{{ event.schedule | note }}{{ event.missed_at | date: '%H' | note }}")
    alerted.write("every/note", "{{ event.after | date: '%H' | note }}")
    _hourly(alerted, 7200)
    hour = int(alerted.bench.store.time(0.0)) // 3600 % 24
    assert alerted.lines() == ["hourly", f"{hour:02}", f"{(hour - 2) % 24:02}"]


@pytest.mark.slow
def test_a_time_that_was_enqueued_or_paused_is_not_missed(alerted: Alerted) -> None:
    alerted.write("schedule.missed/note")
    _hourly(alerted, 0)
    assert alerted.lines() == []
    client = alerted.bench.store.client
    client.hset(keys.SCHEDULES_PAUSED, "hourly", "{}")
    _hourly(alerted, 7200)
    client.hdel(keys.SCHEDULES_PAUSED, "hourly")
    alerted.burst()
    assert alerted.lines() == []


def test_trouble_with_the_store_is_told_to_hooks_once(
    start_server: Callable[..., Any], alerted: Alerted, wait_until: Callable[..., Any]
) -> None:
    server = start_server()
    settings = load_settings(redis_url=server.url)
    store = connect(settings)
    bench = Bench(store, settings, Queue(store, settings), alerted.bench.runs_file, wait_until)
    try:
        alerted.set_environment("ALERTS_HANG", "store.trouble " * 3)  # together they take longer than one may
        alerted.set_environment("ALERTS_HOOKS", "store.trouble")
        worker = bench.start(app=f"{APP}:engine", job_timeout=1)
        wait_until(lambda: "starts" in worker.text())
        wait_until(lambda: bench.queue.counts()[0].workers)
        server.kill()
        (line,) = alerted.wait_for(1)
        assert line.startswith("hook store.trouble 1 worker ")
        assert "waiting for the store" in line
        time.sleep(1.0)
        assert alerted.lines() == [line]
    finally:
        bench.close()
        store.close()


def test_a_full_store_keeps_no_alert_back_and_doubles_none(
    start_server: Callable[..., Any], alerted: Alerted, wait_until: Callable[..., Any]
) -> None:
    settings = load_settings(redis_url=start_server("--maxmemory-policy", "noeviction").url)
    store = connect(settings)
    alerted.bench = full = Bench(store, settings, Queue(store, settings), alerted.bench.runs_file, wait_until)
    try:
        alerted.write("job.failed/note")
        alerted.do.write_text("wait")
        _listening(alerted)
        alerted.fail("no paper")
        wait_until(lambda: store.client.hlen(keys.ALERTS_HELD))
        store.client.config_set("maxmemory", store.client.info("memory")["used_memory"] - 100_000)
        with pytest.raises(StoreUnavailable):
            full.send()
        alerted.do.unlink()
        alerted.wait_for(1)
        wait_until(lambda: not store.client.zcard(keys.ALERTS_DUE))
        assert len(alerted.lines()) == 1
    finally:
        full.close()
        store.close()


@pytest.mark.parametrize("name", ["job.faild", "job.failed.liquid", "store.trouble"])
def test_what_is_of_no_event_is_warned_of(alerted: Alerted, name: str) -> None:
    (alerted.folder / name).mkdir() if "liquid" not in name else (alerted.folder / name).write_text("x")
    text = alerted.burst()
    assert f"{alerted.folder / name} is no event's" in text


def test_a_folder_that_is_none_keeps_the_worker_from_starting(alerted: Alerted) -> None:
    worker = alerted.start(alerts=str(alerted.folder / "none"))
    assert worker.process.wait(20) == 1
    assert "is no folder; make it, or leave the setting out" in worker.text()


def test_a_folder_of_an_event_that_cannot_be_read_keeps_the_worker_from_starting(alerted: Alerted) -> None:
    (alerted.folder / "job.failed").symlink_to("job.failed")  # leads nowhere but to itself
    worker = alerted.start()
    assert worker.process.wait(20) == 1
    assert f"setting alerts: '{alerted.folder}/job.failed' cannot be read as a folder: " in worker.text()


@pytest.mark.parametrize("what", ["folder", "template"])
def test_an_alert_whose_templates_are_away_is_told_when_they_are_back(what: str, alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    worker = _listening(alerted, retry_delays="1")
    gone = alerted.folder if what == "folder" else alerted.folder / "job.failed" / "note.liquid"
    kept = gone.rename(alerted.folder.parent / "kept")
    alerted.fail("no paper")
    alerted.bench.wait_until(lambda: "alert job.failed: " in worker.text())
    kept.rename(gone)
    (line,) = alerted.wait_for(1)
    assert "no paper" in line
    assert "Traceback" not in worker.text().partition("alert job.failed: ")[2]


def test_an_alert_whose_templates_stay_away_is_not_taken_for_told(alerted: Alerted) -> None:
    alerted.write("job.failed/note")
    alerted.set_environment("ALERTS_HOOKS", "alert.failed")
    worker = _listening(alerted, retry_delays="0.1")
    alerted.folder.rename(alerted.folder.parent / "kept")
    alerted.fail("no paper")
    (line,) = alerted.wait_for(1)
    assert line.startswith("hook alert.failed 1 alert job.failed could not be sent by anybody: ")
    assert f"alert job.failed is not sent by anybody: setting alerts: '{alerted.folder}' cannot" in worker.text()
    assert worker.text().count("alert job.failed: ") == 3
