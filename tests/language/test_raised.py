"""Python errors of what a page calls: an error of the template, with its place and without the server's folders."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from liquid import DictLoader, Node, RenderContext, Tag, TokenStream
from liquid.exceptions import LiquidError
from liquid.token import TOKEN_TAG

from liquid_background import Engine, Environment
from liquid_background.errors import CodeError, PageNotFound, StoreUnavailable
from liquid_background.language.syntax import explain, trace


class BrokenNode(Node):
    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        raise ValueError("of a tag")


class BrokenTag(Tag):
    name = "broken"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        return BrokenNode(stream.expect(TOKEN_TAG))


class UnparsedTag(Tag):
    name = "unparsed"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        raise ValueError("while parsing")


class Drop:
    def __getitem__(self, key: str) -> object:
        raise ValueError("of a property")

    def __contains__(self, key: object) -> bool:
        return True


def _raise(error: BaseException) -> Callable[..., object]:
    def filter_(*_: object) -> object:
        raise error.with_traceback(None)  # one that is raised again has the traceback of the first time, too

    return filter_


@pytest.fixture
def site(site: Any) -> Any:
    env = site.engine.environment
    env.add_tag(BrokenTag)
    env.add_tag(UnparsedTag)
    env.add_filter("fail", _raise(ValueError("of a filter\nin two lines")))
    env.add_filter("fail_type", _raise(TypeError("of a filter")))
    env.add_filter("fail_enqueue", lambda _: site.engine.enqueue("nowhere"))
    env.add_filter("leave", _raise(SystemExit(3)))
    site.engine.action("boom")(_raise(RuntimeError("of an action")))
    return site


KINDS = {
    "filter": ("{{ 1 | fail }}", "ValueError: of a filter in two lines"),
    "type": ("{{ 1 | fail_type }}", "TypeError: of a filter"),
    "tag": ("{% broken %}", "ValueError: of a tag"),
    "parsing": ("{% unparsed %}", "ValueError: while parsing"),
    "property": ("{{ drop.name }}", "ValueError: of a property"),
    "action": ("{% action 'boom' %}", "RuntimeError: of an action"),
}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("source", "said"), KINDS.values(), ids=KINDS)
def test_it_names_the_failing_partial_and_the_way_there(site: Any, source: str, said: str, is_async: bool) -> None:
    site.write(
        {
            "partials/inner": f"one\ntwo {source}",
            "partials/outer": "\n\n{% include 'inner' %}",
            "pages/page": "---\nslug: p\n---\n{% include 'outer' %}",
        }
    )
    data = {"drop": Drop()}
    later = partial(site.engine.render_async, "page", data)
    render = (lambda: asyncio.run(later())) if is_async else partial(site.engine.render, "page", data)
    with pytest.raises(LiquidError) as raised:
        render()
    way = "included from partials/outer:3, included from pages/page:4"
    assert explain(raised.value) == f"{said} (partials/inner:2, {way})"
    assert [str(place) for place in trace(raised.value)] == ["pages/page:4", "partials/outer:3", "partials/inner:2"]


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"property"}))  # no object reaches a job
def test_a_job_says_the_same(site: Any, kind: str) -> None:
    source, said = KINDS[kind]
    site.write({"partials/inner": f"one\ntwo {source}"})
    site.render("{% background source_name: 'x' %}{% include 'inner' %}{% endbackground %}")
    assert site.perform(site.job).error == f"{said} (partials/inner:2, included from pages/page:1)"


def test_it_keeps_the_error_and_logs_its_traceback(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "liquid_background")
    with pytest.raises(CodeError) as raised:
        site.render("{{ 1 | fail }}")
    assert isinstance(raised.value.__cause__, ValueError)
    (record,) = [record for record in caplog.records if record.exc_info]
    assert (record.levelname, record.exc_info[1]) == ("DEBUG", raised.value.__cause__)  # type: ignore[index]


class NotFound(Exception):
    def __init__(self, item: str, shelf: int) -> None:
        super().__init__(f"{item} is not on {shelf}")
        self.shelf = shelf


@pytest.mark.parametrize("error", [NotFound("a", 1), UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), OSError(2, "no")])
def test_it_is_of_the_class_of_the_error_too(site: Any, error: Exception) -> None:
    site.engine.environment.add_filter("fail", _raise(error))
    with pytest.raises(type(error)) as raised:
        site.render("\n{{ 1 | fail }}")
    assert isinstance(raised.value, CodeError)
    assert vars(raised.value).get("shelf") == vars(error).get("shelf")  # which whoever answers it may ask for
    assert explain(raised.value) == f"{type(error).__name__}: {error} (pages/page:2)"


@pytest.mark.parametrize("error", [StopIteration("end"), StopAsyncIteration("end"), MemoryError()])
def test_errors_that_are_part_of_the_language_are_told_too(site: Any, error: Exception) -> None:
    site.engine.environment.add_filter("fail", _raise(error))
    with pytest.raises(CodeError, match=type(error).__name__):
        site.render("{{ 1 | fail }}")


def test_errors_of_the_project_keep_their_class_and_get_a_place(site: Any) -> None:
    with pytest.raises(Exception, match="no action and no partial") as raised:
        site.render("\n{{ 1 | fail_enqueue }}")
    assert explain(raised.value).endswith("(pages/page:2)")
    with pytest.raises(SystemExit):
        site.render("{{ 1 | leave }}")


def test_an_error_while_jobs_are_sent_is_none_of_the_template(site: Any) -> None:
    class Sink:
        def send(self, *_: object) -> None:
            raise StoreUnavailable("gone")

        async def send_async(self, *_: object) -> None:
            self.send()

    site.engine.environment.sink = Sink()
    with pytest.raises(StoreUnavailable, match="gone"):
        site.render("{% background source_name: 'x' %}{% endbackground %}")


def test_a_block_that_replaces_one_of_its_layout_is_named(site: Any) -> None:
    site.write({"layouts/base": "\n\n<{% block a %}{% endblock %}>"})
    with pytest.raises(CodeError) as raised:
        site.render("{% extends 'base' %}\n{% block a %}{{ 1 | fail }}{% endblock %}")
    assert explain(raised.value).startswith("ValueError: of a filter in two lines (pages/page:2")


class BrokenLoader(DictLoader):
    def get_source(self, *args: Any, **options: Any) -> Any:
        if args[1] == "broken":
            raise ConnectionError("the database is away")
        return super().get_source(*args, **options)


@pytest.mark.parametrize(("page", "place"), [("broken", "(page broken)"), ("outer", "(outer:2)")])
def test_a_loader_of_the_application(settings: Any, page: str, place: str) -> None:
    environment = Environment(loader=BrokenLoader({"outer": "\n{% include 'broken' %}"}))
    with pytest.raises(CodeError) as raised:
        Engine(environment=environment, settings=settings).render(page)
    assert explain(raised.value) == f"ConnectionError: the database is away {place}"


def test_a_layout_that_is_not_there_is_named_where_the_page_asks_for_it(site: Any) -> None:
    with pytest.raises(PageNotFound) as raised:
        site.render("---\nmetadata:\n  layout: x\nslug: p\nlayout: nowhere\n---\nHi")
    assert explain(raised.value) == "the layout 'nowhere' is not there (pages/page:5)"
    (place,) = trace(raised.value)
    assert place.source.splitlines()[place.line - 1] == "layout: nowhere"


def _python_errors() -> Iterator[BaseException]:
    folder = str(Path(sys.prefix) / "private")
    try:
        open(f"{folder}/key")  # noqa: SIM115
    except OSError as error:
        yield error
    yield PermissionError(13, "Permission denied", f"{folder}/key")
    yield OSError(18, "Invalid cross-device link", f"{folder}/a", None, f"{folder}/b")
    yield ValueError(f"no such file: {folder}/key")
    yield ValueError(f"no such file: '{Path('/usr/share/a folder/key')}'")
    yield KeyError("/usr/lib/private/key")
    yield RuntimeError(Path("/usr/lib/private/key"))
    yield ImportError("cannot import name 'x'", path=f"{folder}/x.py")
    yield subprocess.CalledProcessError(1, ["/usr/bin/private/convert", "/usr/share/private/key"])
    yield StoreUnavailable("the store at unix:///usr/lib/private/store.sock did not answer")


@pytest.mark.parametrize("error", list(_python_errors()), ids=lambda error: type(error).__name__)
def test_no_folder_of_the_server_is_in_a_python_error(site: Any, error: Exception) -> None:
    site.engine.environment.add_filter("fail", _raise(error))
    with pytest.raises(Exception) as raised:  # noqa: PT011
        site.render("{{ 1 | fail }}")
    site.render("{% background source_name: 'x' %}{{ 1 | fail }}{% endbackground %}")
    for said in (explain(raised.value), str(site.perform(site.job).error)):
        assert type(error).__name__ in said
        assert not any(folder in said for folder in ("/usr", sys.prefix, str(Path.cwd())))


def test_a_path_of_a_url_stays(site: Any) -> None:
    said = "GET https://shop.example/api/orders: /api/orders is closed"
    site.engine.environment.add_filter("fail", _raise(ValueError(said)))
    with pytest.raises(CodeError, match=said):
        site.render("{{ 1 | fail }}")


NAMES = ["n" * 300, "a\\b", "/etc/passwd", "../x", "a\0b", "\ud800", "a\nb", "fifo", "loop", "large", "latin", "folder"]


@pytest.mark.parametrize("tag", ["{% include name %}", "{% function x = name %}", "{% background _ = name %}"])
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_name_brings_out_the_place_of_the_site(site: Any, tag: str, name: str) -> None:
    partials = site.root / "partials"
    (partials / "folder.liquid").mkdir(parents=True)
    subprocess.run(["mkfifo", partials / "fifo.liquid"], check=True)
    (partials / "loop.liquid").symlink_to("loop.liquid")
    (partials / "large.liquid").write_text("x" * 300_000)
    (partials / "latin.liquid").write_bytes(b"\xe9")
    try:
        site.render(f"\n{tag}", {"name": name})
        said = str(site.perform(site.job).error)
    except LiquidError as error:
        said = explain(error)
    assert str(site.root) not in said
    assert "page:2" in said
    assert len(said) < 300


def test_a_character_is_escaped_once(site: Any) -> None:
    for source, said in (
        ("---\nslug: x\n\ta: b\n---\n", "the line is indented by a tab: use spaces"),
        ("{% include 'a\tb' %}", "partial 'a<tab>b' not found"),
        ("{% include 'a\\b' %}", "partial 'a\\b' not found"),
        ("{% background priority: 'a\x1bb' %}{% endbackground %}", "priority is 'a<U+001B>b'"),
        ("{{ \x07 }}", "unexpected `<U+0007>`"),
    ):
        with pytest.raises(LiquidError) as raised:
            site.render(source)
        assert said in explain(raised.value)


FORGED = "[2026-01-15 14:32:45] background job: pay (attempt 1/1) - SUCCESS (1ms)"


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("unit", "1 | unit: forged"),
        ("datetime", "forged | datetime"),
        ("map", "list | map: forged"),
        ("sort", "mixed | sort"),
        ("base64_decode", "forged | base64_decode"),
        ("uniq", "list | uniq: forged"),
        ("plus", "digits | plus: 1"),
        ("slice", "forged | slice: forged"),
    ],
)
def test_an_error_of_a_filter_begins_with_its_name(name: str, source: str, is_async: bool) -> None:
    template = Environment().from_string(f"{{% assign x = {source} %}}", name="pages/p")
    data = {"forged": FORGED, "list": [1], "mixed": [1, "a"], "digits": "9" * 5_000}
    with pytest.raises(LiquidError) as raised:
        asyncio.run(template.render_async(**data)) if is_async else template.render(**data)
    assert explain(raised.value).startswith(name)
    assert explain(raised.value).count(f"{name}: ") <= 1
    assert explain(raised.value).endswith("(pages/p:1)")


def test_an_error_of_a_page_that_a_filter_renders_keeps_its_place(site: Any) -> None:
    site.engine.environment.add_filter("rendered", site.engine.render)
    site.write({"pages/inner": "\n{{ 'a' | base64_decode }}", "pages/p": "{{ 'inner' | rendered }}"})
    with pytest.raises(LiquidError) as raised:
        site.engine.render("p")
    assert explain(raised.value) == "base64_decode: invalid base64-encoded string (pages/inner:2)"
