"""Names that no file can have are not found, in one line that tells nothing of the server's folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from liquid import FileSystemLoader
from liquid.exceptions import TemplateNotFoundError

from liquid_background.language.environment import Environment
from liquid_background.language.executor import Executor
from liquid_background.language.pages import SiteLoader
from liquid_background.language.syntax import explain, text_of

NAMES = {
    "300": "a" * 300,
    "5000": "a" * 5000,
    "deep": "a/" * 300 + "x",
    "segments": "b" * 300 + "/x",
    "nul": "a\0b",
    "surrogate": "a\ud800b",
    "surrogates": "\udcff" * 300,
}
TAGS = ("{% include n %}", "{% render 'NAME' %}", "{% function r = n %}", "{% extends 'NAME' %}")


@pytest.fixture
def site(tmp_path: Path) -> Environment:
    (tmp_path / "partials").mkdir()
    return Environment(loader=SiteLoader(tmp_path))


def _job(body: str, **what: object) -> dict[str, object]:
    given = {"v": 1, "source_name": "s", "template": "pages/p", "line": 1, "column": 0, "delay": 0, "max_attempts": 1}
    return {**given, "parameters": {}, "handed_over": {}, **({"source": body} if body else {}), **what}


def _is_clean(message: str, folder: Path) -> bool:
    return str(folder) not in message and "\n" not in message and len(message) < 250


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("tag", TAGS)
def test_a_job_that_names_it_fails_in_one_line(site: Environment, tmp_path: Path, tag: str, name: str) -> None:
    body = tag.replace("NAME", name) if "NAME" in tag else "{% assign n = '" + name + "' %}" + tag
    error = Executor(site).perform("j", _job(body), 1, 1).error or ""
    assert error.startswith("partial '")
    assert error.endswith("not found (pages/p:1)")
    assert _is_clean(error, tmp_path)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_background_partial_of_that_name_fails_in_one_line(site: Environment, tmp_path: Path, name: str) -> None:
    error = Executor(site).perform("j", _job("", partial=name), 1, 1).error or ""
    assert "not found" in error
    assert _is_clean(error, tmp_path)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_an_event_of_that_name_has_no_consumers(site: Environment, name: str) -> None:
    assert Executor(site).perform("j", _job("{% trigger_event '" + name + "' %}ok"), 1, 1).error is None


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_other_loaders_are_held_to_it(tmp_path: Path, name: str) -> None:
    env = Environment(loader=FileSystemLoader(tmp_path))
    with pytest.raises(TemplateNotFoundError) as caught:
        env.get_template(name)
    assert _is_clean(explain(caught.value), tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_awaiting_makes_no_difference(site: Environment, name: str) -> None:
    with pytest.raises(TemplateNotFoundError):
        await site.get_template_async(name)


def test_a_symlink_loop_is_not_found(site: Environment, tmp_path: Path) -> None:
    (tmp_path / "partials" / "loop.liquid").symlink_to("loop.liquid")
    error = Executor(site).perform("j", _job("{% include 'loop' %}"), 1, 1).error or ""
    assert error == "partial 'loop' not found (pages/p:1)"


def _raising(error: Exception) -> Environment:
    def fail(value: object) -> object:
        raise error

    env = Environment()
    env.add_filter("fail", fail)
    return env


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "No such file or directory", "/srv/shop/secret/orders.csv"), "orders.csv'"),
        (FileNotFoundError(2, "No such file or directory", b"/srv/shop/secret/orders.csv"), "orders.csv'"),
        (FileNotFoundError(2, "No such file or directory", Path("/srv/shop/secret/orders.csv")), "orders.csv'"),
        (PermissionError(13, "Permission denied", "data/orders.csv"), "data/orders.csv'"),
        (OSError(18, "Invalid cross-device link", "/srv/shop/a", None, "/srv/shop/b"), "'a' -> 'b'"),
        (ImportError("cannot import name 'x' (/srv/shop/y.py)", path="/srv/shop/y.py"), "(y.py)"),
        (OSError("plain"), "plain"),
    ],
)
def test_a_python_error_tells_no_folder(error: Exception, message: str) -> None:
    env = _raising(error)
    said = Executor(env).perform("j", _job("{{ 1 | fail }}"), 1, 1).error or ""
    assert "/srv" not in said
    assert message in said
    body = "{% try %}{{ 1 | fail }}{% catch e %}{{ e.message }} {{ e.detail }}{% endtry %}"
    caught = str(Executor(env).perform("j", _job(body), 1, 1).result)
    assert "/srv" not in caught
    assert text_of(error) in caught


def test_an_error_of_a_class_that_says_it_otherwise_keeps_its_words() -> None:
    class Unreachable(OSError):
        def __str__(self) -> str:
            return "no mail today"

    assert text_of(Unreachable(5, "strange", "/srv/x")) == "no mail today"
