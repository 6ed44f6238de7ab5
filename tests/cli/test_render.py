"""`poscli render`: the page's text, its parameters and data, its jobs."""

from __future__ import annotations

import json
from typing import Any

from liquid_background import Engine
from liquid_background.settings import load_settings


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
        (["--data", str(project.write("list.json", "[1]"))], "holds a list, not a JSON object"),
    ):
        result = project.run("render", "echo", *arguments)
        assert result.code == 2
        assert error in result.err
        assert len(result.err.splitlines()) == 1


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
