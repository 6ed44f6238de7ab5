"""The dashboard in a FastAPI application: mounted, with the application's own sessions and prefix."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware

from liquid_background import Engine
from liquid_background.errors import NotSignedIn
from liquid_background.fastapi import lifespan
from liquid_background.settings import Settings
from liquid_background.web.dashboard import ACTIONS, dashboard


async def authorize(request: Request) -> Any:
    user = request.session.get("user")
    if user is None:
        raise NotSignedIn(location="/login")
    return ACTIONS if user == "ada" else "read"


def test_mounted_beside_endpoints(settings: Settings) -> None:
    engine = Engine(settings=settings)
    app = FastAPI(lifespan=lifespan(engine), middleware=[Middleware(SessionMiddleware, secret_key="x")])
    app.mount("/jobs", dashboard(engine, authorize=authorize, name=lambda request: request.session["user"]))

    @app.get("/login/{user}")
    def login(request: Request, user: str) -> dict[str, str]:
        request.session["user"] = user
        return {"user": user}

    with TestClient(app, root_path="/shop", follow_redirects=False) as client:
        engine.render_string("{% background source_name: 'mail', delay: 60 %}x{% endbackground %}")
        (job,) = engine.jobs.list()
        form: dict[str, Any] = {"headers": {"origin": "http://testserver"}}
        assert client.get("/shop/jobs/jobs").headers["location"] == "/login"
        assert client.post(f"/shop/jobs/jobs/{job.id}/cancel", **form).status_code == 401
        client.get("/shop/login/rita")
        page = client.get("/shop/jobs/jobs")
        assert page.status_code == 200
        assert "rita" in page.text
        links = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', page.text)
        assert [link for link in links if not link.startswith("/shop/jobs/")] == []
        assert client.post(f"/shop/jobs/jobs/{job.id}/cancel", **form).status_code == 403
        client.get("/shop/login/ada")
        assert client.post(f"/shop/jobs/jobs/{job.id}/cancel", **form).status_code == 303
        assert [(entry.action, entry.by) for entry in engine.audit.entries()] == [("cancel", "ada")]
        assert client.get("/shop/jobs/nothing").status_code == 404
        assert client.get("/shop/openapi.json").json()["paths"].keys() == {"/login/{user}"}
