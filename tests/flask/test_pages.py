"""`render_liquid`: what a page knows of its request, what it gets of Flask, and the answer that it makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_login
import pytest
from flask import Flask, Response, abort, g, session

from liquid_background import PageNotFound, expose
from liquid_background.errors import TagError
from liquid_background.flask import (
    LiquidBackground,
    render_liquid,
    render_liquid_async,
    render_liquid_string,
)
from liquid_background.testing import FakeJobs, fake_jobs

Site = Callable[..., Path]
MakeApp = Callable[..., Flask]


def jobs_of(app: Flask) -> Any:
    return fake_jobs(app.extensions["liquid_background"].engine)


def printing(app: Flask, source: str, rule: str = "/", **values: Any) -> Any:
    """Return a test client of an application with a view that renders a source."""

    def view(**_: Any) -> str:
        return render_liquid_string(source, **values)

    app.add_url_rule(rule, view_func=view, methods=["GET", "POST"])
    return app.test_client()


def test_a_page_is_an_answer_with_its_headers_layout_and_format(site: Site, make_app: MakeApp) -> None:
    matter = (
        "---\nlayout: site\nformat: json\nresponse_headers:\n  Cache-Control: no-store\nmetadata:\n  title: T\n---\n"
    )
    site(
        **{
            "pages/shop/order": f"{matter}{{{{ page.metadata.title }}}}{{{{ number }}}}",
            "layouts/site": "[{{ content_for_layout }}]",
        }
    )
    app = make_app()
    app.add_url_rule("/", view_func=lambda: (render_liquid("shop/order", number=7), 201))
    answer = app.test_client().get("/")
    assert (answer.status_code, answer.text, answer.content_type) == (201, "[T7]", "application/json")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_plain_page_is_html_and_escapes_what_it_prints(site: Site, make_app: MakeApp) -> None:
    site(**{"pages/hello": "<b>{{ name }}</b>"})
    app = make_app()
    with app.test_request_context():
        answer = render_liquid("hello", name="<i>")
    assert isinstance(answer, Response)
    assert (answer.get_data(as_text=True), answer.content_type) == ("<b>&lt;i&gt;</b>", "text/html; charset=utf-8")


def test_an_async_view_renders_a_page(site: Site, make_app: MakeApp) -> None:
    site(**{"pages/hello": "{{ params.q }} {{ name }}{% background source_name: 'x' %}X{% endbackground %}"})
    app = make_app()

    @app.get("/")
    async def hello() -> Response:
        return await render_liquid_async("hello", name="Ada")

    with jobs_of(app) as jobs:
        assert app.test_client().get("/?q=1").text == "1 Ada"
        assert [job.source_name for job in jobs.enqueued] == ["x"]


def test_a_page_that_is_not_there_and_a_header_that_cannot_be(site: Site, make_app: MakeApp) -> None:
    site(
        **{
            "pages/hello": "",
            "pages/wrong": "---\nresponse_headers:\n  Date: now\n---\n{% log 'seen' %}",
        }
    )
    app = make_app()
    with app.test_request_context(), jobs_of(app) as jobs:
        with pytest.raises(PageNotFound, match="did you mean 'hello'"):
            render_liquid("helo")
        with pytest.raises(TagError, match="Date"):
            render_liquid("wrong")
        assert jobs.entries == []


# The request.


REQUEST = (
    "{{ params.a }}{{ params.b }}{{ params.c }} {{ session.name }} {{ cookies.k }} {{ headers.x-y }} "
    "{{ context.params.a }}{{ context.session.name }} {{ request.method }} {{ request.path }} {{ request.args.a }}"
)


def test_a_page_knows_its_request_by_the_names_of_all_pages(make_app: MakeApp) -> None:
    app = make_app()
    client = printing(app, REQUEST, "/orders/<int:c>")
    client.set_cookie("k", "v")
    with client.session_transaction() as kept:
        kept["name"] = "Ada"
    answer = client.post("/orders/5?a=0&a=1", data={"b": "2", "c": "9"}, headers={"X-Y": "z"})
    assert answer.text == "125 Ada v z 1Ada POST /orders/5 1"


def test_parameters_may_come_as_json(make_app: MakeApp) -> None:
    app = make_app()
    client = printing(app, "{{ params.order.id }}{{ params.a }}")
    assert client.post("/?a=1", json={"order": {"id": 7}, "a": 2}).text == "72"
    for body in ("[1]", "{", '{"a": NaN}'):
        answer = client.post("/", data=body, content_type="application/json")
        assert answer.status_code == 400
        assert "The body " in answer.text


def test_request_is_a_list_of_plain_values(make_app: MakeApp) -> None:
    app = make_app()
    source = (
        "{{ request.environ }}{{ request.authorization }}{{ request.headers }}{{ request.app }}{{ g }}{{ g.secret }}"
    )
    client = printing(app, source + "{{ request.url }} {{ request.endpoint }}")
    assert client.get("/?a=1", auth=("u", "p")).text == "http://localhost/?a=1 view"


def test_an_answer_varies_by_the_cookie_of_the_session(make_app: MakeApp) -> None:
    assert printing(make_app(), "{{ session.a }}").get("/").headers["Vary"] == "Cookie"


def test_what_extensions_keep_in_the_session_is_theirs(make_app: MakeApp) -> None:
    client = printing(make_app(), "{{ session._user_id }}{{ session | json }}{{ session.size }}")
    with client.session_transaction() as kept:
        kept["_user_id"], kept["cart"] = "7", 3
    assert client.get("/").text == "{&#34;cart&#34;: 3}1"


def test_without_a_request_these_are_blank(site: Site, make_app: MakeApp) -> None:
    site(**{"pages/mail": "[{{ params.a }}{{ session.a }}{{ request.path }}{{ current_user }}{{ name }}]"})
    with make_app().app_context():
        assert render_liquid("mail", name="Ada").get_data() == b"[Ada]"


# What Flask gives.


def test_context_processors_give_values_and_those_of_the_view_count_before(make_app: MakeApp) -> None:
    app = make_app()
    app.context_processor(lambda: {"shop": "Tea", "name": "shop's", "money": lambda cents: cents})
    assert printing(app, "{{ shop }} {{ name }} {{ money }}|", name="view's").get("/").text == "Tea view&#39;s |"


def test_views_may_pass_names_that_flask_has_too(make_app: MakeApp) -> None:
    app = make_app()
    values = {"g": {"a": 1}, "request": {"path": "mine"}, "session": {"b": 2}, "current_user": {"name": "Ada"}}
    client = printing(app, "{{ g.a }} {{ request.path }} {{ session.b }} {{ current_user.name }}", **values)
    assert client.get("/").text == "1 mine 2 Ada"


def test_links_are_made_by_a_filter(make_app: MakeApp) -> None:
    app = make_app()
    app.add_url_rule("/orders/<int:number>", "order", lambda number: "")
    source = "{{ 'order' | url_for: number: 7, q: 'a' }} {{ 'static' | url_for: filename: 'a.css', _external: true }}"
    assert printing(app, source).get("/").text == "/orders/7?q=a http://localhost/static/a.css"


def test_an_error_of_flasks_in_a_filter_is_answered_by_flask(make_app: MakeApp) -> None:
    extension = LiquidBackground()
    extension.filter("need")(lambda value: value or abort(404, "no such order"))
    answer = printing(make_app(extension), "{{ none | need }}").get("/")
    assert (answer.status_code, "no such order" in answer.text) == (404, True)


# Users.


@expose("name")
class User(flask_login.UserMixin):  # type: ignore[misc]
    def __init__(self, name: str) -> None:
        self.id = self.name = name
        self.password = "secret"


USER = (
    "{{ current_user.name }}{{ context.current_user.name }}{{ current_user.nothing }}"
    "{% unless current_user %}nobody{% endunless %}"
)


def test_the_user_is_flask_logins(make_app: MakeApp) -> None:
    app = make_app()
    manager = flask_login.LoginManager(app)
    manager.user_loader(User)
    app.add_url_rule("/login", view_func=lambda: str(flask_login.login_user(User("Ada"))))
    client = printing(app, USER)
    assert client.get("/").text == "nobody"
    assert client.get("/login").text == "True"
    assert client.get("/").text == "AdaAda"


def test_without_it_the_user_is_in_g_or_is_who_the_application_says(make_app: MakeApp) -> None:
    extension = LiquidBackground()
    app = make_app(extension)

    @app.before_request
    def load() -> None:
        g.user = {"name": "Bo"}
        session["name"] = "Cy"

    client = printing(app, USER)
    assert client.get("/").text == "BoBo"
    extension.user(lambda: {"name": session["name"]})
    assert client.get("/").text == "CyCy"


# Jobs of a page.


BLOCK = (
    "{% background source_name: 'mail', kept: params.q %}{% assign name = user.name %}{{ name }}"
    "[{{ params.q }}{{ session.token }}{{ cookies.k }}{{ request.path }}{{ current_user.name }}{{ context.params.q }}"
    "{% assign none = session.token %}{{ none }}{% assign path = request.path %}{{ path }}]"
    "{{ kept }}{% endbackground %}"
)


def _visited(app: Flask, source: str) -> FakeJobs:
    client = printing(app, source, user={"name": "Ada"})
    client.set_cookie("k", "the cookie")
    with client.session_transaction() as kept:
        kept["csrf_token"] = kept["token"] = "the secret"
        kept["cart"] = 3
    with jobs_of(app) as jobs:
        assert client.get("/?q=1").status_code == 200
    found: FakeJobs = jobs
    return found


def test_a_job_sees_nothing_of_the_request(make_app: MakeApp) -> None:
    jobs = _visited(make_app(), BLOCK)
    (job,) = jobs.enqueued
    assert job.handed_over == {"user.name": "Ada"}
    assert jobs.run_next().result == "Ada[]1"  # type: ignore[union-attr]


def test_consumers_of_events_see_no_secrets_of_the_session(site: Site, make_app: MakeApp) -> None:
    site(**{"consumers/seen/log": "{{ context.session | json }}{{ context.params.q }}{{ context.cookies | json }}"})
    jobs = _visited(make_app(), "{% trigger_event 'seen' %}")
    assert "the secret" not in str([(job.parameters, job.handed_over) for job in jobs.enqueued])
    assert "the cookie" not in str([job.parameters for job in jobs.enqueued])
    ran = jobs.run_next()
    assert ran is not None
    assert "cart" in str(ran.result)
