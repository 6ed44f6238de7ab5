"""Pages of Liquid by Django's shortcuts, views and test client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured
from django.forms import BoundField, CharField, Form
from django.http import HttpRequest
from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines
from django.template.loader import get_template, render_to_string, select_template
from django.test import Client, RequestFactory, override_settings
from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter
from markupsafe import Markup

from liquid_background import Environment, NotExposed
from liquid_background.django.liquid import LiquidTemplates
from liquid_background.errors import CodeError
from liquid_background.testing import fake_jobs

MakeProject = Callable[..., Any]


@pytest.fixture
def client(databases: None) -> Client:
    return Client()


def test_a_view_renders_a_page_with_what_its_context_processors_give(make_project: MakeProject, client: Client) -> None:
    make_project({"hello.liquid": "{{ name }} {{ request.path }} {{ request.method }} {{ user.is_authenticated }}"})
    answer = client.get("/page/hello/?a=1&a=2")
    assert answer.content.decode() == "&lt;Ada&gt; /page/hello/ GET false"
    assert [template.name for template in answer.templates] == ["hello.liquid"]
    assert answer.context["name"] == "<Ada>"


def test_the_user_is_read_by_the_rule_for_models(make_project: MakeProject, client: Client) -> None:
    make_project(
        {
            "hello.liquid": "{{ request.user.username }} {{ current_user.email }} {{ user.is_authenticated }}[{{ user.nothing }}]"
        }
    )
    client.force_login(User.objects.create_user("ada", "ada@example.com", "secret"))
    assert client.get("/page/hello/").content.decode() == "ada ada@example.com true[]"


def test_a_page_has_an_engines_names_too(make_project: MakeProject, client: Client) -> None:
    make_project(
        {
            "hello.liquid": "{{ params.q }} {{ cookies.c }} {{ headers.x-y }} {{ session.n }}{{ context.params.q }}{{ request.GET.q }}"
        }
    )
    client.cookies["c"] = "cook"
    assert (
        client.get("/page/hello/?q=1&q=<2>", headers={"x-y": "z"}).content.decode()
        == "&lt;2&gt; cook z &lt;2&gt;&lt;2&gt;"
    )


@pytest.mark.parametrize(
    "name", ["META", "environ", "session", "COOKIES", "headers", "body", "__class__", "_messages", "build_absolute_uri"]
)
def test_nothing_else_of_a_request_can_be_reached(make_project: MakeProject, client: Client, name: str) -> None:
    make_project({"hello.liquid": f"[{{{{ request.{name} }}}}{{{{ request['{name}'] }}}}]"})
    assert client.get("/page/hello/").content.decode() == "[]"


def test_a_request_that_a_view_passes_is_the_same(make_project: MakeProject) -> None:
    make_project({"hello.liquid": "{{ asked.path }}[{{ asked.META }}]"})
    request = RequestFactory().get("/there/")
    assert render_to_string("hello.liquid", {"asked": request}) == "/there/[]"


def test_a_request_of_a_framework_on_top_is_one(make_project: MakeProject) -> None:
    make_project({"hello.liquid": "{{ request.path }} {{ request.GET.q }}[{{ request.META }}]"})

    class Wrapped:
        def __init__(self, request: HttpRequest) -> None:
            self._request = request

        def __getattr__(self, name: str) -> Any:
            return getattr(self._request, name)

    request: Any = Wrapped(RequestFactory().get("/there/?q=1"))
    request.user, request._messages = AnonymousUser(), []
    assert engines["liquid"].get_template("hello.liquid").render({}, request) == "/there/ 1[]"


def test_forms_carry_the_token_and_pages_without_one_set_no_cookie(make_project: MakeProject, client: Client) -> None:
    make_project({"form.liquid": "{{ csrf_input }} {{ csrf_token }}", "hello.liquid": "hello {{ name }}"})
    answer = client.get("/page/form/")
    text = answer.content.decode()
    assert text.startswith('<input type="hidden" name="csrfmiddlewaretoken" value="')
    assert "csrftoken" in answer.cookies
    assert "csrftoken" not in client.get("/page/hello/").cookies
    strict = Client(enforce_csrf_checks=True)
    token = strict.get("/page/form/").content.decode().split()[-1]
    assert strict.post("/page/hello/", {"csrfmiddlewaretoken": token}).status_code == 200
    assert strict.post("/page/hello/", {}).status_code == 403


def test_the_session_is_not_touched_unless_a_page_asks(make_project: MakeProject, client: Client) -> None:
    make_project(
        {"visits.liquid": "{{ session.visits }}", "hello.liquid": "{{ name }}", "ask.liquid": "[{{ session.x }}]"}
    )
    assert [client.get("/visits/").content for _ in range(2)] == [b"1", b"2"]
    assert "Cookie" not in client.get("/page/hello/").headers.get("Vary", "")
    assert "Cookie" in client.get("/page/ask/").headers["Vary"]


def test_permissions_are_read_as_in_djangos_templates(make_project: MakeProject, client: Client) -> None:
    make_project({"hello.liquid": "{{ perms.auth.add_user }} {{ perms.auth.nope }} {% if perms.nope.x %}x{% endif %}"})
    assert client.get("/page/hello/").content.decode() == "false false "
    client.force_login(User.objects.create_superuser("root", "root@example.com", "secret"))
    assert client.get("/page/hello/").content.decode() == "true true x"


def test_messages_are_looped_over_once(make_project: MakeProject, client: Client) -> None:
    shown = "{% for message in messages %}{{ message.level_tag }}: {{ message.message }}{% endfor %}{{ messages.size }}"
    make_project({"messages.liquid": shown, "hello.liquid": shown})
    assert client.get("/told/").content.decode() == "warning: Low &lt;stock&gt;1"
    assert client.get("/page/hello/").content.decode() == "0"


def test_text_is_escaped_unless_somebody_says_that_it_is_safe(make_project: MakeProject) -> None:
    engine = make_project(
        {"page.liquid": "{{ a }} {{ b }} {{ a | safe }} {{ c }}", "partials/p.liquid": "{{ a }} {{ b }}"}
    )
    values = {"a": "<a>", "b": mark_safe("<b>"), "c": Markup("<c>")}
    text = render_to_string("page.liquid", values)
    assert text == "&lt;a&gt; <b> <a> <c>"
    assert isinstance(text, SafeString)
    with fake_jobs(engine) as jobs:  # and it stays so in a job
        engines["liquid"].from_string(
            "{% background source_name: 'x', b: b, a: a %}{{ a }} {{ b }}{% endbackground %}"
        ).render(values)
        assert [job.result for job in jobs.run_all()] == ["&lt;a&gt; <b>"]


def test_autoescape_can_be_turned_off(make_project: MakeProject) -> None:
    make_project({"page.liquid": "{{ a }}"}, options={"autoescape": False})
    text = render_to_string("page.liquid", {"a": "<a>"})
    assert text == "<a>"
    assert not isinstance(text, SafeString)


def test_a_folder_is_a_site_with_partials_layouts_and_front_matter(make_project: MakeProject) -> None:
    make_project(
        {
            "pages/shop/list.liquid": "---\nlayout: base\n---\n{% include 'row' %}{% include 'shop/flat' %}{% render 'row' %}",
            "partials/row.liquid": "row ",
            "shop/flat.liquid": "flat ",
            "layouts/base.liquid": "<main>{{ content_for_layout }}</main>",
        }
    )
    assert render_to_string("shop/list.liquid") == render_to_string("shop/list") == "<main>row flat row </main>"


def test_what_is_no_liquid_is_left_to_other_engines(make_project: MakeProject) -> None:
    make_project(
        {"base.html": "{{ a|upper }}", "page.liquid": "{{ a | upcase }}", "both.html": "D", "both.html.liquid": "L"}
    )
    with override_settings(TEMPLATES=[*_entries(), _djangos()]):
        assert render_to_string("base.html", {"a": "x"}) == "X"
        assert render_to_string("page.liquid", {"a": "x"}) == "X"
        assert render_to_string("both.html") == "L"
        assert select_template(["none.liquid", "page.liquid"]).name == "page.liquid"
        assert get_template("page.liquid").origin.name.endswith("templates/page.liquid")


def _entries() -> list[dict[str, Any]]:
    return [dict(backend) for name, backend in engines.templates.items() if name == "liquid"]


def _djangos() -> dict[str, Any]:
    (entry,) = _entries()
    return {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": entry["DIRS"]}


@pytest.mark.parametrize("name", ["none.liquid", "../page.liquid", "/page.liquid", "", "a\0b", ".hidden.liquid"])
def test_a_page_that_is_not_there_is_so_in_djangos_words(make_project: MakeProject, name: str) -> None:
    make_project({"page.liquid": "x", ".hidden.liquid": "x"})
    with pytest.raises(TemplateDoesNotExist):
        engines["liquid"].get_template(name)


def test_applications_have_templates_of_their_own(
    make_project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "djangoshop"
    (shop / "liquid" / "partials").mkdir(parents=True)
    (shop / "__init__.py").touch()
    (shop / "liquid" / "page.liquid").write_text("the application's")
    (shop / "liquid" / "own.liquid").write_text("{% include 'part' %}")
    (shop / "liquid" / "partials" / "part.liquid").write_text("its part")
    monkeypatch.syspath_prepend(tmp_path)
    installed = {"INSTALLED_APPS": ["liquid_background.django", "djangoshop"]}
    make_project({"page.liquid": "the project's"}, app_dirs=True, djangos=installed)
    names = ("page.liquid", "own.liquid")
    assert [engines["liquid"].get_template(name).render() for name in names] == ["the project's", "its part"]


def test_a_syntax_error_is_djangos_with_its_place(make_project: MakeProject) -> None:
    make_project({"page.liquid": "one\n<p>{% if a %}{% nope %}</p>\nthree\n{% endif %}"})
    with pytest.raises(TemplateSyntaxError, match=r"nope.*\(page:2\)") as caught:
        get_template("page.liquid")
    shown: Any = caught.value
    debug = shown.template_debug
    assert debug["name"].endswith("/templates/page.liquid")
    assert (debug["line"], debug["before"], debug["during"], debug["after"]) == (
        2,
        "<p>{% if a %}",
        "{% nope %}",
        "</p>",
    )
    assert debug["source_lines"][2] == (3, "three")
    page = ExceptionReporter(None, type(caught.value), caught.value, caught.tb).get_traceback_html()
    assert "Error during template rendering" in page
    assert '<span class="specific">{% nope %}</span>' in page


@pytest.mark.parametrize(
    ("source", "kind", "place"),
    [
        ("a\n{% include 'none' %}", TemplateDoesNotExist, ("page.liquid", 2)),
        ("a\n{% include 'bad' %}", TemplateSyntaxError, ("bad.liquid", 3)),
        ("a\n{{ thing.name }}", NotExposed, ("page.liquid", 2)),
        ("a\n{{ 1 | broken }}", CodeError, ("page.liquid", 2)),
        ("{% include 'deep' %}", CodeError, ("deep.liquid", 2)),
    ],
)
def test_an_error_of_a_render_has_its_place_on_djangos_page(
    make_project: MakeProject, source: str, kind: type[Exception], place: tuple[str, int]
) -> None:
    files = {"page.liquid": source, "partials/bad.liquid": "\n\n{% if %}", "partials/deep.liquid": "\n{{ 1 | broken }}"}
    engine = make_project(files)
    engine.environment.add_filter("broken", lambda _: 1 / 0)
    with pytest.raises(kind) as caught:
        render_to_string("page.liquid", {"thing": object()})
    shown: Any = caught.value
    debug = shown.template_debug
    assert (Path(debug["name"]).name, debug["line"]) == place


def test_an_environment_of_the_projects_own(make_project: MakeProject) -> None:
    make_project(
        {"page.liquid": "{{ 'x' | shout }} {{ who }}"},
        options={"environment": f"{__name__}.shouting", "globals": {"who": "me"}},
    )
    assert render_to_string("page.liquid") == "X! me"


def shouting(**options: Any) -> Environment:
    environment = Environment(**options)
    environment.add_filter("shout", lambda text: f"{text.upper()}!")
    return environment


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"environment": "tests.django.nowhere.make"}, "'tests.django.nowhere.make' cannot be imported"),
        ({"environment": "builtins.dict"}, "returned a dict"),
        ({"autoescpae": True}, "do not fit liquid_background.Environment.*autoescpae"),
        ({"context_processors": ["tests.django.nowhere.make"]}, "nowhere"),
    ],
)
def test_wrong_options_are_told(make_project: MakeProject, options: dict[str, Any], message: str) -> None:
    with pytest.raises((ImproperlyConfigured, ImportError), match=message):
        _render_with(make_project, options)


def _render_with(make_project: MakeProject, options: dict[str, Any]) -> None:
    try:
        make_project({"page.liquid": "x"}, options=options)
    except Exception:
        request = RequestFactory().get("/")
        engines["liquid"].get_template("page.liquid").render({}, request)
        raise
    request = RequestFactory().get("/")
    engines["liquid"].get_template("page.liquid").render({}, request)


def test_more_of_a_field_is_exposed_where_it_is_listed(make_project: MakeProject) -> None:
    class Contact(Form):
        name = CharField(label="Your <name>")

    source = "{{ form.name }}|{{ form.name.label }}|{% for error in form.name.errors %}{{ error }}{% endfor %}"
    make_project({"page.liquid": source}).environment.expose(BoundField, "__str__", "label", "errors")
    field, label, errors = render_to_string("page.liquid", {"form": Contact({})}).split("|")
    assert field.startswith("<input")
    assert (label, errors) == ("Your &lt;name&gt;", "This field is required.")


def test_a_backend_may_be_a_subclass(make_project: MakeProject) -> None:
    make_project({"page.liquid": "{{ x }} {{ 1 | plus: 1 }}"}, backend=f"{__name__}.Own")
    assert engines[__name__.rpartition(".")[2]].get_template("page.liquid").render({"x": 1}) == "1 2"


class Own(LiquidTemplates):
    """A project's own."""


@pytest.mark.filterwarnings("ignore:The .default.html. templates")  # of Django 4.2
def test_forms_of_django_print_themselves(make_project: MakeProject) -> None:
    class Contact(Form):
        name = CharField()

    make_project({"page.liquid": "{{ form }}|{{ form.name }}"})
    whole, _, field = render_to_string("page.liquid", {"form": Contact()}).partition("|")
    assert '<input type="text" name="name"' in whole
    assert field.startswith("<input")
