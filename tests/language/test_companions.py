"""log, trigger_event, function and return, try and catch, unknown tags."""

from __future__ import annotations

from typing import Any

import pytest
from liquid import Node, Tag
from liquid.exceptions import LiquidError, LiquidSyntaxError, ResourceLimitError

from liquid_background import parse_arguments
from tests.language.conftest import block


def entries(site: Any) -> list[Any]:
    return [(entry.message, entry.type, entry.template, entry.line) for entry in site.engine.log.entries()]


def test_a_page_logs(site: Any) -> None:
    site.write({"partials/p": "\n{% log x, type: 'debug' %}"})
    assert (
        site.render(
            "{% log 'a' | append: 'b' | append: name %}\n{% include 'p', x: list %}", {"name": "c", "list": [1]}
        )
        == "\n\n"
    )
    assert entries(site) == [("abc", "info", "pages/page", 1), ("[1]", "debug", "partials/p", 2)]


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (1.5, "1.5"), (True, "true"), (None, ""), ({"a": [1]}, '{"a": [1]}'), ("é", "é"), ([], "[]")],
)
def test_what_a_value_looks_like_in_the_log(site: Any, value: object, text: str) -> None:
    site.render("{% log v, other: 1 %}", {"v": value})
    assert entries(site)[0][0] == text


def test_a_long_message_is_cut(site: Any) -> None:
    site.render("{% log v, type: t %}", {"v": "x" * 100_000, "t": "t" * 500})
    message, kind, *_ = entries(site)[0]
    assert message.startswith("xxx")
    assert message.endswith("…")
    assert len(message) < 10_000
    assert len(kind) <= 100


def test_a_page_that_raised_still_logs(site: Any) -> None:
    with pytest.raises(LiquidError):
        site.render("{% log 'before' %}{% background %}{% endbackground %}{% include 'nowhere' %}")
    assert [entry[0] for entry in entries(site)] == ["before"]
    assert site.jobs == []


def test_a_job_logs_under_its_own_name(site: Any) -> None:
    site.render(
        "\n{% background source_name: 'job' %}\n{% assign n = 1 %}{% log n | plus: 1 %}{% include 'no' %}{% endbackground %}"
    )
    outcome = site.perform(site.job)
    assert outcome.error is not None
    (entry,) = outcome.entries
    assert (entry.job_id, entry.source_name, entry.message, entry.line) == (site.job.id, "job", "2", 3)


@pytest.mark.parametrize("source", ["{% log %}", "{% log type: 'x' %}", "{% log 'a' 'b' %}"])
def test_log_without_a_value_is_an_error(site: Any, source: str) -> None:
    with pytest.raises(LiquidSyntaxError):
        site.render(source)


CONSUMERS = {
    "consumers/order.created/mail": (
        "---\npriority: high\nmax_attempts: 3\ndelay: 0.5\n---\n{{ event.order_id }}/{{ context.params.q }}/{{ params.q }}"
        "/{{ context.current_user.id }}/{{ context.cookies.c }}/{{ context.headers.Host }}{{ context.headers.Cookie }}"
    ),
    "consumers/order.created/stock": "stock {{ event.order_id }}",
    "consumers/other/x": "other",
}


def test_an_event_makes_one_job_for_each_consumer(site: Any) -> None:
    site.write(CONSUMERS)
    for source in (
        "{% trigger_event 'order.created', order_id: 3 | plus: 4 %}",
        "{% trigger_event event: 'order.created', order_id: 7 %}",
        "{% assign e = 'order' %}{% trigger_event e | append: '.created' order_id: 7 %}",
    ):
        site.engine.store.client.flushall()
        site.render(
            source,
            params={"q": "Q"},
            cookies={"c": "C"},
            headers={"Host": "h", "Cookie": "secret", "Authorization": "secret"},
            current_user={"id": 1, "password_checker": None},
        )
        mail, stock = sorted(site.jobs, key=lambda job: job.source_name)
        assert (mail.source_name, mail.priority, mail.max_attempts, mail.delay) == (
            "order_created_mail",
            "high",
            3,
            0.5,
        )
        assert (stock.source_name, stock.priority, stock.max_attempts) == ("order_created_stock", "default", 1)
        assert site.perform(mail).result == "7/Q//1//h"
        assert site.perform(stock).result == "stock 7"
        assert "secret" not in str(mail.parameters)


def test_secrets_of_the_request_reach_consumers_only_when_asked_for(make_site: Any) -> None:
    site = make_site(event_context=("cookies", "authorization"))
    site.write(
        {"consumers/e/x": "{{ context.cookies.c }}{{ context.headers.Authorization }}{{ context.headers.Cookie }}"}
    )
    site.render("{% trigger_event 'e' %}", cookies={"c": "C"}, headers={"Authorization": "A", "Cookie": "K"})
    assert site.perform(site.job).result == "CA"


def test_what_is_not_plain_in_the_request_is_dropped_with_one_warning(site: Any) -> None:
    site.write(CONSUMERS)
    with pytest.warns(UserWarning, match=r"do not see session.db, current_user") as warned:
        site.render(
            "{% trigger_event 'order.created', order_id: 1 %}", session={"db": object(), "a": 1}, current_user=object()
        )
    assert len(warned) == 1
    assert site.jobs[0].parameters["context"]["session"] == {"a": 1}


def test_an_event_nobody_consumes_is_fine(site: Any) -> None:
    site.render("{% trigger_event 'nobody' %}{% trigger_event '../pages' %}{% trigger_event '/etc' %}")
    assert site.jobs == []


@pytest.mark.parametrize(
    "source", ["{% trigger_event %}", "{% trigger_event nothing, a: 1 %}", "{% trigger_event a: 1 %}"]
)
def test_an_event_needs_a_name(site: Any, source: str) -> None:
    with pytest.raises(LiquidError):
        site.render(source)


def test_an_event_in_a_job_is_sent_when_the_job_finishes(site: Any) -> None:
    site.write(CONSUMERS)
    site.render("{% background %}{% trigger_event 'other', a: 1 %}{% endbackground %}")
    (made,) = site.perform(site.job).jobs
    assert made.partial == "consumers/other/x"


def test_wrong_front_matter_of_a_consumer_is_logged_and_names_it(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    site.write({"consumers/e/x": "---\nmax_attempts: 9\n---\n"})
    assert site.render("{% trigger_event 'e' %}") == ""
    assert "max_attempts is 9; it must be an integer from 1 to 5 (consumers/e/x:2)" in caplog.text


def test_function_and_return(site: Any) -> None:
    site.write(
        {
            "partials/add": "ignored{% if a > 10 %}{% return 'big' %}{% endif %}{% assign s = a | plus: b %}{% return s | times: 2 %}never",
            "partials/nothing": "x",
            "partials/loop": "{% for i in (1..5) %}{% if i == 3 %}{% return i %}{% endif %}{% endfor %}",
            "partials/deep": "{% function x = 'add', a: 1, b: 1 %}{% return x %}",
            "partials/hidden": "{% return page_variable %}",
        }
    )
    source = (
        "{% assign page_variable = 1 %}{% function x = 'add', a: 1 | plus: 0, b: 2 %}{{ x }}{% function y = 'add', a: 11 %}{{ y }}"
        "{% function n = 'nothing' %}[{{ n }}]{% assign p = 'loop' %}{% function l = p %}{{ l }}{% function d = 'deep' %}{{ d }}"
        "{% function h = 'hidden' %}[{{ h }}]"
    )
    assert site.render(source) == "6big[]34[]"
    assert site.run(f"{{% background %}}{source}{{% endbackground %}}") == "6big[]34[]"


def test_a_return_that_no_function_takes_ends_the_template(site: Any) -> None:
    site.write({"partials/r": "a{% return 1 %}b"})
    assert site.render("x{% return %}y") == "x"
    assert site.render("{% render 'r' %}c") == "ac"
    assert site.render("{% include 'r' %}c") == "a"
    site.render("{% background %}a{% return 1 %}b{% endbackground %}")
    assert site.perform(site.job).result == "a"


def test_function_errors_name_the_partial(site: Any) -> None:
    with pytest.raises(LiquidError, match="nowhere"):
        site.render("{% function x = 'nowhere' %}")
    for source in (
        "{% function %}",
        "{% function x %}",
        "{% function x = %}",
        "{% function 'a' = 'b' %}",
        "{% function x = 'a' 'b' %}",
    ):
        with pytest.raises(LiquidSyntaxError):
            site.render(source)


def test_try_and_catch(site: Any) -> None:
    def explode(_: object) -> None:
        raise RuntimeError("no luck")

    site.engine.environment.add_filter("explode", explode)
    for source, expected in (
        ("{% try %}fine{% catch e %}never{% endtry %}", "fine"),
        (
            "{% try %}lost{{ 1 | explode }}{% catch e %}{{ e.name }}: {{ e.message }}{% endtry %}",
            "RuntimeError: no luck",
        ),
        ("{% try %}{% include 'nowhere' %}{% catch e %}{{ e.line }}{{ e.template }}{% endtry %}", "1pages/page"),
        ("{% try %}{{ 1 | explode }}{% endtry %}after", "after"),
        ("{% try %}{{ 1 | explode }}{% catch %}caught{% endtry %}", "caught"),
        (
            "{% for i in (1..3) %}{% try %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% catch e %}x{% endtry %}{% endfor %}",
            "1",
        ),
        (
            "{% try %}{% try %}{{ 1 | explode }}{% catch a %}{{ 1 | explode }}{% endtry %}{% catch b %}outer{% endtry %}",
            "outer",
        ),
        ("{% liquid\n try\n  include 'nowhere'\n catch e\n  echo 'caught'\n endtry %}", "caught"),
    ):
        assert site.render(source) == expected, source
        if "pages/page" not in expected:
            assert site.run(f"{{% background %}}{source}{{% endbackground %}}") == expected, source


def test_a_limit_cannot_be_caught(site: Any) -> None:
    with pytest.raises(ResourceLimitError):
        site.render("{% try %}{% for i in (1..1000000000) %}{% endfor %}{% catch e %}caught{% endtry %}")
    site.write({"partials/me": "{% include 'me' %}"})
    with pytest.raises(ResourceLimitError):
        site.render("{% try %}{% include 'me' %}{% catch e %}caught{% endtry %}")


def test_cleanup_logic_in_an_error_handler(site: Any) -> None:
    site.write(
        {
            "partials/risky": "{% try %}{% include 'nowhere' %}{% catch err %}{% if with_cleanup %}cleaned {{ operation_id }}"
            "{% log 'cleaned after ' | append: err.message %}{% endif %}{% endtry %}"
        }
    )
    source = "{% background %}{% include 'risky', operation_id: operation.id, with_cleanup: true %}{% endbackground %}"
    assert site.run(source, {"operation": {"id": 3}}) == "cleaned 3"
    assert site.outcomes[-1].entries[0].message == "cleaned after partial 'nowhere' not found"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% graphql x = 'y' %}", "unexpected tag 'graphql': a platformOS tag"),
        ("{% backgroud %}", "did you mean 'background'"),
        ("{% background %}{% exprot x %}{% endbackground %}", "unexpected tag 'exprot'"),
        ("{% try %}", "never closed"),
        ("{% try x %}{% endtry %}", "takes no arguments"),
        ("{% endtry %}", "it belongs to nothing that is open here"),
    ],
)
def test_tags_that_are_not_there(site: Any, source: str, message: str) -> None:
    with pytest.raises(LiquidSyntaxError, match=message):
        site.render(source)


@pytest.mark.parametrize("tag", ["include", "render"])
def test_filters_in_the_arguments_of_partials(site: Any, tag: str) -> None:
    site.write({"partials/charge": "{{ key }}|{{ id }}|{{ flag }}"})
    source = (
        f"{{% {tag} 'charge',\n  id: order.id,\n  key: order.id | append: '-' | append: order.created_at,"
        " flag: nothing | default: false, allow_false: true %}"
    )
    assert site.render(source, {"order": {"id": 7, "created_at": "t"}}) == "7-t|7|false"


def test_render_keeps_its_own_rules(site: Any) -> None:
    site.write({"partials/p": "{{ x }}{{ y }}{{ forloop.index }}", "partials/i": "{% include 'p' %}"})
    source = "{% assign y = 1 %}{% render 'p' for list as x, z: 1 %}{% render 'p' with name as x %}{{ y }}"
    assert site.render(source, {"list": [7, 8], "name": "n"}) == "7182n1"
    with pytest.raises(LiquidError):
        site.render("{% render 'i' %}")
    with pytest.raises(LiquidSyntaxError):
        site.render("{% render 5 %}")


class _NotifyNode(Node):
    def __init__(self, token: Any, arguments: Any) -> None:
        super().__init__(token)
        self.arguments = arguments

    def render_to_output(self, context: Any, buffer: Any) -> int:
        return buffer.write(" ".join(f"{item.name}={item.value.evaluate(context)}" for item in self.arguments))

    def expressions(self) -> Any:
        yield from (item.value for item in self.arguments)


class NotifyTag(Tag):
    """A tag of an application, on the public argument parser."""

    name = "notify"
    block = False

    def parse(self, stream: Any) -> Node:
        token = next(stream)
        return _NotifyNode(token, parse_arguments(self.env, stream, token).named)


def test_an_applications_tag_takes_the_same_arguments(site: Any) -> None:
    site.engine.environment.add_tag(NotifyTag, hands_over=True)
    source = "{% notify to: user.name | upcase | append: '!', n: 1 | plus: 1 key: a[b] %}"
    data = {"user": {"name": "ada"}, "a": {"x": 5}, "b": "x"}
    assert site.render(source, data) == "to=ADA! n=2 key=5"
    assert site.run(f"{{% background %}}{source}{{% endbackground %}}", data) == "to=ADA! n=2 key=5"
    with pytest.raises(LiquidSyntaxError, match="'a' has no value"):
        site.render("{% notify a: %}")


def test_running_out_of_memory_cannot_be_caught(site: Any) -> None:
    def exhaust(_: object) -> None:
        raise MemoryError

    site.engine.environment.add_filter("exhaust", exhaust)
    site.render(block("{% try %}{{ 1 | exhaust }}{% catch e %}caught{% endtry %}"))
    assert "ran out of memory" in site.perform(site.job).error


def test_arguments_of_other_tags_may_be_repeated(site: Any) -> None:
    site.write({"partials/p": "{{ a }}"})
    assert site.render("{% include 'p', a: 1, a: 2 %}") == "2"
