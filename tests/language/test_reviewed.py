"""Cases that a review of the language found: each did something wrong once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from liquid import BlockNode, ChoiceLoader, DictLoader, Mode, Node, StrictUndefined, Tag
from liquid.exceptions import LiquidError, LiquidSyntaxError
from liquid.parser import get_parser
from liquid.undefined import StrictDefaultUndefined

from liquid_background import ArgumentError, Engine, Environment, StoreUnavailable
from liquid_background.jobs.queue.payload import decode_payload, encode_data
from liquid_background.language.pages import SiteLoader


def block(body: str, arguments: str = "source_name: 's'") -> str:
    return f"{{% background {arguments} %}}{body}{{% endbackground %}}"


def test_secret_headers_in_any_spelling_stay_out_of_events(site: Any) -> None:
    site.write({"consumers/e/x": "{{ context.headers | json }}"})
    secret = {
        "HTTP_AUTHORIZATION": "s1",
        "HTTP_COOKIE": "s2",
        "Proxy-Authorization": "s3",
        "set-cookie": "s4",
        " Cookie ": "s5",
    }
    site.render("{% trigger_event 'e' %}", headers={**secret, "Host": "h"})
    assert site.job.parameters["context"]["headers"] == {"Host": "h"}


def test_headers_whose_names_look_secret_stay_out_of_events(make_site: Any) -> None:
    site = make_site(event_context=("cookie",))
    site.write({"consumers/e/x": "{{ context.headers | json }}"})
    secret = {
        "X-Api-Key": "s1",
        "HTTP_X_APIKEY": "s2",
        "X-CSRF-Token": "s3",
        "X-Client-Secret": "s4",
        "X-Amz-Security-Token": "s5",
        "Sec-WebSocket-Cookie": "s6",
        "X-Authorization": "s7",
    }
    shown = {"Host": "h", "Cookie": "k", "X-Request-Id": "r"}
    site.render("{% trigger_event 'e' %}", headers={**secret, **shown})
    assert site.job.parameters["context"]["headers"] == shown


def test_the_setting_says_which_headers_look_secret(site: Any) -> None:
    site.write({"consumers/e/x": "x"})
    settings = site.engine.settings.model_copy(update={"secret_names": ("shibboleth",)})
    site.engine.environment.detach()
    engine = Engine(environment=site.engine.environment, settings=settings)
    engine.render_string("{% trigger_event 'e' %}", headers={"X-Shibboleth": "s", "X-Token": "t", "Cookie": "k"})
    assert site.job.parameters["context"]["headers"] == {"X-Token": "t"}


def test_mappings_of_the_request_reach_consumers(site: Any) -> None:
    site.write({"consumers/e/x": "{{ context.params.q }}"})
    site.render("{% trigger_event 'e' %}", params=MappingProxyType({"q": "Q"}))
    assert site.perform(site.job).result == "Q"


def test_a_bracket_behind_an_include_is_looked_up_in_the_job(site: Any) -> None:
    site.write({"partials/set": "{% assign k = 'own' %}"})
    data = {"a": {"pg": "PG", "own": "OWN"}, "k": "pg"}
    for body in (
        "{% include 'set' %}{% assign v = a[k] %}{{ v }}",
        "{% for i in (1..2) %}{% assign v = a[k] %}{% include 'set' %}{% endfor %}{{ v }}",
        "{% if true %}{% include 'set' %}{% endif %}{% assign v = a[k] %}{{ v }}",
    ):
        assert site.run(block(body), data) == "OWN"


class _EachNode(Node):
    def __init__(self, token: Any, body: BlockNode) -> None:
        super().__init__(token)
        self.body = body
        self.blank = False

    def render_to_output(self, context: Any, buffer: Any) -> int:
        for _ in range(3):
            self.body.render(context, buffer)
        return 0

    def children(self, static_context: Any, *, include_partials: bool = True) -> Any:
        assert static_context.env is not None
        yield self.body


class EachTag(Tag):
    """A loop of an application's own."""

    name = "each"
    end = "endeach"

    def parse(self, stream: Any) -> Node:
        token = next(stream)
        return _EachNode(token, get_parser(self.env).parse_block(stream, ("endeach",)))


def test_a_loop_of_the_application_is_taken_for_one(site: Any) -> None:
    site.engine.environment.add_tag(EachTag)
    body = "{% each %}{% assign v = a[k] %}{{ v }} {% assign k = 'own' %}{% endeach %}"
    assert site.run(block(body), {"a": {"pg": "PG", "own": "OWN"}, "k": "pg"}) == "PG OWN OWN"


def test_a_line_of_a_liquid_tag_may_end_like_a_delimiter(site: Any) -> None:
    source = "{% liquid\n  # old ejs <%\n  background source_name: 'x'\n    echo 'hi'\n  endbackground\n%}"
    assert site.run(source) == "hi"


@pytest.mark.parametrize("undefined", [StrictUndefined, StrictDefaultUndefined])
def test_strict_undefined_values_are_not_shipped(make_site: Callable[..., Any], undefined: Any) -> None:
    site = make_site(undefined=undefined)
    site.render(block("{% assign r = user.role %}", "source_name: 's', p: nothing"), {"user": {}})
    assert (site.job.handed_over, site.job.parameters) == ({}, {"p": None})
    with pytest.raises(ArgumentError, match="delay is nil; it must be"):
        site.render(block("", "delay: nothing"))


def test_running_out_of_memory_cannot_be_caught(site: Any) -> None:
    def exhaust(_: object) -> None:
        raise MemoryError

    site.engine.environment.add_filter("exhaust", exhaust)
    site.render(block("{% try %}{{ 1 | exhaust }}{% catch e %}caught{% endtry %}"))
    assert "ran out of memory" in site.perform(site.job).error


def test_a_store_that_cannot_start_hides_no_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    engine = Engine(tmp_path, data_dir=tmp_path / "data")
    assert engine.render_string("{% log 'a' %}ok") == "ok"
    with pytest.raises(LiquidError, match="nowhere"):
        engine.render_string("{% log 'a' %}{% include 'nowhere' %}")
    with pytest.raises(StoreUnavailable):
        engine.render_string(block("x"))


def test_pages_and_jobs_of_one_process_keep_their_modes(make_site: Callable[..., Any]) -> None:
    site = make_site(Mode.LAX)
    site.write({"partials/broken": "[{% nosuch %}]"})
    assert site.render(block("{% include 'broken' %}") + "{% include 'broken' %}") == "[]"
    job = site.job

    def perform(_: int) -> str | None:
        error: str | None = site.perform(job).error
        assert site.engine.render_string("{{ 1 | nosuch }}{% nosuch %}ok") == "ok"
        return error

    with ThreadPoolExecutor(4) as pool:
        errors = list(pool.map(perform, range(20)))
    assert all("unexpected tag 'nosuch'" in (error or "") for error in errors)
    assert site.engine.environment.mode == Mode.LAX


def test_lax_keeps_what_it_can(make_site: Callable[..., Any]) -> None:
    site = make_site(Mode.LAX)
    assert site.run(block("{{ a }}", "a: 1, a: 2")) == "2"
    assert site.run(block("{{ b }}", f"{'n' * 256}: 1, b: 2")) == "2"
    site.engine.store.client.flushall()
    assert site.render("{% background id = 'p', big: big %}[{{ id }}]", {"big": "x" * 200_000}) == "[]"
    assert site.jobs == []


def test_arguments_of_other_tags_may_be_repeated(site: Any) -> None:
    site.write({"partials/p": "{{ a }}"})
    assert site.render("{% include 'p', a: 1, a: 2 %}") == "2"


class Colour(str, Enum):  # noqa: UP042  as many applications still have it
    RED = "red"


def test_an_enum_travels_as_its_value(site: Any) -> None:
    assert site.run(block("{% assign x = c %}{{ x }}{{ p }}", "p: c"), {"c": Colour.RED}) == "redred"


def test_a_key_that_could_not_come_back_is_refused(site: Any) -> None:
    with pytest.raises(ArgumentError, match="key that is a tuple"):
        site.render(block("", "a: v"), {"v": {(1, 2): 3}})


def test_errors_of_a_partial_form_name_the_page(site: Any) -> None:
    site.write({"partials/bad": "\n{{ 1 | nosuch }}"})
    site.render("\n\n{% background _ = 'nowhere' %}{% background _ = 'bad' %}")
    errors = [site.perform(job).error for job in site.jobs]
    assert all("pages/page:3" in error for error in errors)
    assert any(error.endswith("(partials/bad:2, run from pages/page:3)") for error in errors)


class Gateway:
    """Has a name of its own for people, as a template has."""

    display_name = "THE GATEWAY"

    def fail(self, _: object) -> None:
        raise ValueError("boom\nline two")


def test_an_error_of_a_filter_is_one_line_with_the_way_in(site: Any) -> None:
    site.engine.environment.add_filter("fail", Gateway().fail)
    site.write({"partials/mid": "{% include 'deep' %}", "partials/deep": "\n{{ 1 | fail }}"})
    site.render("\n\n" + block("{% include 'mid' %}"))
    expected = "ValueError: boom line two (partials/deep:2, included from partials/mid:1, included from pages/page:3)"
    assert site.perform(site.job).error == expected


def test_wrong_front_matter_of_a_consumer_points_into_its_file(site: Any) -> None:
    site.write({"consumers/e/a": "---\nx: 1\npriority: urgent\n---\n"})
    with pytest.raises(ArgumentError) as raised:
        site.render("{% trigger_event 'e' %}")
    assert "consumers/e/a:3:0" in str(raised.value)
    assert "3 | priority: urgent" in str(raised.value)
    (site.root / "consumers/e/a.liquid").write_bytes(b"\xff")
    with pytest.raises(LiquidSyntaxError, match="not UTF-8"):
        site.render("{% trigger_event 'e' %}")


def test_an_option_with_an_equals_sign_is_explained(site: Any) -> None:
    with pytest.raises(LiquidSyntaxError, match="write source_name: …"):
        site.render("{% background source_name = 'x' %}{% endbackground %}")


def test_consumers_are_found_through_a_choice_loader(site: Any) -> None:
    site.write({"consumers/e/x": "found"})
    environment = Environment(loader=ChoiceLoader([DictLoader({}), SiteLoader(site.root)]))
    engine = Engine(environment=environment, settings=site.engine.settings)
    engine.render_string("{% trigger_event 'e' %}")
    assert site.job.source == "consumers/e/x"


def test_a_byte_order_mark_is_no_text(site: Any) -> None:
    site.write({"layouts/l": "<{{ content_for_layout }}>"})
    assert site.render("\ufeff---\nlayout: l\n---\nx") == "<x>"


def test_a_macro_in_a_nested_block_sees_that_blocks_parameters(site: Any) -> None:
    body = "{% macro m %}{% assign v = a[k] %}{{ v }}{% endmacro %}{% call m %}"
    site.render(block(block(body, "source_name: 'in', k: 'own'")), {"a": {"own": "OWN", "pg": "PG"}, "k": "pg"})
    (inner,) = site.perform(site.job).jobs
    assert site.engine.perform(inner.id, decode_payload(encode_data(inner)), 1, 1).result == "OWN"


def test_many_blocks_in_a_large_template(site: Any) -> None:
    filler = "<p>text</p>\n" * 50
    template = site.engine.environment.from_string((filler + block("x")) * 1000)
    assert len([node for node in template.nodes if node.token.value == "background"]) == 1000
