"""The extension: factories, several applications, decorators before there is one, settings, errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app

from liquid_background import Attempt, Engine, Environment, LiquidBackgroundError, SettingsError
from liquid_background.errors import NoApplication
from liquid_background.flask import LiquidBackground, get_engine, render_liquid
from liquid_background.settings import Settings
from liquid_background.testing import fake_jobs

MakeApp = Callable[..., Flask]

background = LiquidBackground()
ran: list[object] = []


@background.action
def greet(name: str) -> str:
    ran.append((current_app.name, name))
    return f"Hello {name}"


@background.background(max_retries=1)
def count(number: int) -> int:
    return number + 1


@background.filter
def shout(text: object) -> str:
    return str(text).upper()


@background.filter("whisper")
def lower(text: object) -> str:
    return str(text).lower()


@background.configure
def add_constant(engine: Engine) -> None:
    engine.environment.add_filter("constant", lambda _: 7)


background.schedule("0 9 * * *", greet, {"name": "morning"})
MORE = "{{ 'Ada' | shout }} {{ 'Ada' | whisper }} {{ '' | constant }}"


def engine_of(app: Flask) -> Engine:
    engine: Engine = app.extensions["liquid_background"].engine
    return engine


def test_one_extension_serves_several_applications(make_app: MakeApp) -> None:
    apps = [make_app(background, name, LIQUID_BACKGROUND_LEASE=lease) for name, lease in (("one", 5), ("two", 6))]
    engines = []
    for app, lease in zip(apps, (5, 6), strict=True):
        with app.app_context():
            assert background.engine is get_engine() is engine_of(app)
            assert background.engine.settings.lease == lease
            assert background.engine.render_string(MORE) == "ADA ada 7"
            assert [schedule.name for schedule in background.engine.schedules()] == ["greet"]
            engines.append(background.engine)
    assert engines[0] is not engines[1]


def test_functions_decorated_before_there_is_an_application_are_jobs_of_the_current_one(make_app: MakeApp) -> None:
    ran.clear()
    one, two = make_app(background, "one"), make_app(background, "two")
    assert count(1) == 2
    for app in (one, two):
        with app.app_context(), fake_jobs(engine_of(app)) as jobs:
            background.engine.enqueue("greet", {"name": "Ada"})
            background.engine.enqueue(greet, {"name": "Bo"})
            greet.enqueue_sync("Cy")
            render = "{% background source_name: 'x' %}{% action 'greet', name: 'Di' %}{% endbackground %}"
            background.engine.render_string(render)
            assert len(jobs.run_all()) == 4
    names = ["Ada", "Bo", "Cy", "Di"]
    assert ran == [*(("one", name) for name in names), *(("two", name) for name in names)]


def test_what_is_registered_later_reaches_the_applications_that_there_are(make_app: MakeApp) -> None:
    extension = LiquidBackground()
    app = make_app(extension)
    extension.filter("late")(lambda _: "late")

    @extension.user
    def nobody() -> str:
        return "somebody"

    assert engine_of(app).render_string("{{ '' | late }}") == "late"
    assert app.extensions["liquid_background"].user is nobody


def test_an_application_may_be_given_at_once(tmp_path: Path, settings: Settings) -> None:
    app = Flask("shop", root_path=str(tmp_path))
    app.config["LIQUID_BACKGROUND_DATA_DIR"] = settings.data_dir
    extension = LiquidBackground(app)
    with app.app_context():
        assert extension.engine.settings.data_dir == settings.data_dir


def test_hooks_of_jobs_and_processes_have_an_application_context(make_app: MakeApp) -> None:
    extension, told = LiquidBackground(), []

    @extension.around_job
    def around(job: Attempt) -> Any:
        told.append(("around", current_app.name))
        yield

    for event in ("on_failure", "on_worker_start", "on_child_start", "on_child_stop"):
        getattr(extension, event)(lambda *_, event=event: told.append((event, current_app.name)))

    @extension.on_child_start
    async def later() -> None:
        told.append(("async", current_app.name))

    engine = engine_of(make_app(extension))
    for tell in (engine.hooks.worker_started, engine.hooks.child_started, engine.hooks.child_stopped):
        tell()
    with fake_jobs(engine) as jobs:
        engine.render_string("{% background source_name: 'x' %}{% include 'none' %}{% endbackground %}")
        jobs.run_all()
    events = ["on_worker_start", "on_child_start", "async", "on_child_stop", "around", "on_failure"]
    assert told == [(event, "shop") for event in events]


def test_a_hook_that_does_not_fit_is_told_when_it_is_registered(make_app: MakeApp) -> None:
    extension = LiquidBackground()
    extension.on_child_start(lambda job: None)
    with pytest.raises(SettingsError, match=r"on_child_start hook .* is called with nothing, which it does not take"):
        make_app(extension)


def test_an_environment_of_the_applications_own(make_app: MakeApp) -> None:
    app = make_app(LiquidBackground(environment=lambda settings: Environment(globals={"lease": settings.lease})))
    assert engine_of(app).render_string("{{ lease }} {{ '<' }}") == "3.0 <"


# Settings.


def test_the_folders_are_where_flask_has_such_files(tmp_path: Path) -> None:
    app = Flask("shop", root_path=str(tmp_path), template_folder="views", instance_path=str(tmp_path / "instance"))
    LiquidBackground(app)
    assert engine_of(app).settings.templates == tmp_path / "views" / "liquid"
    assert engine_of(app).settings.data_dir == tmp_path / "instance" / "liquid-background"


def test_folders_of_the_config_are_beside_those(make_app: MakeApp, tmp_path: Path) -> None:
    config = {"LIQUID_BACKGROUND_TEMPLATES": "site", "LIQUID_BACKGROUND_DATA_DIR": "jobs"}
    app = Flask("shop", root_path=str(tmp_path), instance_path=str(tmp_path / "instance"))
    app.config.update(config)
    LiquidBackground(app)
    assert engine_of(app).settings.templates == tmp_path / "site"
    assert engine_of(app).settings.data_dir == tmp_path / "instance" / "jobs"


def test_the_config_counts_before_the_environment_and_that_before_flasks_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIQUID_BACKGROUND_TEMPLATES", "/elsewhere")
    monkeypatch.setenv("LIQUID_BACKGROUND_LEASE", "9")
    monkeypatch.setenv("LIQUID_BACKGROUND_PROCESSES", "5")
    app = Flask("shop", root_path=str(tmp_path))
    app.config["LIQUID_BACKGROUND_LEASE"] = 4
    app.config["LIQUID_BACKGROUND_PROCESSES"] = None  # as not given
    LiquidBackground(app)
    assert engine_of(app).settings.templates == Path("/elsewhere")
    assert (engine_of(app).settings.lease, engine_of(app).settings.processes) == (4, 5)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"LIQUID_BACKGROUND_REDS_URL": "x"},
            "REDS_URL in app.config is no setting: did you mean LIQUID_BACKGROUND_REDIS",
        ),
        (
            {"LIQUID_BACKGROUND": {"LEASE": 3}},
            r"LIQUID_BACKGROUND in app\.config is no setting: each has a name of its own there, such as LIQUID_",
        ),
        ({"LIQUID_BACKGROUND_REDIS_URL": "nonsense"}, "setting redis_url: it must start with redis://"),
        ({"LIQUID_BACKGROUND_REDIS_URL": "redis://shop:99999"}, "setting redis_url: it cannot be read"),
        ({"LIQUID_BACKGROUND_REDIS_URL": 5}, r"setting redis_url: it must be text .*REDIS_URL in app\.config\)"),
        ({"LIQUID_BACKGROUND_QQQQQQQQQQ": 1}, "in app.config is no setting: "),
        ({"LIQUID_BACKGROUND_APP": "a:b"}, "LIQUID_BACKGROUND_APP in app.config: the engine is this application's own"),
        ({"LIQUID_BACKGROUND_LEASE": "soon"}, r"setting lease: .*\(set it as LIQUID_BACKGROUND_LEASE in app\.config\)"),
        ({"LIQUID_BACKGROUND_TEMPLATES": 7}, "LIQUID_BACKGROUND_TEMPLATES in app.config is 7; it must be a path"),
        (
            {"LIQUID_BACKGROUND_BASE_URL": "shop.example"},
            "BASE_URL in app.config is 'shop.example'; it must be the add",
        ),
        ({"LIQUID_BACKGROUND_BASE_URL": 7}, "BASE_URL in app.config is 7; it must be the address"),
    ],
)
def test_a_wrong_setting_is_named(config: dict[str, object], message: str) -> None:
    app = Flask("shop")
    app.config.update(config)
    with pytest.raises(SettingsError, match=message):
        LiquidBackground(app)


# Errors.


def test_outside_of_an_application_context_it_says_what_flask_says() -> None:
    for ask in (lambda: background.engine, get_engine, lambda: render_liquid("x"), lambda: greet.enqueue_sync("x")):
        with pytest.raises(RuntimeError, match=r"^Working outside of application context.*with app\.app_context\(\):"):
            ask()
    assert issubclass(NoApplication, LiquidBackgroundError)


def test_an_application_without_the_extension_is_named(make_app: MakeApp) -> None:
    app = Flask("bare")
    with app.app_context(), pytest.raises(NoApplication, match=r"'bare' has no engine: .*init_app\(app\)"):
        get_engine()
    other = make_app()
    with other.app_context(), pytest.raises(NoApplication, match="'shop' has another LiquidBackground"):
        _ = background.engine


def test_setting_an_application_up_twice_is_refused(make_app: MakeApp) -> None:
    app = make_app(background)
    for extension in (background, LiquidBackground()):
        with pytest.raises(SettingsError, match="'shop' has an engine already"):
            extension.init_app(app)
