"""The dashboard as a blueprint: its host decides, and what every face holds to holds here."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, g, redirect, request
from flask_login import LoginManager, UserMixin, login_user
from werkzeug.serving import make_server

from liquid_background import Engine
from liquid_background.errors import NotSignedIn, SettingsError
from liquid_background.flask import ACTIONS, LiquidBackground, dashboard_blueprint
from liquid_background.screens import MAX_FORM

ORIGIN = "http://localhost"


@pytest.fixture
def mounted(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """`mounted(authorize=…)` returns an application that has the dashboard at /ops."""

    def mount(at: str = "/ops", of: Any = None, **arguments: Any) -> Flask:
        app = make_app()
        given = {"authorize": lambda request: ACTIONS, **arguments}
        app.register_blueprint(dashboard_blueprint(of, **given), url_prefix=at)
        return app

    return mount


def engine_of(app: Flask) -> Engine:
    engine: Engine = app.extensions["liquid_background"].engine
    return engine


def waiting_job(app: Flask) -> str:
    engine = engine_of(app)
    engine.render_string("{% background source_name: 'mail', delay: 60 %}x{% endbackground %}")
    (job,) = engine.jobs.list()
    return job.id


def post(app: Flask, path: str, form: Any = None, **headers: str) -> Any:
    return app.test_client().post(path, data=form or {}, headers={"Origin": ORIGIN, **headers})


def test_it_shows_and_does(mounted: Callable[..., Flask]) -> None:
    app = mounted(name=lambda request: "ada")
    job = waiting_job(app)
    client = app.test_client()
    page = client.get("/ops/jobs")
    assert page.status_code == 200
    assert "mail" in page.text
    links = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', page.text)
    assert [link for link in links if not link.startswith("/ops/")] == []
    styles = [link for link in links if "/assets/" in link]
    assert {client.get(link).status_code for link in styles} == {200}
    assert client.get("/ops/jobs/").status_code == 200
    assert client.get("/ops").status_code == 308
    assert client.get("/ops/nothing").status_code == 404
    done = post(app, f"/ops/jobs/{job}/cancel")
    assert done.status_code == 303
    assert done.headers["location"].startswith("/ops/")
    assert [(entry.action, entry.by) for entry in engine_of(app).audit.entries()] == [("cancel", "ada")]
    head = client.head("/ops/jobs")
    assert (head.status_code, head.data) == (200, b"")
    assert int(head.headers["content-length"]) > 500


def test_it_is_closed_until_the_host_opens_it(mounted: Callable[..., Flask]) -> None:
    with pytest.raises(TypeError, match="authorize"):
        dashboard_blueprint()  # type: ignore[call-arg]

    def broken(request: Any) -> Any:
        raise RuntimeError("secret")

    def sign_in(request: Any) -> Any:
        raise NotSignedIn(location="/login")

    async def reader(request: Any) -> Any:
        return "read"

    def aborting(*told: Any) -> Any:
        return lambda request: abort(*told)

    for authorize, status in (
        (lambda request: None, 403),
        (lambda request: True, 500),
        (broken, 500),
        (sign_in, 303),
        (reader, 200),
        (aborting(403, "not for you"), 403),
        (aborting(404), 404),
        (aborting(redirect("/login", 302)), 302),
        (aborting(503, "secret"), 500),
    ):
        app = mounted(authorize=authorize)
        job = waiting_job(app)
        answer = app.test_client().get("/ops/jobs")
        assert answer.status_code == status
        assert "secret" not in answer.text
        written = post(app, f"/ops/jobs/{job}/cancel")
        assert written.status_code == {303: 401, 200: 403}.get(status, status)
        assert engine_of(app).jobs.get(job).status == "pending"
        engine_of(app).jobs.delete(job)


def test_what_is_refused(mounted: Callable[..., Flask]) -> None:
    app = mounted()
    job = waiting_job(app)
    path = f"/ops/jobs/{job}/cancel"
    client = app.test_client()
    for origin in ("http://evil.example", "null", "https://localhost", ""):
        assert post(app, path, Origin=origin).status_code == 403
    assert post(app, path, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    for asked in (client.get(path), client.head(path), client.put(path), client.options(path), client.delete(path)):
        assert asked.status_code == 405
    assert post(app, "/ops/jobs", {"x": "y" * MAX_FORM}).status_code == 413
    assert post(app, "/ops/jobs", {"x": ["y"] * 1_001}).status_code == 400
    assert client.post("/ops/jobs", json={}, headers={"Origin": ORIGIN}).status_code == 415
    assert client.get("/ops/%00").status_code == 400
    assert client.get("/ops/" + "x/" * 1_500).status_code == 414
    assert engine_of(app).jobs.get(job).status == "pending"
    assert post(mounted(trusted_origins=["https://ops.example"]), path, Origin="https://ops.example").status_code == 303


def test_every_answer_has_the_headers(mounted: Callable[..., Flask]) -> None:
    app, closed = mounted(), mounted(authorize=lambda request: None)
    client = app.test_client()
    for answer in (
        client.get("/ops/"),
        client.get("/ops/nothing"),
        client.get("/ops/assets/0/none.css"),
        client.put("/ops/"),
        client.post("/ops/"),
        closed.test_client().get("/ops/"),
    ):
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_form_that_was_taken_apart_before(mounted: Callable[..., Flask]) -> None:
    from_before: list[Any] = []
    app = mounted()

    @app.before_request
    def look() -> None:
        from_before.append(request.form.get("name"))

    done = post(app, "/ops/queues/pause", {"kind": "queue", "name": "low"})
    assert from_before == ["low"]
    assert done.status_code == 303
    assert [pause.name for pause in engine_of(app).queues.paused()] == ["low"]


def test_the_user_of_the_application_is_named(make_app: Callable[..., Flask]) -> None:
    class User(UserMixin):
        id = "7"
        email = "ada@shop.example"

    app = make_app()
    LoginManager(app).user_loader(lambda user_id: User())

    @app.get("/login")
    def login() -> str:
        login_user(User())
        return ""

    app.register_blueprint(dashboard_blueprint(authorize=lambda request: ACTIONS), url_prefix="/ops")
    job = waiting_job(app)
    client = app.test_client()
    client.get("/login")
    assert client.post(f"/ops/jobs/{job}/cancel", headers={"Origin": ORIGIN}).status_code == 303
    assert [entry.by for entry in engine_of(app).audit.entries()] == ["ada@shop.example"]


def test_each_application_shows_its_own_engine(make_app: Callable[..., Flask], settings: Any) -> None:
    extension = LiquidBackground()
    blueprint = dashboard_blueprint(extension, authorize=lambda request: "read")
    one, two = make_app(extension, LIQUID_BACKGROUND_SITE="one"), make_app(extension, LIQUID_BACKGROUND_SITE="two")
    for app in (one, two):
        app.register_blueprint(blueprint, url_prefix="/ops")
    waiting_job(one)
    assert "mail" in one.test_client().get("/ops/jobs").text
    assert "mail" not in two.test_client().get("/ops/jobs").text
    other = Flask("other")
    other.register_blueprint(dashboard_blueprint(engine_of(one), authorize=lambda request: "read"), url_prefix="/x/")
    assert "mail" in other.test_client().get("/x/jobs").text


def test_wrong_arguments_are_told_at_registration(make_app: Callable[..., Flask]) -> None:
    for wrong in ({"templates": {"layuot": ""}}, {"trusted_origins": ["ops.example"]}):
        with pytest.raises(SettingsError):
            make_app().register_blueprint(dashboard_blueprint(authorize=lambda request: None, **wrong))
    text = dashboard_blueprint(authorize=lambda request: None, trusted_origins="https://ops.example")
    with pytest.raises(SettingsError, match="is a list"):
        make_app().register_blueprint(text)


def test_nested_with_a_variable_and_below_a_proxys_prefix(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    outer = Blueprint("outer", __name__, url_prefix="/<tenant>/a b")
    outer.register_blueprint(
        dashboard_blueprint(authorize=lambda request: "read", templates={"workers": "ours"}), url_prefix="/ops"
    )

    @outer.url_value_preprocessor
    def tenant(endpoint: Any, values: Any) -> None:
        g.tenant = values["tenant"]

    app.register_blueprint(outer)
    page = app.test_client().get("/shop/a%20b/ops/workers", environ_overrides={"SCRIPT_NAME": "/prefix"}).text
    assert "ours" in page
    links = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', page)
    assert [link for link in links if not link.startswith("/prefix/shop/a%20b/ops/")] == []


@contextmanager
def served(app: Flask) -> Iterator[HTTPConnection]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_over_a_real_server(mounted: Callable[..., Flask]) -> None:
    app = mounted()
    job = waiting_job(app)
    with served(app) as connection:
        own = f"http://127.0.0.1:{connection.port}"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for origin, status in (("http://127.0.0.1", 403), (own, 303)):
            connection.request("POST", f"/ops/jobs/{job}/cancel", "x=1", {"Origin": origin, **form})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
        connection.request("GET", "/ops/live/jobs")  # pages here ask again and again
        asked = connection.getresponse()
        assert asked.status in (200, 204)
        asked.read()
        connection.close()
