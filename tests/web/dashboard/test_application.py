"""The dashboard over ASGI: who comes in, what is refused, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from liquid_background import Engine
from liquid_background.errors import NotSignedIn, SettingsError
from liquid_background.screens import ACTIONS, MAX_FORM
from liquid_background.screens.routing import ROUTES
from liquid_background.web.dashboard import dashboard
from liquid_background.web.live import streaming
from tests.web.dashboard.conftest import ORIGIN

Mounted = Callable[..., TestClient]
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def post(client: TestClient, path: str, form: Any = None, **headers: str) -> Any:
    return client.post(path, data=form or {}, headers={"origin": ORIGIN, **headers})


def failed_job(engine: Engine) -> str:
    """Return the id of a job that may be cancelled."""
    engine.render_string("{% background source_name: 'mail', delay: 60 %}x{% endbackground %}")
    (job,) = engine.jobs.list()
    return job.id


# Who comes in.


def test_it_is_closed_until_the_host_opens_it(engine: Engine, mounted: Mounted) -> None:
    with pytest.raises(TypeError, match="authorize"):
        dashboard(engine)  # type: ignore[call-arg]
    client = mounted(authorize=lambda request: None)
    for path in ("/ops/", "/ops/jobs", "/ops/nothing", "/ops/assets/x/dashboard.css", "/ops/live/jobs"):
        for answer in (client.get(path), client.head(path), post(client, path)):
            assert answer.status_code == 403
    assert "Background" not in client.get("/ops/").text


async def _coroutine(request: Any) -> Any:
    await asyncio.sleep(0)
    return "read"


class Asked:
    async def __call__(self, request: Any) -> Any:
        return "read"


def _later(request: Any) -> Any:
    return _coroutine(request)


@pytest.mark.parametrize("authorize", [lambda request: "read", _coroutine, Asked(), _later], ids=range(4))
def test_the_host_may_answer_at_once_or_later(mounted: Mounted, authorize: Any) -> None:
    client = mounted(authorize=authorize)
    assert client.get("/ops/jobs").status_code == 200
    assert post(client, "/ops/jobs/x/cancel").status_code == 403


def _raising(error: BaseException) -> Any:
    def authorize(request: Any) -> Any:
        raise error

    return authorize


def _raising_later(error: BaseException) -> Any:
    async def authorize(request: Any) -> Any:
        raise error

    return authorize


ERRORS = [RuntimeError("secret"), StopIteration("secret"), SystemExit("secret"), KeyError("secret"), PermissionError()]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("raising", [_raising, _raising_later])
def test_what_authorize_raises_opens_nothing(
    mounted: Mounted, error: BaseException, raising: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = mounted(authorize=raising(error))
    with caplog.at_level(logging.ERROR):
        answer = client.get("/ops/jobs")
    assert answer.status_code == 500
    assert answer.text == "The dashboard has an error, which is in the log of its server.\n"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert post(client, "/ops/jobs/x/cancel").status_code == 500


@pytest.mark.parametrize("raising", [_raising, _raising_later])
def test_the_hosts_own_refusals_are_its_answers(mounted: Mounted, raising: Any, engine: Engine) -> None:
    job = failed_job(engine)
    for error, status, header in (
        (HTTPException(403, "not for <you>"), 403, None),
        (HTTPException(401, headers={"WWW-Authenticate": "Bearer"}), 401, ("www-authenticate", "Bearer")),
        (HTTPException(303, headers={"Location": "/login"}), 303, ("location", "/login")),
        (HTTPException(503, "secret"), 500, None),
    ):
        client = mounted(authorize=raising(error))
        answer = client.get("/ops/jobs", follow_redirects=False)
        assert answer.status_code == status
        assert header is None or answer.headers[header[0]] == header[1]
        assert "secret" not in answer.text
        assert "<you>" not in client.get("/ops/jobs", headers={"accept": "text/html"}, follow_redirects=False).text
        assert post(client, f"/ops/jobs/{job}/cancel").status_code == status
    assert engine.jobs.get(job).status == "pending"


@pytest.mark.parametrize("answer", [True, 1, "write", {"retry": True}, {"everything"}, object()], ids=list("abcdef"))
def test_an_odd_answer_of_authorize_opens_nothing(mounted: Mounted, answer: Any) -> None:
    client = mounted(authorize=lambda request: answer)
    assert client.get("/ops/jobs").status_code == 500
    assert post(client, "/ops/jobs/x/cancel").status_code == 500


def test_what_name_raises_opens_nothing(engine: Engine, mounted: Mounted) -> None:
    job = failed_job(engine)
    client = mounted(name=_raising(RuntimeError("secret")))
    assert client.get("/ops/jobs").status_code == 500
    assert post(client, f"/ops/jobs/{job}/cancel").status_code == 500
    assert engine.jobs.get(job).status == "pending"


def test_authorize_gets_no_body(mounted: Mounted) -> None:
    async def authorize(request: Any) -> Any:
        await request.form()
        return ACTIONS

    assert post(mounted(authorize=authorize), "/ops/jobs/x/cancel", {"a": "b"}).status_code == 500


def test_who_may_sign_in_is_told_how(mounted: Mounted) -> None:
    def basic(request: Any) -> Any:
        raise NotSignedIn(challenge='Basic realm="jobs"')

    answer = mounted(authorize=basic).get("/ops/jobs")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="jobs"')

    def elsewhere(request: Any) -> Any:
        raise NotSignedIn(location="/login")

    client = mounted(authorize=elsewhere)
    answer = client.get("/ops/jobs")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert client.get("/ops/live/jobs", headers={"sec-fetch-mode": "cors"}).status_code == 401
    assert post(client, "/ops/jobs/x/cancel").status_code == 401


def test_where_one_signs_in_may_be_made_of_what_was_asked_for(mounted: Mounted) -> None:
    def elsewhere(request: Any) -> Any:
        raise NotSignedIn(location=f"/login?next={request.url.path}&q={request.query_params.get('q')}")

    answer = mounted(authorize=elsewhere).get("/ops/jobs?q=%0d%0aset-cookie:%20a=b%E2%82%AC")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/ops/jobs&q=%0D%0Aset-cookie:%20a=b%E2%82%AC"
    assert "set-cookie" not in answer.headers

    def basic(request: Any) -> Any:
        raise NotSignedIn(challenge=f"Basic realm={request.query_params.get('q')}")

    answer = mounted(authorize=basic).get("/ops/jobs?q=a%0d%0ab:c%E2%82%AC")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Basic realm=a??b:c?")


def test_a_mount_below_what_a_visitor_chose_leads_to_no_other_host(engine: Engine) -> None:
    app = Starlette(routes=[Mount("/{tenant:path}/ops", dashboard(engine, authorize=lambda request: ACTIONS))])
    client = TestClient(app, follow_redirects=False)
    links = re.findall(r'(?:href|action)="([^"]*)"', client.get("http://testserver//evil.example/ops/jobs").text)
    assert links
    assert not [link for link in links if link.startswith("//")]


def test_who_may_no_more_is_told_no_more(engine: Engine, mounted: Mounted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "ASKED", 0.0)
    answers = ["read", "read", "read"]
    client = mounted(authorize=lambda request: answers.pop() if answers else None)
    assert client.get("/ops/live/jobs").text.startswith(": open")  # it ends
    assert client.get("/ops/live/jobs").status_code == 403


# What is refused.


def test_a_reader_writes_nothing_and_a_get_changes_nothing(engine: Engine, mounted: Mounted) -> None:
    job = failed_job(engine)
    reader, writer = mounted(authorize=lambda request: "read"), mounted()
    before = _everything(engine)
    for pattern in ROUTES:
        path = "/ops/" + "/".join(job if part == "*" else part for part in pattern)
        assert post(reader, path).status_code == 403, path
        for method in ("GET", "HEAD"):
            asked = writer.request(method, path)
            assert asked.status_code in (200, 400, 404, 405), path
    for path in (f"/ops/jobs/{job}/cancel", f"/ops/jobs/{job}/retry", "/ops/queues/pause", "/ops/schedules/run"):
        refused = writer.get(path)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST"), path
    assert _everything(engine) == before
    assert not engine.audit.entries()


def _everything(engine: Engine) -> dict[bytes, Any]:
    client: Any = engine.store.client
    return {key: client.dump(key) for key in client.keys("*")}


def test_some_actions_are_allowed_and_others_not(engine: Engine, mounted: Mounted) -> None:
    job = failed_job(engine)
    client = mounted(authorize=lambda request: {"cancel"}, name=lambda request: "ada\u202e\n<b>")
    assert post(client, f"/ops/jobs/{job}/delete").status_code == 403
    assert post(client, f"/ops/jobs/{job}/cancel").status_code == 303
    (entry,) = engine.audit.entries()
    assert (entry.action, entry.by) == ("cancel", "ada\\u202e <b>")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://testserver"},
        {"origin": ORIGIN, "host": "evil.example"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
    ],
)
def test_another_sites_form_is_refused(engine: Engine, mounted: Mounted, headers: dict[str, str]) -> None:
    asked: list[Any] = []
    job = failed_job(engine)
    client = mounted(authorize=lambda request: asked.append(request) or ACTIONS)
    assert client.post(f"/ops/jobs/{job}/cancel", headers=headers).status_code == 403
    assert engine.jobs.get(job).status == "pending"
    assert not asked


def test_behind_a_proxy_its_address_is_given(engine: Engine, mounted: Mounted) -> None:
    job = failed_job(engine)
    client = mounted(trusted_origins=["https://ops.example"])
    assert post(client, f"/ops/jobs/{job}/cancel").status_code == 403
    assert post(client, f"/ops/jobs/{job}/cancel", origin="https://ops.example").status_code == 303
    with pytest.raises(SettingsError, match="trusted_origins"):
        mounted(trusted_origins=["https://ops.example/jobs"])


def test_a_form_has_a_size_a_kind_and_so_many_fields(mounted: Mounted) -> None:
    client = mounted()
    assert post(client, "/ops/jobs", {"x": "y" * MAX_FORM}).status_code == 413
    assert post(client, "/ops/jobs", {"x": "y" * (MAX_FORM - 2)}).status_code != 413
    assert post(client, "/ops/jobs", {"x": ["y"] * 1_001}).status_code == 400
    files = {"file": ("a.txt", b"x")}
    assert client.post("/ops/jobs", files=files, headers={"origin": ORIGIN}).status_code == 415
    assert client.post("/ops/jobs", json={"x": 1}, headers={"origin": ORIGIN}).status_code == 415
    assert client.get("/ops/jobs?" + "a=&" * 1_001).status_code == 400
    assert client.get("/ops/jobs?" + "a" * 20_000).status_code == 414


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"])
def test_odd_methods(mounted: Mounted, method: str) -> None:
    answer = mounted().request(method, "/ops/jobs")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_head_is_get_without_a_body(mounted: Mounted) -> None:
    client = mounted()
    for path in ("/ops/workers", "/ops/nothing"):
        page, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (page.status_code, b"")
        assert head.headers["content-type"] == page.headers["content-type"]
        assert int(head.headers["content-length"]) > 500


# Every answer.


def test_every_answer_has_the_headers(mounted: Mounted) -> None:
    client, closed, broken = mounted(), mounted(authorize=lambda request: None), mounted(authorize=lambda request: 7)
    answers = [
        client.get("/ops/"),
        client.head("/ops/jobs"),
        client.get("/ops/jobs/none"),
        client.get("/ops/assets/0/none.css"),
        client.get("/ops/queues/pause"),
        client.put("/ops/jobs"),
        client.post("/ops/jobs"),
        post(client, "/ops/jobs", {"x": "y" * MAX_FORM}),
        closed.get("/ops/"),
        broken.get("/ops/"),
        client.get("/ops/a%00b"),
        post(client, "/ops/queues/pause", {"kind": "queue", "name": "low"}),
    ]
    styles = re.findall(r'href="(/ops/assets/[^"]+)"', answers[0].text)
    assert styles
    answers += [client.get(each) for each in styles]
    for answer in answers:
        assert HEADERS.items() <= dict(answer.headers).items(), answer.url
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        immutable = str(answer.url.path) in styles
        assert answer.headers["cache-control"] == (
            "public, max-age=31536000, immutable" if immutable else "no-store"
        ), answer.url


def test_pages_have_no_script_or_style_of_their_own(mounted: Mounted) -> None:
    page = mounted().get("/ops/jobs").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    for script in re.findall("<script[^>]*>", page):
        assert " src=" in script


def test_an_error_of_a_screen_is_a_page_and_a_traceback(
    mounted: Mounted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(screen: Any) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setitem(ROUTES, ("workers",), broken)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        answer = mounted().get("/ops/workers")
    assert answer.status_code == 500
    assert "<h1>An error</h1>" in answer.text
    assert "secret" not in answer.text
    assert any(record.exc_info and "at workers" in record.getMessage() for record in caplog.records)
    plain = mounted(templates={"error": "{{ 1 | nothing }}"}).get("/ops/workers")
    assert (plain.status_code, plain.headers["content-type"]) == (500, "text/plain; charset=utf-8")


# Where it is mounted.


def test_paths_that_are_odd(mounted: Mounted) -> None:
    client = mounted()
    for path in ("/ops/jobs/", "/ops//jobs", "/ops/jobs//", "/ops/%6Aobs"):
        assert client.get(path).status_code == 200, path
    for path in (
        "/ops/a%2Fb",
        "/ops/%252e%252e/%252e%252e/etc/passwd",
        "/ops/jobs/..%2F..%2F",
        "/ops/%ff%fe",
        "/ops/😀",
    ):
        assert client.get(path).status_code == 404, path
    for path in ("/ops/%00", "/ops/jobs/%0a", "/ops/%1b"):
        assert client.get(path).status_code == 400, path
    assert client.get("/ops/" + "x/" * 1_500).status_code == 414
    assert client.get("/ops", follow_redirects=True).status_code == 200


def test_lone_surrogates_of_a_server_that_lets_them_through(engine: Engine) -> None:
    app = dashboard(engine, authorize=lambda request: "read")
    for path, query in (("/\ud800", b""), ("/jobs/\udfff/x", b""), ("/jobs", b"source_name=%ED%A0%80&x=\xff")):
        status, *_ = asyncio.run(_call(app, {"path": path, "query_string": query}))
        assert status == (200 if query else 400)


async def _call(app: Any, more: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "headers": [(b"host", b"x")], "scheme": "http", "query_string": b""}
    await app({**scope, **more}, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(each["body"] for each in sent[1:]).decode()


@pytest.mark.parametrize(
    ("at", "root_path", "prefix"),
    [
        ("/my jobs/ä", "", "/my%20jobs/%C3%A4"),
        ("/ops", "/shop", "/shop/ops"),
        ("/ops", "/a b", "/a%20b/ops"),
        ("/ops", "/a%20b", "/a%20b/ops"),
        ("/100%", "", "/100%25"),
    ],
)
def test_links_lead_below_the_mount_and_the_proxys_prefix(engine: Engine, at: str, root_path: str, prefix: str) -> None:
    app = Starlette(routes=[Mount(at, dashboard(engine, authorize=lambda request: "read"))])
    scope = {"path": f"{root_path}{at}/jobs", "root_path": root_path}
    status, _, page = asyncio.run(_call(app, scope))
    assert status == 200
    links = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', page)
    assert len(links) > 10
    assert [link for link in links if not link.startswith(f"{prefix}/")] == []


@pytest.mark.parametrize("path", ["/ops/jobs", "/shop/ops/jobs"])
def test_a_prefix_that_the_server_puts_back_or_leaves_out(engine: Engine, path: str) -> None:
    """What FastAPI is told by `root_path` is not in the path; what uvicorn is told is."""
    app = dashboard(engine, authorize=lambda request: "read")
    scope = {"path": path, "root_path": "/shop/ops", "app_root_path": "/shop"}
    assert asyncio.run(_call(app, scope))[0] == 200


def test_other_scopes(engine: Engine, mounted: Mounted) -> None:
    client = mounted()
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ops/jobs"):
        pass
    with TestClient(dashboard(engine, authorize=lambda request: "read")) as alone:  # with a lifespan
        assert alone.get("/jobs").status_code == 200


# Whom the audit names.


class _Tokens(AuthenticationBackend):
    async def authenticate(self, conn: Any) -> Any:
        return AuthCredentials(), SimpleUser("grace")


def test_the_user_of_starlettes_authentication_is_named(engine: Engine, mounted: Mounted) -> None:
    job = failed_job(engine)
    client = mounted(middleware=[Middleware(AuthenticationMiddleware, backend=_Tokens())])
    assert post(client, f"/ops/jobs/{job}/cancel").status_code == 303
    assert [entry.by for entry in engine.audit.entries()] == ["grace"]


def test_a_host_that_names_nobody(engine: Engine, mounted: Mounted) -> None:
    job = failed_job(engine)
    assert post(mounted(), f"/ops/jobs/{job}/cancel").status_code == 303
    assert [entry.by for entry in engine.audit.entries()] == ["dashboard"]


# Templates of the host's.


def test_templates_are_overridden_from_python(mounted: Mounted, engine: Engine) -> None:
    client = mounted(templates={"workers": "<p>{{ title }} of ours {{ told }}</p>", "error": "ours: {{ message }}"})
    page = client.get("/ops/workers").text
    assert "of ours" in page
    assert "<!doctype html>" in page
    assert "ours: There is no such page" in client.get("/ops/nothing").text
    framed = mounted(templates={"layout": "[{{ content }}|{{ visitor }}]"}, name=lambda request: "<i>ada")
    assert framed.get("/ops/workers").text.endswith("|&lt;i&gt;ada]")


def test_an_override_has_the_name_of_a_template_and_can_be_parsed(mounted: Mounted) -> None:
    with pytest.raises(SettingsError, match="did you mean 'layout'"):
        mounted(templates={"layuot": ""})
    with pytest.raises(SettingsError, match="workers"):
        mounted(templates={"workers": "{% if %}"})


def test_the_sites_own_folder_overrides_nothing(settings: Any, tmp_path: Any) -> None:
    for place in ("", "pages/", "partials/", "layouts/", "screens/"):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "workers.liquid").write_text("hijacked")
        (tmp_path / place / "layout.liquid").write_text("hijacked")
    engine = Engine(templates=tmp_path, data_dir=settings.data_dir)
    client = TestClient(dashboard(engine, authorize=lambda request: "read"))
    assert "hijacked" not in client.get("/workers").text
    engine.store.close()
