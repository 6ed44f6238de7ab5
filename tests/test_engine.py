"""The engine as a whole: who calls what of it, and which environments it takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import liquid
import pytest
from liquid import DictLoader

from liquid_background import Engine, Environment, PageNotFound, SettingsError
from liquid_background.job import Performer
from liquid_background.language.executor import Functions
from liquid_background.language.sending import Sink
from liquid_background.python_jobs.queues import Sender
from liquid_background.python_jobs.sender import EngineSender
from liquid_background.settings import Settings

APPLICATION = {
    *("settings", "environment", "store", "jobs", "log"),
    *("render", "render_async", "render_string"),
    *("action", "background", "function_queue"),
    *("enqueue", "enqueue_async", "enqueue_many", "enqueue_many_async"),
    *("schedule", "schedules"),
    *("around_job", "on_failure", "on_worker_start", "on_child_start", "on_child_stop", "send_when"),
}


def _public(of: type) -> set[str]:
    return {name for base in of.__mro__ for name in (*vars(base), *_annotated(base)) if not name.startswith("_")}


def _annotated(of: type) -> dict[str, Any]:
    return vars(of).get("__annotations__", {})


def test_an_engine_is_what_an_application_calls_and_four_protocols() -> None:
    inside = set().union(*map(_public, (Sink, Performer, Functions, Sender))) - {"jobs"}
    assert {Sink, Performer, Functions, Sender} <= set(Engine.__mro__)
    assert _public(Engine) - inside - {"registered", "hooks"} == APPLICATION
    assert _public(EngineSender) - inside == {"settings", "environment", "hooks", "jobs", "registered"}


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
        (liquid.Environment(), "a liquid.environment.Environment"),
        (Environment, "the class liquid_background.language.environment.Environment"),
        (DictLoader({}), "a liquid.builtin.loaders.dict_loader.DictLoader"),
        ("templates", "a builtins.str"),
        (0, "a builtins.int"),
    ],
)
def test_what_is_no_environment_of_ours_is_refused(settings: Settings, given: Any, named: str) -> None:
    with pytest.raises(SettingsError, match=f"{re.escape(named)}; it must be a liquid_background.Environment,"):
        Engine(environment=given, settings=settings)
