"""Pages as responses: in Starlette's manner, rendered in threads, so that the event loop goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from liquid.exceptions import LiquidError
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, BaseUser, SimpleUser
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from liquid_background import Engine, NotExposed, PageNotFound, TagSyntaxError
from liquid_background.fastapi import LiquidResponse, LiquidTemplates
from liquid_background.testing import FakeJobs, fake_jobs
from tests.fastapi import shop

Endpoint = Callable[[Request], Any]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    for folder in ("pages", "layouts"):
        (tmp_path / folder).mkdir()
    return Engine(templates=tmp_path)


@pytest.fixture
def jobs(engine: Engine) -> Iterator[FakeJobs]:
    with fake_jobs(engine) as jobs:
        yield jobs


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., None]:
    def write(text: str, name: str = "pages/page") -> None:
        (tmp_path / f"{name}.liquid").write_text(text)

    return write


def _client(endpoint: Endpoint, *middleware: Middleware, **options: Any) -> TestClient:
    routes = [Route("/shop/{id:int}", endpoint, name="item", methods=["GET", "POST"])]
    return TestClient(Starlette(routes=routes, middleware=list(middleware), **options), raise_server_exceptions=False)


JOB = "{% background source_name: 'mail' %}{% endbackground %}"


def test_a_page_answers_with_its_layout_headers_and_jobs(client: TestClient, stored: Engine) -> None:
    answer = client.get("/page/order", params={"coupon": "SPRING", "file": "x"})
    assert answer.status_code == 200
    assert answer.text.split() == ["<main>http://testserver/page/order", "SPRING", "/page/order", "</main>"]
    assert {"x-shop": "tea", "cache-control": "no-store"}.items() <= answer.headers.items()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-length"] == str(len(answer.content))
    (job,) = stored.jobs.list()
    assert job.handed_over == {"file": "x", "here": "http://testserver/page/order"}


def test_a_test_client_sees_template_and_variables(client: TestClient) -> None:
    answer = client.get("/page/order", params={"file": "x"})
    assert answer.template.name == "order"  # type: ignore[attr-defined]
    context = answer.context  # type: ignore[attr-defined]
    assert (context["file"], context["request"]["path"]) == ("x", "/page/order")


def test_a_page_that_fails_sends_nothing_and_its_error_names_the_line(client: TestClient, stored: Engine) -> None:
    with TestClient(shop.app) as strict, pytest.raises(LiquidError, match=r"divided_by: can't divide by 0\n *-> .*2:7"):
        strict.get("/page/broken")
    assert client.get("/page/broken").status_code == 500
    assert stored.jobs.list() == []


def test_an_applications_exception_handler_takes_the_error(engine: Engine, page: Callable[..., None]) -> None:
    page("x\n{{ 1 | divided_by: 0 }}")
    templates = LiquidTemplates(engine)
    handlers = {LiquidError: lambda request, error: JSONResponse({"line": str(error).splitlines()[1].strip()}, 503)}
    client = _client(lambda request: templates.TemplateResponse(request, "page"), exception_handlers=handlers)
    answer = client.get("/shop/1")
    assert (answer.status_code, answer.json()) == (503, {"line": "-> pages/page:2:7"})


def test_an_http_exception_of_a_filter_is_the_answer(engine: Engine, page: Callable[..., None], jobs: FakeJobs) -> None:
    def missing(value: object) -> None:
        raise HTTPException(404, "no such order", headers={"X-Why": "gone"})

    engine.environment.add_filter("order", missing)
    page(JOB + "{{ 1 | order }}")
    templates, app = LiquidTemplates(engine), FastAPI()

    @app.get("/")
    async def answered(request: Request) -> Response:
        return templates.TemplateResponse(request, "page")

    answer = TestClient(app).get("/")
    assert (answer.status_code, answer.json(), answer.headers["x-why"]) == (404, {"detail": "no such order"}, "gone")
    assert jobs.enqueued == []


def test_what_is_wrong_with_the_page_itself_is_told_where_it_is_named(
    engine: Engine, page: Callable[..., None]
) -> None:
    request = Request(_scope())
    with pytest.raises(PageNotFound, match="no page 'checkout'"):
        LiquidTemplates(engine).TemplateResponse(request, "checkout")
    page("---\nresponse_headers:\n  Server: mine\n---\n")
    with pytest.raises(TagSyntaxError, match=r"'Server' is the server's own") as raised:
        LiquidTemplates(engine).TemplateResponse(request, "page")
    assert "pages/page:3" in str(raised.value)


def _scope(**more: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [],
        "server": ("shop.example", 80),
        "path_params": {},
        **more,
    }


def test_arguments_come_before_front_matter(engine: Engine, page: Callable[..., None]) -> None:
    page("---\nformat: json\nresponse_headers:\n  X-A: page\n  X-B: page\n---\n{}")
    templates, ran = LiquidTemplates(engine), []

    async def endpoint(request: Request) -> Response:
        media_type = request.query_params.get("type")
        response = templates.TemplateResponse(
            request, "page", None, 201, {"x-a": "argument"}, media_type, BackgroundTask(ran.append, 1)
        )
        response.set_cookie("seen", "yes")
        response.headers["X-B"] = "set"
        return response

    client = _client(endpoint)
    answer = client.get("/shop/1")
    assert (answer.status_code, answer.headers["content-type"]) == (201, "application/json")
    assert (answer.headers["x-a"], answer.headers["x-b"], answer.cookies["seen"]) == ("argument", "set", "yes")
    assert client.get("/shop/1?type=text/plain").headers["content-type"] == "text/plain; charset=utf-8"
    assert ran == [1, 1]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_has_no_length(engine: Engine, page: Callable[..., None], status: int) -> None:
    page("")
    templates = LiquidTemplates(engine)
    client = _client(lambda request: templates.TemplateResponse(request, "page", status_code=status))
    assert "content-length" not in client.get("/shop/1").headers


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_sends_none_of_its_page(
    engine: Engine, page: Callable[..., None], jobs: FakeJobs, status: int
) -> None:
    page(f"text{JOB}")
    response = LiquidTemplates(engine).TemplateResponse(Request(_scope()), "page", status_code=status)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(response(_scope(), None, send))  # type: ignore[arg-type]
    assert b"".join(message.get("body", b"") for message in sent) == b""
    assert len(jobs.enqueued) == 1


@pytest.mark.parametrize(
    "given", [("page", {"request": "a request"}), ("page", Request({"type": "http"})), ({}, "page"), (None, "page")]
)
def test_the_request_comes_first(engine: Engine, page: Callable[..., None], given: Any) -> None:
    page("text")
    with pytest.raises(TypeError, match=r"TemplateResponse\(request, 'page', \{…\}\); it is given \w+, \w+$"):
        LiquidTemplates(engine).TemplateResponse(*given)


class Backend(AuthenticationBackend):
    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        name = conn.headers.get("x-user")
        return (AuthCredentials(["authenticated"]), SimpleUser(name)) if name else None


KNOWS = (
    "{{ params.id }} {{ params.q }} {{ session.cart }} {{ cookies.c }} {{ headers['x-h'] }} "
    "{{ current_user.is_authenticated }} {{ current_user.display_name }}"
)


def test_a_page_knows_its_request(engine: Engine, page: Callable[..., None]) -> None:
    page(KNOWS)
    templates = LiquidTemplates(engine)

    def endpoint(request: Request) -> Response:
        request.session["cart"] = 3
        return templates.TemplateResponse(request, "page")

    sessions = Middleware(SessionMiddleware, secret_key="key")
    users = Middleware(AuthenticationMiddleware, backend=Backend())
    client = _client(endpoint, sessions, users)
    client.cookies["c"] = "cookie"
    answer = client.get("/shop/7?q=tea&id=8", headers={"X-H": "head", "X-User": "Ada"})
    assert answer.text == "7 tea 3 cookie head true Ada"  # the path's parameter before the query's
    assert "set-cookie" in answer.headers
    assert client.get("/shop/7").text == "7  3 cookie  false "


class Customer(BaseUser):
    is_authenticated = True
    email = "ada@example.com"
    password = "x"


def test_a_user_of_a_class_of_its_own_is_the_applications_to_expose(engine: Engine, page: Callable[..., None]) -> None:
    page("{{ current_user.email }}[{{ current_user.nothing }}]")
    templates = LiquidTemplates(engine)

    def endpoint(request: Request) -> Response:
        request.scope["user"] = Customer()
        return templates.TemplateResponse(request, "page")

    client = TestClient(_client(endpoint).app)
    with pytest.raises(NotExposed, match="current_user is a Customer, which no rule exposes"):
        client.get("/shop/1")
    engine.environment.expose(Customer, "email")
    assert client.get("/shop/1").text == "ada@example.com[]"


def test_a_page_does_without_middleware(engine: Engine, page: Callable[..., None]) -> None:
    page("[{{ session.a }}{{ current_user }}{{ request.user }}]")
    templates = LiquidTemplates(engine)
    assert _client(lambda request: templates.TemplateResponse(request, "page")).get("/shop/1").text == "[]"


@pytest.mark.parametrize("name", ["app", "state", "scope", "receive", "_send", "__class__", "session", "auth"])
def test_a_page_reads_no_more_of_the_request(engine: Engine, page: Callable[..., None], name: str) -> None:
    page(f"[{{{{ request.{name} }}}}{{{{ request['{name}'] }}}}]")
    templates = LiquidTemplates(engine)
    assert _client(lambda request: templates.TemplateResponse(request, "page")).get("/shop/1").text == "[]"


def test_a_request_that_is_handed_on_shows_no_more(engine: Engine, page: Callable[..., None]) -> None:
    page("[{{ request.app }}{{ other.app }}{{ given.app }}] {{ given.path }}")
    templates = LiquidTemplates(engine, context_processors=[lambda request: {"other": request}])
    client = _client(
        lambda request: templates.TemplateResponse(request, "page", {"request": request, "given": request})
    )
    assert client.get("/shop/1").text == "[] /shop/1"


@dataclass
class Visit:
    request: HTTPConnection


_SHOWN = ["base_url", "client", "host", "method", "path", "path_params", "query", "scheme", "url", "user"]
_INSIDE = {
    "{{ %s.path }}{{ %s.type }}{{ %s._send }}": "/shop/1",
    "{{ %s | json }}": None,
}
_LOOPS = [
    "{% for pair in visit.request %}{{ pair[0] }} {% endfor %}",
    "{% tablerow pair in visit.request cols: 1 %}{{ pair[0] }}{% endtablerow %}",
    "{{ visit.request | first | first }}",
    "{{ visit.request }}",
]


@pytest.mark.parametrize("text", _INSIDE)
@pytest.mark.parametrize("path", ["map.inner", "list[0]", "map.list[0]", "tuple[0]", "visit.request", "connection"])
def test_a_request_inside_of_something_shows_what_request_does(
    engine: Engine, page: Callable[..., None], text: str, path: str
) -> None:
    page(text.replace("%s", path))
    templates = LiquidTemplates(engine)

    def endpoint(request: Request) -> Response:
        request.session["cart"] = "SECRET"
        request.state.key = "SECRET"
        found = {
            "map": {"inner": request, "list": [request]},
            "list": [request],
            "tuple": (request,),
            "visit": Visit(request),
            "connection": HTTPConnection(request.scope),
        }
        return templates.TemplateResponse(request, "page", found)

    client = _client(endpoint, Middleware(SessionMiddleware, secret_key="key"))
    answer = client.get("/shop/1", headers={"Authorization": "SECRET"})
    assert answer.status_code == 200
    for hidden in ("SECRET", "session", "headers", "authorization", "state", "app"):
        assert hidden not in answer.text
    if _INSIDE[text] is not None:
        assert answer.text == _INSIDE[text]
    if "json" in text:
        assert sorted(answer.json()) == _SHOWN


@pytest.mark.parametrize("text", _LOOPS)
def test_a_request_inside_of_something_is_no_list_and_no_text(
    engine: Engine, page: Callable[..., None], text: str
) -> None:
    page(text)
    response = LiquidTemplates(engine).TemplateResponse(
        Request(_scope()), "page", {"visit": Visit(Request(_scope(session={"cart": 1})))}
    )
    with pytest.raises(NotExposed, match="is an HTTPConnection, "):
        asyncio.run(_awaited(response))


def test_what_the_application_exposes_of_requests_comes_first(engine: Engine, page: Callable[..., None]) -> None:
    page("{{ visit | json }}")
    engine.environment.expose(HTTPConnection, path=lambda request: request.scope["path"])
    response = LiquidTemplates(engine).TemplateResponse(Request(_scope()), "page", {"visit": Visit(Request(_scope()))})
    asyncio.run(_awaited(response))
    assert response.body == b'{"request": {"path": "/"}}'


@pytest.mark.parametrize(("kind", "status"), [(404, 404), (Exception, 500)])
def test_a_page_answers_for_an_error(engine: Engine, page: Callable[..., None], kind: Any, status: int) -> None:
    page("sorry: {{ error }}")
    templates = LiquidTemplates(engine)

    def endpoint(request: Request) -> Response:
        raise HTTPException(404, "gone") if status == 404 else ValueError("broken")

    def sorry(request: Request, error: Exception) -> Response:
        return templates.TemplateResponse(request, "page", {"error": str(error)}, status_code=status)

    answer = _client(endpoint, exception_handlers={kind: sorry}).get("/shop/1")
    assert (answer.status_code, answer.text) == (status, "sorry: 404: gone" if status == 404 else "sorry: broken")


class Item(BaseModel):
    name: str
    secret: str = Field(repr=False)

    def method(self) -> str:
        return "never"


@pytest.mark.parametrize("name", ["headers", "session", "state", "app", "scope", "items"])
def test_what_else_a_request_inside_of_something_has_is_told(
    engine: Engine, page: Callable[..., None], name: str
) -> None:
    page(f"{{{{ list[0]['{name}'] }}}}")
    templates = LiquidTemplates(engine)
    client = TestClient(_client(lambda request: templates.TemplateResponse(request, "page", {"list": [request]})).app)
    with pytest.raises(NotExposed, match=f"is an HTTPConnection, of which pages read no '{name}', but method, url, "):
        client.get("/shop/1")


def test_a_page_reads_pydantic_models(engine: Engine, page: Callable[..., None]) -> None:
    page("{{ item.name }} {{ items | map: 'name' | join }}[{{ item.nothing }}{{ item.__dict__ }}]")
    templates, item = LiquidTemplates(engine), Item(name="tea", secret="x")
    client = _client(lambda request: templates.TemplateResponse(request, "page", {"item": item, "items": [item]}))
    assert client.get("/shop/1").text == "tea tea[]"


def test_no_cookie_holds_the_event_loop_up(engine: Engine, page: Callable[..., None]) -> None:
    page("{{ cookies.b }}")
    templates = LiquidTemplates(engine)
    client = _client(lambda request: templates.TemplateResponse(request, "page"))
    started = time.process_time()
    assert client.get("/shop/1", headers={"Cookie": 'a="' + "\\" * 60_000 + '"; b=1'}).text == "1"
    assert time.process_time() - started < 2


@pytest.mark.parametrize("host", ["[", "a b", "x" * 300, "é"])
def test_no_host_header_breaks_a_page(engine: Engine, page: Callable[..., None], host: str) -> None:
    page("{{ request.path }}")
    templates = LiquidTemplates(engine)
    client = _client(lambda request: templates.TemplateResponse(request, "page"))
    assert client.get("/shop/1", headers={"Host": host.encode("latin-1")}).text == "/shop/1"  # type: ignore


def test_context_processors_stand_behind_what_a_response_is_given(engine: Engine, page: Callable[..., None]) -> None:
    page("{{ shop }} {{ path }} {{ name }}")

    async def later(request: Request) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        return {"path": request.url.path, "name": "processor", "shop": "second"}

    templates = LiquidTemplates(engine, context_processors=[lambda request: {"shop": "first"}, later])
    client = _client(lambda request: templates.TemplateResponse(request, "page", {"name": "own"}))
    assert client.get("/shop/1").text == "second /shop/1 own"


def test_url_for_is_the_applications_and_no_jobs(engine: Engine, page: Callable[..., None], jobs: FakeJobs) -> None:
    page(
        "{{ 'item' | url_for: id: 5 }}"
        "{% background source_name: 'a' %}{% assign x = 'item' | url_for: id: 5 %}{% endbackground %}"
    )
    templates = LiquidTemplates(engine)
    assert _client(lambda request: templates.TemplateResponse(request, "page")).get("/shop/1").text == (
        "http://testserver/shop/5"
    )
    (ran,) = jobs.run_all()
    assert "url_for needs a request of TemplateResponse" in str(ran.error)
    page("\n{{ 'none' | url_for }}")
    client = _client(lambda request: templates.TemplateResponse(request, "page"))
    client = TestClient(client.app)
    with pytest.raises(Exception, match=r"No route exists for name \"none\"") as raised:
        client.get("/shop/1")
    assert "pages/page:2" in str(raised.value)


def test_an_applications_own_url_for_stays(engine: Engine) -> None:
    engine.environment.add_filter("url_for", str.upper)
    LiquidTemplates(engine)
    assert engine.render_string("{{ 'a' | url_for }}") == "A"


async def _with_awaited(request: Request, templates: LiquidTemplates) -> Response:
    response = await templates.TemplateResponse(request, "page")
    assert response.body == b"text"
    return await response


def test_a_page_may_be_rendered_before_it_is_sent_and_is_so_once(
    engine: Engine, page: Callable[..., None], jobs: FakeJobs
) -> None:
    page(f"text{JOB}")
    templates = LiquidTemplates(engine)

    async def endpoint(request: Request) -> Response:
        return await _with_awaited(request, templates)

    assert _client(endpoint).get("/shop/1").text == "text"
    assert len(jobs.enqueued) == 1


def test_pages_pass_middleware_that_reads_responses(engine: Engine, page: Callable[..., None]) -> None:
    page("text")
    templates = LiquidTemplates(engine)

    async def dispatch(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["x-seen"] = "yes"
        return response

    middleware = Middleware(BaseHTTPMiddleware, dispatch=dispatch)
    answer = _client(lambda request: templates.TemplateResponse(request, "page"), middleware).get("/shop/1")
    assert (answer.text, answer.headers["x-seen"], answer.template.name) == (  # type: ignore[attr-defined]
        "text",
        "yes",
        "page",
    )


def test_the_event_loop_goes_on_while_jobs_are_sent(
    engine: Engine, page: Callable[..., None], jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    page(JOB)
    threads: list[int] = []
    monkeypatch.setattr(jobs, "send", lambda *_: threads.append(threading.get_ident()) or [])
    response = LiquidTemplates(engine).TemplateResponse(Request(_scope()), "page")

    async def answer() -> int:
        await response
        return threading.get_ident()

    loop = asyncio.run(answer())
    assert threads
    assert loop not in threads


@pytest.mark.parametrize("of_the_layout", [False, True])
def test_the_event_loop_goes_on_while_a_page_renders(
    engine: Engine, page: Callable[..., None], of_the_layout: bool
) -> None:
    went_on = threading.Event()
    engine.environment.add_filter("held_up", lambda _: not went_on.wait(5))
    page("---\nlayout: site\n---\ntext" if of_the_layout else "{{ 1 | held_up }}")
    page("{{ 1 | held_up }}", "layouts/site")
    response = LiquidTemplates(engine).TemplateResponse(Request(_scope()), "page")

    async def go_on() -> None:
        await asyncio.sleep(0)
        went_on.set()

    async def together() -> None:
        await asyncio.gather(_awaited(response), go_on())

    asyncio.run(together())
    assert response.body == b"false"


_tenant: ContextVar[str] = ContextVar("tenant")


async def _loop_and_tenant() -> str:
    await asyncio.sleep(0)
    return f"{id(asyncio.get_running_loop())} {_tenant.get()}"


def _nested() -> str:
    return "nested"


async def _page_in_a_page(templates: LiquidTemplates) -> str:
    inner = await templates.TemplateResponse(Request(_scope()), "inner")
    return bytes(inner.body).decode()


@pytest.mark.parametrize("on_loop", [False, True])
def test_async_actions_run_in_the_applications_loop(engine: Engine, page: Callable[..., None], on_loop: bool) -> None:
    templates = LiquidTemplates(engine, on_loop=on_loop)
    engine.action(_loop_and_tenant)
    engine.action(_nested)

    @engine.action
    async def inner() -> str:
        return await _page_in_a_page(templates)

    engine.environment.add_filter("tenant", lambda _: _tenant.get())
    page("{% action a = '_loop_and_tenant' %}{% action b = 'inner' %}{{ a }} {{ b }} {{ 1 | tenant }}")
    page("{% action c = '_nested' %}{{ c }}", "pages/inner")

    async def answer() -> tuple[bytes, int]:
        _tenant.set("tea")
        response = await templates.TemplateResponse(Request(_scope()), "page")
        return bytes(response.body), id(asyncio.get_running_loop())

    text, loop = asyncio.run(answer())
    assert text.decode() == f"{loop} tea nested tea"


class Later:
    """An object whose fields are awaited, and cannot be read otherwise."""

    async def __getitem_async__(self, name: str) -> int:
        await asyncio.sleep(0)
        return threading.get_ident()


def test_pages_on_the_event_loop_await_fields(engine: Engine, page: Callable[..., None]) -> None:
    page("{{ later.name }}")
    templates = LiquidTemplates(engine, on_loop=True)
    response = templates.TemplateResponse(Request(_scope()), "page", {"later": Later()})
    asyncio.run(_awaited(response))
    assert response.body == str(threading.get_ident()).encode()


def test_a_page_that_waits_holds_up_no_other(engine: Engine, page: Callable[..., None]) -> None:
    engine.action(_slow)
    page("{% action r = '_slow' %}{{ r }}")
    templates = LiquidTemplates(engine)

    async def together() -> list[bytes]:
        responses = [templates.TemplateResponse(Request(_scope()), "page") for _ in range(5)]
        return [bytes(each.body) for each in await asyncio.gather(*(_awaited(each) for each in responses))]

    started = time.monotonic()
    assert asyncio.run(together()) == [b"slow"] * 5
    assert time.monotonic() - started < 5 * 0.3


async def _awaited(response: LiquidResponse) -> LiquidResponse:
    return await response


def _slow() -> str:
    time.sleep(0.3)
    return "slow"


def test_requests_at_the_same_time_have_their_own_url_for(engine: Engine, page: Callable[..., None]) -> None:
    page("{% action '_slow' %}{{ 'item' | url_for: id: 1 }}")
    engine.action(_slow)
    templates = LiquidTemplates(engine)
    app = Starlette(routes=[Route("/shop/{id:int}", lambda request: Response(), name="item")])

    async def together() -> list[bytes]:
        requests = [
            Request(_scope(app=app, router=app.router, headers=[(b"host", host)]))
            for host in (b"a.example", b"b.example")
        ]
        responses = [templates.TemplateResponse(request, "page") for request in requests]
        return [bytes(each.body) for each in await asyncio.gather(*map(_awaited, responses))]

    assert asyncio.run(together()) == [b"http://a.example/shop/1", b"http://b.example/shop/1"]
