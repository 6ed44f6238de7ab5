"""`poscli failures prove`: what would pass now, told in words and as JSON, and run again by a real worker."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.jobs.filter import Filter

from .conftest import served

BLOCK = "{% background source_name: 'mail', n: i %}{% include 'mail', n: n %}{% endbackground %}"


@pytest.fixture
def failure(project: Any) -> str:
    """The id of a group of three jobs that need a partial."""
    project.page("shop", f"{{% for i in (1..3) %}}{BLOCK}{{% endfor %}}")
    project.good("render", "shop")
    project.good("worker", "--burst")
    [group] = [json.loads(line) for line in project.quick("failures", "list", "--format", "json").lines]
    return str(group["id"])


def mend(project: Any) -> None:
    project.write("templates/partials/mail.liquid", "{% if n == 2 %}{{ 1 | divided_by: 0 }}{% endif %}Hi {{ n }}")


def count(project: Any, status: str) -> int:
    return len(project.quick("jobs", "list", "--status", status, "--format", "json").lines)


def test_what_still_fails_is_told_and_ends_with_1(project: Any, failure: str) -> None:
    result = project.run("failures", "prove", failure[:8])
    assert result.code == 1
    first, row = result.lines
    assert first == "3 jobs of pages/shop:1 run dry against the templates that are here:"
    assert "still fails" in row
    assert "partial 'mail' not found (pages/shop:1)" in row
    assert project.run("failures", "prove", failure, "--retry-passing", "--yes").code == 1


def test_what_passes_is_told_and_run_again(project: Any, failure: str) -> None:
    mend(project)
    said = json.loads(project.good("failures", "prove", failure, "--format", "json").out)
    assert (said["failure"], said["jobs"], said["is_whole"], said["passes"]["jobs"]) == (failure, 3, True, 2)
    [fails] = said["fails"]
    why = "divided_by: can't divide by 0 (partials/mail:1, included from pages/shop:1)"
    assert (fails["jobs"], fails["why"]) == (1, why)
    assert count(project, "failed") == 3
    worker = served(project)
    result = project.good("failures", "prove", failure, "--retry-passing", "--yes")
    assert result.lines[-1] == "retried 2 jobs"
    project.wait(lambda: count(project, "completed") == 2)
    assert count(project, "failed") == 1
    assert worker.stop() == 0


def test_options_of_a_retry_go_with_one(project: Any) -> None:
    for option in (("--yes",), ("--rate", "1/s")):
        assert "go with --retry-passing" in project.quick("failures", "prove", "x", *option, code=2).err
    both = ("--retry-passing", "--format", "json")
    assert "leave --format json out" in project.quick("failures", "prove", "x", *both, code=2).err


def test_a_retry_that_nobody_can_confirm_is_refused_before_the_jobs_run_dry(project: Any, failure: str) -> None:
    mend(project)
    result = project.run("failures", "prove", failure, "--retry-passing")
    assert result.code == 2
    assert "give --yes" in result.err
    assert not result.out


def test_a_worker_carries_out_the_proof_that_the_dashboard_starts(project: Any, failure: str) -> None:
    mend(project)
    worker = served(project)
    engine = Engine(data_dir=project.data_dir)
    operation = engine.operations.start("prove", Filter(failure=failure)).id

    def ended() -> Any:
        said = json.loads(project.quick("operations", "show", operation, "--format", "json").out)
        return said if said["state"] == "done" else None

    said = project.wait(ended)
    assert (said["kind"], said["done"], said["passes"]["jobs"]) == ("prove", 3, 2)
    assert "passes" in project.quick("operations", "show", operation).out
    assert worker.stop() == 0


@pytest.mark.slow
def test_a_proof_whose_worker_is_killed_goes_on_in_another_one(project: Any) -> None:
    project.page("shop", f"{{% for i in (1..40) %}}{BLOCK}{{% endfor %}}")
    project.good("render", "shop")
    project.good("worker", "--burst")
    slow = "{% for i in (1..2000) %}{% assign x = i | plus: n %}{% endfor %}"
    project.write("templates/partials/mail.liquid", slow)
    engine = Engine(data_dir=project.data_dir)
    worker = served(project, LIQUID_BACKGROUND_LEASE="1")
    operation = engine.operations.start("prove", Filter()).id
    project.wait(lambda: engine.operations.get(operation).done)
    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait(10)
    half = engine.operations.get(operation)
    assert (half.ended, half.done < 40) == (None, True)
    worker = served(project, LIQUID_BACKGROUND_LEASE="1")
    project.wait(lambda: engine.operations.get(operation).ended, 90)
    whole = engine.operations.get(operation)
    assert whole.verdicts is not None
    assert (whole.done, whole.verdicts.passes.jobs) == (40, 40)
    assert worker.stop() == 0
