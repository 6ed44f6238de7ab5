"""Templates that want too much: each fails with its reason at its limit, and the next job runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liquid_background import Engine, JobRecord, JobStatus
from liquid_background.jobs.family import COUNTED
from liquid_background.settings import Settings

LIMIT = 1.5  # seconds
MEMORY = 250  # megabytes

TREE = "{% assign m = n | minus: 1 %}{% if m > 0 %}{% TAG 'TAG', n: m %}{% TAG 'TAG', n: m %}{% endif %}"
HOSTILE = {
    "h1_range": "{% for i in (1..1000000000) %}{% endfor %}",
    "h2_loops": "{% for i in (1..9000000) %}{{ i }}{% endfor %}" * 30,
    "h3_join": "{% assign x = (1..300000000) | join: '' %}",
    "h3_sort": "{% assign x = (1..300000000) | reverse | sort %}",
    "h3_sum": "{{ (1..3000000000) | sum }}",
    "h4_append": "{% assign s = 'xxxxxxxxxx' %}{% for i in (1..60) %}{% assign s = s | append: s %}{% endfor %}",
    "h4_capture": "{% assign s = 'xxxxxxxxxx' %}"
    "{% for i in (1..60) %}{% capture s %}{{ s }}{{ s }}{% endcapture %}{% endfor %}",
    "h5_replace": "{% assign s = 'aaaaaaaaaa' %}{% for i in (1..20) %}{% assign s = s | replace: 'a', s %}{% endfor %}",
    "h6_times": "{% assign n = 99999 %}{% for i in (1..60) %}{% assign n = n | times: n %}{% endfor %}",
    "h7_render": "{% render 'render', n: 27 %}",
    "h8_include": "{% include 'include', n: 27 %}",
    "h9_braces": "{% include 'braces' %}",
    "h11_indent": "{% assign x = 'a,b' | split: ',' %}{{ x | json: indent: 1000000000 }}",
    "recursion": "{% include 'me' %}",
    "swallows": "{% try %}{% for i in (1..9000000) %}{{ i }}{% endfor %}{% catch e %}{% endtry %}" * 30,
}
WHY = ("limit", "over", "never closed", "memory", "killed", "recursive", "depth", "digits", "died")


@pytest.fixture
def site(tmp_path: Path, settings: Settings) -> Engine:
    partials = {
        "render": TREE.replace("TAG", "render"),
        "include": TREE.replace("TAG", "include"),
        "braces": "{{" * 8000,
        "me": "{% include 'me' %}",
        "thrice": "{% background j = 'thrice', pad: pad %}" * 3,
        "lines": "{% for i in (1..200000) %}{% log i %}{% endfor %}",
        "jobs": "{% for i in (1..2000) %}{% background j = 'emoji' %}{% endfor %}",
        "emoji": "{% for i in (1..2500) %}" + "😀" * 400 + "{% endfor %}",
        "much": "{% for i in (1..9000000) %}" + "😀" * 4000 + "{% endfor %}",
    }
    (tmp_path / "partials").mkdir()
    for name, text in partials.items():
        (tmp_path / f"partials/{name}.liquid").write_text(text)
    return Engine(settings=settings.model_copy(update={"templates": tmp_path, "job_timeout": LIMIT}))


@pytest.fixture
def worker(site: Engine) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "LIQUID_BACKGROUND_TEMPLATES": str(site.settings.templates),
        "LIQUID_BACKGROUND_DATA_DIR": str(site.settings.data_dir),
        "LIQUID_BACKGROUND_MEMORY_LIMIT": str(MEMORY),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "poscli", "worker", "--processes", "2"], env=environment, cwd=site.settings.templates
    )
    yield process
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def _resident(pid: int) -> float:
    """Return the megabytes that a process has in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


@pytest.mark.slow
def test_each_fails_at_its_limit_and_the_next_job_runs(
    site: Engine, worker: subprocess.Popen[bytes], wait_until: Callable[..., Any]
) -> None:
    def block(name: str, body: str) -> str:
        return f"{{% background source_name: '{name}' %}}{body}{{% endbackground %}}"

    site.environment.parse_at("")  # the engine's own work is not what is measured
    site.render_string(
        "".join(block(name, body) for name, body in HOSTILE.items())
        + "{% background source_name: 'last', priority: 'low' %}fine{% endbackground %}"
    )
    jobs = {job.source_name: job for job in site.jobs.list(limit=100)}
    assert jobs.keys() == {*HOSTILE, "last"}

    def ended() -> list[JobRecord]:
        found = [site.jobs.get(job.id) for job in jobs.values()]
        return found if all(job.status in (JobStatus.COMPLETED, JobStatus.FAILED) for job in found) else []

    records = {job.source_name: job for job in wait_until(ended, timeout=90)}
    assert records.pop("last").result == "fine"
    for name, record in records.items():
        assert record.status is JobStatus.FAILED, name
        assert any(word in (record.error or "") for word in WHY), (name, record.error)
        assert record.started_at is not None
        assert record.completed_at is not None
        assert (record.completed_at - record.started_at).total_seconds() < LIMIT + 1.0, name
    assert _resident(worker.pid) < 120


@pytest.mark.slow
def test_jobs_lines_and_results_are_bounded(
    site: Engine, worker: subprocess.Popen[bytes], wait_until: Callable[..., Any]
) -> None:
    names = ("lines", "jobs", "emoji", "much", "thrice")
    page = "".join(f"{{% background j = '{name}', source_name: '{name}', pad: pad %}}" for name in names)
    site.render_string(page, {"pad": "x" * COUNTED})  # so that each counts as two
    jobs = {job.source_name: job.id for job in site.jobs.list(limit=100)}

    def ended() -> bool:
        status = [site.jobs.get(job_id).status for job_id in jobs.values()]
        return all(each in (JobStatus.COMPLETED, JobStatus.FAILED) for each in status)

    wait_until(ended, timeout=60)
    assert (
        site.jobs.get(jobs["lines"]).error
        == "over 1,000 log lines in one attempt; the limit is fixed (partials/lines:1, run from inline:1)"
    )
    assert len(site.log.entries(type="info", limit=100_000)) == 1000
    assert "over 1,000 jobs in one attempt" in str(site.jobs.get(jobs["jobs"]).error)
    assert "the output is over 10 MB" in str(site.jobs.get(jobs["much"]).error)
    result = site.jobs.get(jobs["emoji"]).result
    assert result.endswith("😀…")
    stored = site.store.client.memory_usage(f"rq:results:{jobs['emoji']}", samples=0)
    assert 1_000_000 < stored < 2_000_000

    wait_until(lambda: not site.jobs.list(status="pending", limit=1), timeout=120)
    thrice = site.jobs.list(limit=20_000)
    assert 1000 < len(thrice) <= 10_000
    assert any("does a job send itself" in (job.error or "") for job in thrice)
    assert site.store.client.info("memory")["used_memory"] < 100 * 1024**2
