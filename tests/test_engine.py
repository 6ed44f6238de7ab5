"""The engine as a whole: who calls what of it, and which environments it takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import liquid
import pytest
from liquid import DictLoader

from liquid_background import Engine, Environment, PageNotFound, SettingsError
from liquid_background.job import Performer
from liquid_background.jobs.contract import JobStore
from liquid_background.jobs.memory import MemoryJobs
from liquid_background.language.executor import Functions
from liquid_background.language.sending import Sink
from liquid_background.language.template import Template
from liquid_background.python_jobs.queues import Sender
from liquid_background.python_jobs.sender import EngineSender
from liquid_background.settings import Settings

APPLICATION = {
    *("settings", "environment", "store", "job_store", "jobs", "log", "failures", "health", "be_patient"),
    *("render", "render_async", "render_string"),
    *("preview", "preview_async", "preview_job", "preview_job_async"),
    *("action", "background", "function_queue"),
    *("enqueue", "enqueue_async", "enqueue_many", "enqueue_many_async"),
    *("schedule", "schedules"),
    *("operations", "audit", "queues", "timetable"),
    *("stats", "stats_async", "usage", "usage_async", "forget", "forget_async", "overview", "overview_async"),
    *("waiting", "waiting_async", "shown", "shown_entries", "shown_entries_async", "story", "story_async"),
    *("whole_filter", "whole_filter_async", "totals", "totals_async", "probe"),
    *("around_job", "around_page", "on_failure", "on_worker_start", "on_child_start", "on_child_stop", "send_when"),
}


def _public(of: type) -> set[str]:
    return {name for base in of.__mro__ for name in (*vars(base), *_annotated(base)) if not name.startswith("_")}


def _annotated(of: type) -> dict[str, Any]:
    return vars(of).get("__annotations__", {})


def test_an_engine_is_what_an_application_calls_and_four_protocols() -> None:
    inside = set().union(*map(_public, (Sink, Performer, Functions, Sender))) - {"jobs"}
    assert {Sink, Performer, Functions, Sender} <= set(Engine.__mro__)
    assert _public(Engine) - inside - {"registered", "function_paths", "hooks"} == APPLICATION
    own = {"settings", "environment", "hooks", "job_store", "jobs", "registered", "function_paths"}
    assert _public(EngineSender) - inside == own


@pytest.mark.anyio
async def test_a_page_is_rendered_and_sent_on_an_event_loop(settings: Settings) -> None:
    environment = Environment(loader=DictLoader({"p": "{% background source_name: 'x' %}x{% endbackground %}{{ n }}"}))
    engine = Engine(environment=environment, settings=settings)
    assert await engine.render_async("p", {"n": 1}, params={"a": 1}) == "1"
    assert [job.source_name for job in engine.jobs.list()] == ["x"]
    with pytest.raises(PageNotFound):
        await engine.render_async("nowhere")


def test_an_environment_is_one_engines(settings: Settings, tmp_path: Path) -> None:
    environment = Environment(loader=DictLoader({"p": "{% background %}x{% endbackground %}"}))
    first = Engine(environment=environment, settings=settings)
    with pytest.raises(SettingsError, match=r"the environment is taken.*make an Environment for each.*detach\(\)"):
        Engine(environment=environment, data_dir=tmp_path)
    with pytest.raises(SettingsError, match="taken"):
        Engine(environment=environment, settings=settings)
    environment.get_template("p").render()
    assert len(first.jobs.list()) == 1


def test_an_environment_that_an_engine_has_left_can_be_another_ones(settings: Settings) -> None:
    environment = Environment(page_timeout=None)
    Engine(environment=environment, settings=settings.model_copy(update={"page_timeout": 3, "secret_names": ("x",)}))
    environment.detach()
    assert (environment.sink, environment.page_timeout) == (None, None)
    second = Engine(environment=environment, settings=settings)
    assert (environment.sink, environment.page_timeout) == (second, settings.page_timeout)
    assert environment.secret_names == settings.secret_names


@pytest.mark.anyio
async def test_an_engine_whose_environment_another_one_has_refuses_what_needs_it(settings: Settings) -> None:
    environment = Environment(loader=DictLoader({"p": "{% background source_name: 'x' %}x{% endbackground %}"}))
    first = Engine(environment=environment, settings=settings)
    known = first.action(halve)
    environment.detach()
    assert first.environment is environment
    second = Engine(environment=environment, settings=settings)
    uses: list[Callable[[], object]] = [
        lambda: first.environment,
        lambda: first.render("p"),
        lambda: first.render_string("x"),
        lambda: first.enqueue("p"),
        lambda: first.enqueue("halve", {"n": 2}),
        lambda: first.enqueue(known, {"n": 2}),
        lambda: first.enqueue_many("p", [{}]),
        lambda: first.schedule("@daily", "p"),
        first.schedules,
        lambda: first.action(double),
        lambda: first.perform("a", {}, 1, 1),
    ]
    for use in uses:
        with pytest.raises(SettingsError, match="this engine's environment was given to another engine: use that one"):
            use()
    for coroutine in (first.render_async("p"), first.enqueue_async("p"), first.enqueue_many_async("p", [{}])):
        with pytest.raises(SettingsError, match="given to another engine"):
            await coroutine
    assert second.jobs.list() == []
    assert "double" not in environment.actions
    assert second.render("p") == ""
    assert [job.source_name for job in second.jobs.list()] == ["x"]


def halve(n: int) -> float:
    return n / 2


def double(n: int) -> int:
    return n * 2


def test_an_environment_that_nobody_has_can_be_left() -> None:
    environment = Environment(page_timeout=4)
    environment.detach()
    assert environment.page_timeout == 4


def test_an_engine_that_could_not_be_made_takes_no_environment(settings: Settings) -> None:
    environment = Environment()
    with pytest.raises(SettingsError):
        Engine(environment=environment, colour="red")
    assert Engine(environment=environment, settings=settings).environment is environment


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (liquid.Environment(), "a liquid.Environment"),
        (Environment, "the class liquid_background.Environment"),
        (DictLoader({}), "a liquid.DictLoader"),
        (Template, "the class liquid_background.language.template.Template"),
        (Path(), f"a pathlib.{type(Path()).__name__}"),
        ("templates", "a str"),
        (0, "an int"),
    ],
)
def test_what_is_no_environment_of_ours_is_refused(settings: Settings, given: Any, named: str) -> None:
    with pytest.raises(SettingsError, match=f"^environment is {re.escape(named)}; it must be a liquid_background.En"):
        Engine(environment=given, settings=settings)


@pytest.mark.parametrize("given", [3, 0, "x", "", object(), {}, JobStore, MemoryJobs(Settings())])
def test_what_is_no_store_of_jobs_and_what_are_no_settings_is_refused(settings: Settings, given: Any) -> None:
    required = "it must be a liquid_background.jobs.contract.JobStore"
    with pytest.raises(SettingsError, match=rf"^job_store is (an?|the class) [\w.]+; {required} of jobs and their log"):
        Engine(settings=settings, job_store=given)
    with pytest.raises(SettingsError, match=r"^settings is (an?|the class) [\w.]+; it must be a liquid_background.Set"):
        Engine(settings=given)


def test_a_folder_beside_an_environment_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = Environment(loader=DictLoader({"p": "mine"}))
    with pytest.raises(SettingsError, match="give templates, or an environment, not both"):
        Engine(tmp_path, environment=environment)
    with pytest.raises(SettingsError, match="give templates, or an environment, not both"):
        Engine(environment=environment, templates=str(tmp_path), data_dir=settings.data_dir)
    monkeypatch.setenv("LIQUID_BACKGROUND_TEMPLATES", str(tmp_path))
    assert Engine(environment=environment).render("p") == "mine"
