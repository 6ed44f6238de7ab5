"""`poscli render`: the page's text, its parameters and data, its jobs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from liquid_background import Engine
from liquid_background.settings import load_settings
from tests.app_code import ENQUEUES

from .conftest import in_bash


def test_it_prints_the_page_and_sends_its_jobs(project: Any) -> None:
    project.page("checkout", "{% background source_name: 'pay' %}{% assign a = order.total %}{% endbackground %}Hi")
    data = project.write("order.json", json.dumps({"order": {"total": "12.50"}}))
    assert project.good("render", "checkout", "--data", str(data)).out == "Hi"
    (job,) = Engine(settings=load_settings(data_dir=project.data_dir)).jobs.list()
    assert (job.source_name, job.handed_over) == ("pay", {"order.total": "12.50"})


def test_parameters_reach_the_page_only(project: Any) -> None:
    project.page("echo", "{{ params.a }}-{{ params.b }}{% background %}[{{ params.a }}]{% endbackground %}")
    assert project.good("render", "echo", "--param", "a=1", "--param", "b=x=y").out == "1-x=y"
    project.good("worker", "--burst")
    (job,) = Engine(settings=load_settings(data_dir=project.data_dir)).jobs.list()
    assert job.result == "[]"


def test_data_may_come_from_standard_input(project: Any) -> None:
    project.page("echo", "{{ name }}")
    assert project.good("render", "echo", "--data", "-", stdin='{"name": "Ada"}').out == "Ada"


def test_wrong_input_is_a_usage_error(project: Any) -> None:
    project.page("echo", "x")
    bad = project.write("bad.json", "{")
    for arguments, error in (
        (["--param", "a"], "'a' is not NAME=VALUE"),
        (["--data", "none.json"], "cannot read none.json: No such file or directory"),
        (["--data", str(bad)], "is not JSON"),
        (["--data", str(project.write("deep.json", "[" * 100_000))], "is nested too deep"),
        (["--data", str(project.write("list.json", "[1]"))], "holds a list, not a JSON object"),
        (["--data", str(project.write("nan.json", '{"a": [NaN]}'))], "nan.json holds NaN, which is not JSON"),
        (["--data", str(project.write("half.json", '{"a": "\\ud800"}'))], "half.json holds half of a surrogate pair"),
    ):
        result = project.run("render", "echo", *arguments)
        assert result.code == 2
        assert error in result.err
        assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_data_may_begin_with_a_byte_order_mark(project: Any, encoding: str) -> None:
    project.page("echo", "{{ name }}")
    data = project.folder / "data.json"
    data.write_bytes('{"name": "Zoë"}'.encode(encoding))
    assert project.quick("render", "echo", "--data", str(data)).out == "Zoë"
    assert in_bash(project, "render echo --data - < data.json").out == "Zoë"


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_no_job_is_sent_when_the_page_cannot_be_written(project: Any, redirection: str) -> None:
    project.page("p", "{% background source_name: 'unseen' %}{% endbackground %}{% log 'x' %}no line end")
    done = in_bash(project, f"render p {redirection}")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("poscli: cannot write to standard output: ")
    assert done.err.count("\n") == 1
    assert Engine(settings=load_settings(data_dir=project.data_dir)).jobs.list() == []
    project.good("render", "p")
    assert len(Engine(settings=load_settings(data_dir=project.data_dir)).jobs.list()) == 1


def test_nothing_is_written_when_the_jobs_cannot_be_sent(project: Any) -> None:
    project.page("p", "{% background %}{% endbackground %}Hi")
    result = project.run("render", "p", REDIS_URL="redis://127.0.0.1:1/0")
    assert (result.code, result.out) == (1, "")


@pytest.mark.usefixtures("store_dir")
def test_a_page_without_jobs_needs_no_store(project: Any) -> None:
    project.page("plain", "Hi")
    assert project.good("render", "plain", REDIS_URL="redis://127.0.0.1:1/0").out == "Hi"
    assert not any(project.data_dir.iterdir())


def test_a_warning_is_one_line(project: Any) -> None:
    project.write(
        "shop.py",
        "import liquid\nfrom liquid_background import Engine\n"
        "engine = Engine()\nengine.environment.mode = liquid.Mode.WARN\n",
    )
    project.page("late", "{% assign n = -1 %}{% background delay: n %}{% endbackground %}ok")
    result = project.good("render", "late", "--app", "shop:engine")
    assert result.out == "ok"
    assert result.err == "warning: delay is -1; it must be minutes from 0 to 65535 (pages/late:1:40)\n"


APP = """
from liquid_background import Engine

engine = Engine(templates="templates")


@engine.action
def inner_page():
    engine.render("inner")


@engine.action
async def inner_page_async():
    await engine.render_async("inner")
"""


def test_what_python_enqueues_on_a_page_goes_with_the_page(project: Any) -> None:
    project.write("app.py", APP + ENQUEUES)
    project.page("fails", "{% action 'outer' %}{% include 'nowhere' %}")
    project.page("p", "{% action 'outer' %}")
    store = Engine(settings=load_settings(data_dir=project.data_dir))
    assert project.run("render", "fails", "--app", "app:engine").code == 1
    assert store.jobs.list() == []
    project.good("render", "p", "--app", "app:engine")
    assert len(store.jobs.list()) == 1


@pytest.mark.parametrize("inner", ["inner_page", "inner_page_async"])
def test_the_jobs_of_a_page_that_another_one_renders_are_sent_too(project: Any, inner: str) -> None:
    project.write("app.py", APP + ENQUEUES)
    project.page("inner", "{% action 'outer' %}")
    project.page("p", f"{{% action '{inner}' %}}{{% action 'outer' %}}")
    project.good("render", "p", "--app", "app:engine")
    assert len(Engine(settings=load_settings(data_dir=project.data_dir)).jobs.list()) == 2


@pytest.mark.parametrize("source", ["{{ 1 | fail }}", "{% action 'fail' %}"])
def test_a_python_error_of_a_page_is_one_line(project: Any, source: str) -> None:
    project.write(
        "app.py",
        "from liquid_background import Engine\nengine = Engine()\n"
        "def fail(*_):\n    open('/usr/share/private/key')\n"
        "engine.environment.add_filter('fail', fail)\nengine.action('fail')(fail)\n",
    )
    project.write("templates/partials/inner.liquid", f"\n\n{source}")
    project.page("p", "---\nslug: x\n---\n{% include 'inner' %}")
    result = project.run("render", "p", "--app", "app:engine")
    said = "FileNotFoundError: No such file or directory: 'key' (partials/inner:3, included from pages/p:4)"
    assert (result.code, result.out, result.err) == (1, "", f"poscli: {said}\n")


def test_data_without_an_end_is_refused(project: Any) -> None:
    project.page("hi", "hi")
    done = project.run("render", "hi", "--data", "/dev/zero")
    assert (done.code, done.out) == (2, "")
    assert "/dev/zero is over 64 MB" in done.err
