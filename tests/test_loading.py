"""The application that `--app` names: an engine or a factory, and what is said when its code raises."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from liquid_background import Engine, SettingsError
from liquid_background.errors import AppLoadError
from liquid_background.loading import load_app

Write = Callable[[str], str]
_numbers = itertools.count()


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a module in the working folder, and return its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def made(text: str) -> str:
        name = f"loaded_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return made


SHOP = """
from liquid_background import Engine


class Site:
    engine = Engine(result_ttl=1)

    def make(self):
        return Engine(result_ttl=2)

site = Site()
engine = Engine(result_ttl=3)

def make_engine():
    return Engine(result_ttl=4)

def make_with(name="x", *more, **others):
    return Site()

class Shop(Engine):
    def __init__(self):
        super().__init__(result_ttl=5)

@engine.action
def clean():
    raise AssertionError("a job ran while the application was loaded")

def make_app(environ, start_response): ...
async def make_later(): return engine
def make_none(): ...
number = 5
"""


@pytest.mark.parametrize(
    ("name", "ttl"),
    [
        ("engine", 3),
        ("site.engine", 1),
        ("site", 1),
        ("Site.engine", 1),
        ("make_engine", 4),
        ("make_engine()", 4),
        ("site.make", 2),
        ("site.make()", 2),
        ("make_with", 1),
        ("make_with()", 1),
        ("Shop", 5),
        ("Shop()", 5),
        ("clean", 3),
    ],
)
def test_an_engine_or_what_makes_one_may_be_named(write: Write, name: str, ttl: int) -> None:
    loaded = load_app(f"{write(SHOP)}:{name}")
    assert isinstance(loaded, Engine)
    assert loaded.settings.result_ttl == ttl


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("number", "is an int, which cannot perform jobs; name an Engine, or a function without arguments"),
        ("make_app", "is a function, which cannot perform jobs"),
        ("make_app()", "a function cannot be called without arguments"),
        ("engine()", "an Engine cannot be called without arguments"),
        ("make_none", "returned None, which cannot perform jobs; return an Engine"),
        ("make_later", "returned a coroutine, which cannot perform jobs"),
        ("engin", "has no 'engin'; did you mean 'engine'?"),
        ("site.engines", "Site has no 'engines'; did you mean 'engine'?"),
        ("make_engine(5)", "is not module:attr, such as shop.jobs:engine, nor module:factory()"),
        ("make engine", "is not module:attr"),
        ("", "is not module:attr"),
        ("site.", "is not module:attr"),
    ],
)
def test_what_is_none_is_said_in_one_line(write: Write, name: str, says: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_app(f"{write(SHOP)}:{name}")
    assert says in str(error.value)
    assert not isinstance(error.value, AppLoadError)


DJANGO = """
class ImproperlyConfigured(Exception): ...
class AppRegistryNotReady(Exception): ...
"""


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (
            "raise ImproperlyConfigured('Requested setting DATABASES, but settings are not configured. You must either "
            "define the environment variable DJANGO_SETTINGS_MODULE or call settings.configure().')",
            "set DJANGO_SETTINGS_MODULE, such as DJANGO_SETTINGS_MODULE=shop.settings, and call django.setup()",
        ),
        (
            'raise AppRegistryNotReady("Apps aren\'t loaded yet.")',
            "call django.setup() before the module imports models",
        ),
        (
            "raise RuntimeError(\"Model class a.B doesn't declare an explicit app_label and isn't in an application\")",
            "INSTALLED_APPS",
        ),
        ("import flask; flask.current_app.name", "with app.app_context()"),
        ("import flask; flask.request.path", "there is no request while the application loads"),
        ("import asyncio; asyncio.get_running_loop()", "engine.on_child_start hook"),
        (
            "import os; os.environ['NOT_SET_HERE']",
            "KeyError: 'NOT_SET_HERE'; set the environment variable NOT_SET_HERE",
        ),
        ("{}['x']", "KeyError: 'x'"),
        ("import no_such_package", "No module named 'no_such_package'; install it for"),
        ("raise SystemExit('no schema')", "SystemExit: no schema; the application may not end the program"),
        ("raise ValueError('two\\nlines\\x1b[31m')", "ValueError: two lines"),
        ("from liquid_background import Engine; Engine(redis_irl='x')", "redis_irl"),
        ("def f():\n    return f()\nf()", "RecursionError: "),
    ],
)
@pytest.mark.parametrize("is_factory", [False, True])
def test_an_error_of_its_code_is_one_line_with_a_remedy_and_its_own_frames(
    write: Write, code: str, says: str, is_factory: bool
) -> None:
    body = "\n    ".join(["def make():", *code.splitlines()]) if is_factory else code
    name = write(DJANGO + body)
    with pytest.raises(AppLoadError) as error:
        load_app(f"{name}:make")
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"setting app: cannot load '{name}:make': ")
    assert error.value.frames
    assert all(f"{name}.py" in frame for frame in error.value.frames)
    assert len(error.value.frames) <= 10


def test_the_frames_lead_from_module_to_module(write: Write) -> None:
    inner = write("import json\njson.loads('{')\n")
    outer = write(f"import {inner}\n")
    with pytest.raises(AppLoadError) as error:
        load_app(f"{outer}:engine")
    assert [frame.rpartition("/")[2] for frame in error.value.frames] == [
        f'{outer}.py", line 1, in <module>: import {inner}',
        f"{inner}.py\", line 2, in <module>: json.loads('{{')",
    ]


def test_a_syntax_error_names_its_own_line(write: Write) -> None:
    name = write("x = 1\nif x\n    pass\n")
    with pytest.raises(AppLoadError, match="SyntaxError: expected ':'") as error:
        load_app(f"{name}:engine")
    assert [frame.rpartition("/")[2] for frame in error.value.frames] == [f'{name}.py", line 2: if x']


def test_a_module_that_is_not_there_is_not_an_error_of_its_code(write: Write) -> None:
    name = write("")
    for missing in (f"{name}.site", "no_such_module", "no_such.module"):
        with pytest.raises(SettingsError, match=r"there is no module .* here; run this in the folder") as error:
            load_app(f"{missing}:engine")
        assert not isinstance(error.value, AppLoadError)


def test_settings_of_django_that_are_not_there_are_named(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "no_shop.settings")
    name = write("import importlib, os\nimportlib.import_module(os.environ['DJANGO_SETTINGS_MODULE'])\n")
    with pytest.raises(AppLoadError, match=r"DJANGO_SETTINGS_MODULE is 'no_shop\.settings': correct it"):
        load_app(f"{name}:engine")
