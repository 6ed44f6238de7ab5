"""`poscli preview`: what a page would send, as a tree and as JSON; nothing is sent, and no store is made."""

from __future__ import annotations

import json
from typing import Any

from liquid_background.preview import from_json

APP = """
from liquid_background import Engine
engine = Engine(templates="templates")
engine.environment.add_filter("post", lambda value, path: open("posted", "w").write("x"))
"""
PAGE = (
    "{% log 'on its way' %}"
    "{% background source_name: 'pay', priority: 'high', delay: 2.5, max_attempts: 2, token: 'tok_123' %}"
    "{% assign reply = order.total | post: '/pay' %}{% if reply.ok %}{% log reply.id %}{% endif %}paid {{ reply.id }}"
    "{% trigger_event 'order.paid', id: order.id %}"
    "{% endbackground %}"
    "{% background source_name: 'broken' %}\n{% include 'gone' %}{% endbackground %}"
)


def _site(project: Any) -> str:
    project.page("order", PAGE)
    project.write(
        "templates/consumers/order.paid/thank.liquid", "---\nsource_name: thank\n---\nThank you, {{ event.id }}"
    )
    project.write("shop.py", APP)
    return str(project.write("order.json", json.dumps({"order": {"id": 7, "total": "12.50"}})))


def test_it_shows_the_page_its_jobs_and_theirs(project: Any) -> None:
    data = _site(project)
    nowhere = project.folder / "none"
    result = project.run(
        "preview", "order", "--data", data, "--app", "shop:engine", LIQUID_BACKGROUND_DATA_DIR=str(nowhere)
    )
    assert result.code == 1  # one of the jobs fails
    assert result.err == ""
    assert result.lines == [
        "pages/order  passes",
        "  log: on its way",
        "  output: nothing",
        "│",
        "├─ 1 pay  passes, depending on post",
        "│    high · due after 2.5 min · 2 attempts (after 0 s) · pages/order:1 · 498 bytes",
        '│    token = "[masked]" (9 bytes)',
        '│    order.total = "12.50" (7 bytes)',
        "│    order.id = 7 (1 byte)",
        '│    not called: filter post("12.50", "/pay") (pages/order:1)',
        "│    log: [post?] (depends on post)",
        "│    event: order.paid, 1 consumer",
        "│    output: 12 bytes (depends on post)",
        "│      paid [post?]",
        "│  │",
        "│  └─ 2 thank  passes",
        *result.lines[16:17],
        "│       depends on post: whether it is sent, or with which values",
        *result.lines[18:20],
        "│       output: 12 bytes",
        "│         Thank you, 7",
        "│",
        "└─ 3 broken  fails",
        *result.lines[24:25],
        "     error: partial 'gone' not found (pages/order:2)",
        "",
        "3 jobs, 1 call of the application's code, 1 fails. Nothing was sent, and none of the calls was made.",
    ]
    assert "default · due after 2.5 min · on order.paid · consumers/order.paid/thank" in result.lines[16]
    assert not (project.folder / "posted").exists()
    assert not nowhere.exists()  # not even a store was made


def test_json_has_all_of_it(project: Any) -> None:
    data = _site(project)
    result = project.run("preview", "order", "--data", data, "--app", "shop:engine", "--format", "json")
    preview = from_json(json.loads(result.out))
    assert [job.source_name for job in preview.jobs()] == ["pay", "thank", "broken"]
    assert "tok_123" not in result.out
    assert result.code == 1
    project.page("fine", "x{{ params.a }}")
    assert project.good("preview", "fine", "--param", "a=1").lines[0] == "pages/fine  passes"


def test_a_page_that_is_not_there_is_one_line(project: Any) -> None:
    project.page("order", "x")
    for command in ("preview", "render"):
        result = project.run(command, "oder")
        assert (result.code, result.out) == (1, "")
        assert result.err == "poscli: no page 'oder' in templates/pages; did you mean 'order'?\n"


def test_wrong_input_is_a_usage_error(project: Any) -> None:
    project.page("order", "x")
    for arguments, error in (
        (["--data", str(project.write("bad.json", "{"))], "is not JSON"),
        (["--data", "none.json"], "cannot read none.json"),
        (["--param", "a"], "'a' is not NAME=VALUE"),
        (["--jobs", "0"], "0 is not in the range"),
        (["--seconds", "0"], "0.0 is not in the range"),
    ):
        result = project.run("preview", "order", *arguments)
        assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1)
        assert error in result.err


def test_names_and_values_cannot_steer_the_terminal(project: Any) -> None:
    evil = "a\x1b[31m\u202eb\nc"
    project.page(
        "evil",
        "{% background source_name: 's', p: v %}{% log p %}{{ p }}{% include p %}{% endbackground %}"
        "{% log v %}{% trigger_event v %}{{ v }}",
    )
    data = project.write("v.json", json.dumps({"v": evil}))
    result = project.run("preview", "evil", "--data", str(data))
    assert not any(mark in result.out for mark in ("\x1b", "\u202e"))
    assert "\\x1b" in result.out
    for line in result.lines:
        assert line[:1] in ("p", " ", "│", "├", "└", "", "1"), line


def test_what_is_cut_is_told(project: Any) -> None:
    project.page("many", "{% for i in (1..30) %}{% background source_name: 's' %}{% endbackground %}{% endfor %}")
    result = project.good("preview", "many", "--jobs", "3")
    assert "└─ … and 27 more jobs" in result.lines
    assert result.lines[-1] == "Left out: only the first 3 jobs are shown and run."
