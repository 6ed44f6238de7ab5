"""The error page: message, lines, caret, the way through the includes, and what to do; for visitors nothing of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape

import pytest

from liquid_background.errors import StoreUnavailable
from liquid_background.web.site.errorpage import trouble_of
from tests.web.conftest import Reply, Served

HTML = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGES = {
    "pages/index": "fine",
    "pages/python": "---\nslug: err\n---\n<h1>T</h1>\n{% include 'a/outer' %}\n",
    "partials/a/outer": "outer\n\t{% render 'a/inner', i: 0 %}\n",
    "partials/a/inner": '<ul>\n  <li>{{ "</pre><script>" | append: "x" }} {{ i | divide }}</li>\n</ul>\n',
    "pages/syntax": "{% include 'broken' %}",
    "partials/broken": "one\n  {% nothing %}\n",
    "pages/missing": "x\n{% include '<b>nowhere</b>' %}",
    "pages/laid": "---\nlayout: main\n---\nx",
    "layouts/main": "<p>\n{{ 0 | divide }}{{ content_for_layout }}",
    "pages/path": "{{ 1 | secret }}",
    "pages/long": "x" * 5000 + "{{ 0 | divide }}" + "y" * 5000,
    "pages/unfound": "{{ 1 | unfound }}",
    "pages/again": "{% include 'again' %}",
    "partials/again": "{% include 'again' %}",
    "pages/matter": "{% include 'with_matter' %}",
    "partials/with_matter": "---\nmetadata:\n  a: b\n---\n\n{{ 0 | divide }}\n",
}


@pytest.fixture(scope="module")
def dev(module_serve: Callable[..., Served]) -> Served:
    return module_serve(PAGES, "--show-errors")


def _words(reply: Reply) -> str:
    body = reply.text.partition("</style>")[2]
    return unescape(re.sub(r"<[^>]+>", "", body))


def test_a_python_error_names_page_and_line_in_the_log_and_in_the_browser(dev: Served) -> None:
    reply = dev.get("/err", HTML)
    assert (reply.status, reply.headers["content-type"]) == (500, "text/html; charset=utf-8")
    dev.until("ZeroDivisionError: division by zero (partials/a/inner:2, ")
    words = _words(reply)
    assert "ZeroDivisionError: division by zero" in words
    row = next(line for line in words.splitlines() if "divide }}" in line)
    caret = words.splitlines()[words.splitlines().index(row) + 1]
    assert row.removeprefix("2")[caret.index("^") :].startswith("divide")
    assert words.index("partials/a/inner:2") < words.index("partials/a/outer:2") < words.index("pages/python:5")
    assert "in divide (app.py, line " in words
    assert str(dev.folder) not in reply.text
    assert "Traceback" not in reply.text


def test_everything_on_the_page_is_text(dev: Served) -> None:
    for path in ("/err", "/missing"):
        text = dev.get(path, HTML).text
        assert "<script" not in text
        assert "<b>nowhere" not in text
        assert text.count("<pre>") == text.count("</pre>") == 1
    assert "default-src 'none'" in dev.get("/err", HTML).headers["content-security-policy"]


@pytest.mark.parametrize(
    ("page", "places", "advice"),
    [
        ("syntax", ["partials/broken:2", "pages/syntax:1"], "poscli check"),
        ("missing", ["pages/missing:2"], "Correct the name"),
        ("laid", ["layouts/main:2"], "Python code"),
    ],
)
def test_the_place_of_an_error(dev: Served, page: str, places: list[str], advice: str) -> None:
    found = json.loads(dev.get(f"/{page}", "Accept: application/json").text)
    assert found["stack"] == places
    assert f"{found['template']}:{found['line']}" == places[0]
    assert advice in found["advice"]


def test_clients_that_want_no_html_get_text_or_json(dev: Served) -> None:
    text = dev.get("/err")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    lines = text.text.splitlines()
    place = next(number for number, line in enumerate(lines) if "divide }}" in line)
    assert lines[place][lines[place + 1].index("^") :].startswith("divide")
    assert lines[-5:-2] == ["in partials/a/inner:2", "from partials/a/outer:2", "from pages/python:5"]
    data = dev.get("/err", "Accept: application/json, text/html;q=0.5")
    assert data.headers["content-type"] == "application/json"
    assert json.loads(data.text)["column"] == lines[place].index("divide") - len("2 | ") + 1


def test_front_matter_is_shown_as_it_stands_in_the_file(dev: Served) -> None:
    lines = dev.get("/matter").text.splitlines()
    start = lines.index("2 | metadata:")
    assert lines[start : start + 6] == [
        "2 | metadata:",
        "3 |   a: b",
        "4 | ---",
        "5 |",
        "6 | {{ 0 | divide }}",
        "  |        ^",
    ]
    assert lines[-4:-2] == ["in partials/with_matter:6", "from pages/matter:1"]


def test_long_lines_and_deep_stacks_are_cut(dev: Served) -> None:
    assert len(dev.get("/long", HTML).text) < 5000
    again = dev.get("/again").text
    assert "more" in again
    assert again.count("partials/again:1") < 15


def test_no_folder_of_the_server_is_shown(dev: Served) -> None:
    reply = dev.get("/path", HTML)
    assert "no such file: private/key" in _words(reply)
    assert str(dev.folder) not in reply.text
    elsewhere = dev.get("/unfound")
    assert "FileNotFoundError: No such file or directory: 'key'" in elsewhere.text
    assert "/srv/secret" not in elsewhere.text
    assert not any("/srv/secret" in line for line in dev.log())


def test_a_store_is_shown_without_its_folder() -> None:
    trouble = trouble_of(StoreUnavailable("the store at unix:///srv/shop/data/store.sock did not answer in time"))
    assert trouble.status == 503
    assert "the store at unix://store.sock did not answer in time" in trouble.message
    assert "/srv" not in trouble.message


def test_the_page_says_by_what_it_is_shown(dev: Served) -> None:
    assert "because of --show-errors" in _words(dev.get("/err", HTML))


@pytest.mark.slow
def test_a_visitor_learns_nothing(serve: Callable[..., Served]) -> None:
    server = serve(PAGES)
    for accept in (HTML, "Accept: */*"):
        reply = server.get("/err", accept)
        assert (reply.status, reply.text) == (500, "This page has an error.\n")
    data = server.get("/err", "Accept: application/json")
    assert json.loads(data.text) == {"error": "This page has an error."}
    assert "partials/a/inner:2" in server.until("ZeroDivisionError")
