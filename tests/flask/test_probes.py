"""Probes in a Flask application."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from liquid_background.flask import probes_blueprint
from liquid_background.jobs.queue.bounds import Bounds


def test_a_blueprint_answers_them(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.register_blueprint(probes_blueprint())
    client = app.test_client()
    for path in ("/healthz", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (200, "ok\n", "no-store")


def test_bounds_and_a_prefix_of_its_own(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.register_blueprint(probes_blueprint(bounds=Bounds(min_workers=1)), url_prefix="/-")
    client = app.test_client()
    assert client.get("/-/healthz").status_code == 200
    answer = client.get("/-/readyz")
    assert (answer.status_code, answer.text) == (503, "failed: workers\n")
