"""Jobs saved as tests: they pass as they are written, are formatted, hold no secret, and see changed templates."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from markupsafe import Markup

from liquid_background import Engine, JobNotFound
from liquid_background.errors import JobRefused
from liquid_background.saved import SavedTest, save_test
from liquid_background.saved.code import Code, text_as_code
from liquid_background.settings import load_settings
from liquid_background.testing import FakeJobs, fake_jobs

HOSTILE = [
    'a"b',
    "a'b",
    "a\"b'c",
    '"""',
    "'''\\",
    "\\",
    '\\"',
    "\\'",
    "a\nb\r\x00\x1b[2J",
    "\ud800",
    "\u202e\u2028é",
    "{{ x }}{% y %}",
    "",
]
RUFF = [str(Path(sys.executable).with_name("ruff"))]
FILES = {
    "pages/page": "{% background source_name: 'mail', to: user.mail, token: 'tok-123', n: n %}\n"
    "{% assign name = user.name %}Dear {{ name }} <{{ to }}> {{ token }} {{ n }}\n"
    "{% include 'sign', who: name %}{% log 'sent' %}\n"
    "{% background source_name: 'child' %}{{ 1 | plus: 1 }}{% endbackground %}{% endbackground %}"
    "{% background source_name: 'broken' %}\n{% include 'gone' %}{% endbackground %}"
    "{% background _ = 'sign', who: user.name %}"
    "{% background source_name: 'act' %}{% assign m = user.mail %}{% action r = 'send', to: m %}[{{ r }}]"
    "{% endbackground %}"
    "{% background source_name: 'clock' %}{% include 'clock' %}{% endbackground %}"
    "{% background source_name: key %}one{% endbackground %}{% background source_name: key %}two{% endbackground %}",
    "partials/sign": "-- {{ who }}",
    "partials/clock": "{{ 'now' | date: '%s' }}",
}
APP = """
from pathlib import Path
from liquid_background import Engine

engine = Engine()


@engine.action
def send(to, password=""):
    Path("effect").write_text(to)
    return "done"


@engine.action(pure=True)
def double(number):
    return {"twice": number * 2}


def make_engine():
    return engine
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a site and an application, in which tests are written and run."""
    for name, text in FILES.items():
        path = tmp_path / f"templates/{name}.liquid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "savedapp.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("savedapp", None)


@pytest.fixture
def engine(site: Path) -> Engine:
    import savedapp

    return savedapp.engine


def _saved(engine: Engine, data: dict[str, Any] | None = None, app: str | None = None) -> dict[str, SavedTest]:
    user = {"mail": "ann@example.com", "name": "Ann"}
    with fake_jobs(engine) as jobs:
        engine.render("page", {"user": user, "key": "same", **(data or {})})
        found = {}
        for number, job in enumerate(jobs.enqueued):
            name = job.source_name if job.source_name != "same" else f"same{number}"
            found[name] = save_test(engine, jobs, job.id, app)
    return found


def _run(folder: Path, *tests: SavedTest) -> subprocess.CompletedProcess[str]:
    for test in tests:
        (folder / test.name).write_text(test.text, "utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        *(test.name for test in tests),
    ]
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environ)


def _check_format(folder: Path) -> None:
    names = sorted(path.name for path in folder.glob("test_*.py"))
    subprocess.run([*RUFF, "check", "--isolated", "--select", "E4,E7,E9,F,I,B,UP", *names], cwd=folder, check=True)
    for width in ("88", "120"):
        subprocess.run(
            [*RUFF, "format", "--isolated", "--check", "--line-length", width, *names], cwd=folder, check=True
        )


@pytest.mark.slow
def test_they_pass_as_they_are_written_and_fail_when_a_template_changes(site: Path, engine: Engine) -> None:
    user = {"mail": "ann@example.com", "name": "".join(HOSTILE)}
    values = {"n": [1, 2.5, None, True, {"k": HOSTILE}, Decimal("1.50"), UUID(int=5), range(3), Markup("<b>" * 40)]}
    saved = _saved(engine, {"user": user, **values}, "savedapp:engine")
    tests = [*saved.values()]
    assert len({test.name for test in tests}) == len(tests) == 7
    done = _run(site, *tests)
    assert f"{len(tests)} passed" in done.stdout, done.stdout
    _check_format(site)
    assert not any("tok-123" in test.text for test in tests)
    assert [name for name, test in saved.items() if test.notes] == ["clock"]
    assert not (site / "effect").exists()
    sign = site / "templates/partials/sign.liquid"
    sign.write_text("** {{ who }}")
    failed = _run(site, *tests).stdout
    assert sorted(set(re.findall(r"FAILED test_(\w+?)_[0-9a-f]{8}\.py", failed))) == ["mail", "sign"]
    sign.write_text(FILES["partials/sign"])
    page = site / "templates/pages/page.liquid"
    page.write_text("\n\n" + FILES["pages/page"].replace("%}two{%", "%}three{%"))
    assert sorted(set(re.findall(r"FAILED test_(\w+?)_[0-9a-f]{8}\.py", _run(site, *tests).stdout))) == ["same"]
    page.write_text("nothing")
    assert "has 0 background blocks with the source name 'mail'" in _run(site, saved["mail"]).stdout


def test_what_a_test_of_a_block_says(engine: Engine) -> None:
    saved = _saved(engine)
    text = saved["mail"].text
    assert re.sub("[0-9a-f]{32}", "ID", re.sub("_[0-9a-f]{8}", "_ID", text)) == (
        """# Job ID: mail, of pages/page, line 1.
# Its values are masked, and it runs dry.

from liquid_background import Engine

engine = Engine()


def test_mail_ID(background_jobs):
    jobs = background_jobs(engine, dry=True)
    job = jobs.run_block(
        "pages/page",
        source_name="mail",
        parameters={
            "to": "ann@example.com",
            "token": "[masked]",
            "n": None,
        },
        handed_over={
            "user.name": "Ann",
        },
    )
    assert job.error is None
    assert job.result.split("\\n") == [
        "",
        "Dear Ann <ann@example.com> [masked] ",
        "-- Ann",
        "",
    ]
    assert jobs.messages == [
        "sent",
    ]
    assert [each.source_name for each in jobs.waiting] == [
        "child",
    ]
"""
    )
    assert "number=" in saved["same6"].text
    assert (
        'assert [job.error.partition(" (")[0]] == [\n        "partial \'gone\' not found",\n    ]'
        in saved["broken"].text
    )
    assert '"[send?]"' not in saved["act"].text
    assert '        "[[send?]]",\n' in saved["act"].text
    assert (
        '"action",\n            "send",\n            {\n                "to": "ann@example.com",' in saved["act"].text
    )
    assert saved["sign"].text.count('run_partial(\n        "sign",\n        parameters={') == 1


def test_it_is_the_same_each_time(engine: Engine) -> None:
    with fake_jobs(engine) as jobs:
        engine.render("page", {"user": {"mail": "a@b", "name": "Ann"}, "key": "same"})
        (job, *_) = jobs.enqueued
        assert save_test(engine, jobs, job.id) == save_test(engine, jobs, job.id)
        assert jobs.get(job.id) == job


@pytest.mark.parametrize(
    ("app", "line"),
    [
        ("savedapp:engine", "from savedapp import engine\n\n\ndef"),
        ("savedapp:make_engine", 'engine = load_app("savedapp:make_engine")'),
        ("savedapp:make_engine()", 'engine = load_app("savedapp:make_engine()")'),
        ("savedapp:engine.environment.engine", 'engine = load_app("savedapp:engine.environment.engine")'),
    ],
)
def test_it_imports_the_application(engine: Engine, app: str, line: str) -> None:
    assert line in _saved(engine, app=app)["act"].text


@pytest.mark.slow
def test_python_functions(site: Path, engine: Engine) -> None:
    with fake_jobs(engine) as jobs:
        sends = engine.enqueue("send", {"to": HOSTILE[0], "password": "hunter2"})
        doubles = engine.enqueue("double", {"number": Decimal("1.5")})
        tests = [save_test(engine, jobs, job.id, "savedapp:engine") for job in (sends, doubles)]
    assert "hunter2" not in tests[0].text
    assert 'kwargs={\n            "to": \'a"b\',\n            "password": "[masked]",' in tests[0].text
    assert '"twice": Decimal("3.0"),' in tests[1].text
    assert "2 passed" in _run(site, *tests).stdout
    assert not (site / "effect").exists()
    _check_format(site)
    (site / "savedapp.py").write_text(APP.replace("number * 2", "number * 3").replace("def send(to", "def send(other"))
    assert "2 failed" in _run(site, *tests).stdout


def test_settings_that_change_the_output_are_the_tests(site: Path) -> None:
    (site / "templates").rename(site / "site")
    engine = Engine(settings=load_settings(templates=site / "site", environment_name="staging"))
    text = _saved(engine)["mail"].text
    assert 'engine = Engine(\n    templates="site",\n    environment_name="staging",\n)' in text


def test_a_body_that_no_template_has_is_in_the_test(engine: Engine) -> None:
    with fake_jobs(engine) as jobs:
        engine.render_string("{% background source_name: 'x', n: 2 %}{{ n }}{% endbackground %}")
        (job,) = jobs.enqueued
        saved = save_test(engine, jobs, job.id)
    assert 'run_source(\n        "{{ n }}",\n        template="inline",\n        line=1,' in saved.text
    assert saved.notes[0].startswith("inline has no such block today")


def test_a_block_whose_text_has_changed_is_found_by_its_name(site: Path, engine: Engine) -> None:
    with fake_jobs(engine) as jobs:
        engine.render("page", {"user": {}, "key": "same"})
        job = next(job for job in jobs.enqueued if job.source_name == "act")
        page = site / "templates/pages/page.liquid"
        page.write_text("\n{% background source_name: 'act' %}new{% endbackground %}")
        saved = save_test(engine, jobs, job.id)
    assert '        "new",\n' in saved.text
    assert not saved.notes


def test_what_cannot_be_saved_is_refused(engine: Engine) -> None:
    with fake_jobs(engine) as jobs:
        with pytest.raises(JobNotFound):
            save_test(engine, jobs, "nowhere")
        job = engine.enqueue("send", {"to": "x"})
        del sys.modules["savedapp"]
        with pytest.raises(JobRefused, match="cannot be a test: no job function"):
            save_test(Engine(), jobs, job.id)


@pytest.mark.parametrize("text", [*HOSTILE, "".join(HOSTILE), *(a + b for a in "'\"\\" for b in "'\"\\")])
def test_a_text_is_the_same_as_code(text: str) -> None:
    code = text_as_code(text)
    assert eval(code) == text
    assert "\n" not in code
    assert code.isprintable()


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        dt.date(2026, 1, 2),
        dt.time(3, 4),
        Decimal("1e5"),
        UUID(int=7),
        Markup('<b>"</b>'),
        range(1, 9, 2),
        {"a": [(1, "x"), {}, []], 2: None, 2.5: True},
        -(10**50),
        1e300,
    ],
    ids=repr,
)
def test_a_value_is_the_same_as_code(value: Any) -> None:
    code = Code()
    text = code.of(value)
    found = eval(text, {"datetime": dt, "Decimal": Decimal, "UUID": UUID, "Markup": Markup})
    assert (found, type(found)) == (value, type(value))


def test_the_double_runs_dry_by_itself(site: Path, engine: Engine) -> None:
    jobs = FakeJobs(engine, dry=True)
    job = jobs.run_block("pages/page", source_name="act", handed_over={"user.mail": "a@b"})
    assert job.result == "[[send?]]"
    assert [(effect.kind, effect.name, effect.number) for effect in jobs.effects] == [("action", "send", 1)]
    jobs.run_block("pages/page", source_name="act")
    assert [effect.number for effect in jobs.effects] == [1, 2]
    assert jobs.run_partial("sign", {"who": "x"}).result == "-- x"
    assert jobs.run_function("savedapp:double", kwargs={"number": 2}).result == {"twice": 4}
    assert jobs.run_source("{{ a }}", parameters={"a": 1}).result == "1"
    assert not (site / "effect").exists()
    with pytest.raises(LookupError, match=r"pages/page has 7 background blocks: none is number 9"):
        jobs.run_block("pages/page", number=9)
    assert (
        FakeJobs(engine).run_block("pages/page", source_name="act", handed_over={"user.mail": "a@b"}).result == "[done]"
    )
    assert (site / "effect").exists()
