"""`/healthz` and `/readyz` of `poscli serve`: answered by the server, whatever its pages and its store do."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from tests.web.conftest import Served


def test_a_server_answers_probes_to_any_host_and_logs_none(serve: Callable[..., Served]) -> None:
    site = serve({"pages/page": "page"})
    for path in ("healthz", "readyz"):
        answer = site.send(f"GET /{path} HTTP/1.1\r\nHost: 10.0.0.7\r\nConnection: close\r\n\r\n".encode())
        assert (answer.status, answer.text) == (200, "ok\n")
    assert site.get("/page").text == "page"
    assert not any("healthz" in line or "readyz" in line for line in site.log())


def test_it_is_unready_while_the_store_is_silent_or_gone_and_pages_go_on(
    serve: Callable[..., Served], start_server: Callable[..., Any]
) -> None:
    store = start_server()
    site = serve({"pages/page": "page"}, REDIS_URL=store.url)
    assert site.get("/readyz").status == 200
    os.kill(store.process.pid, signal.SIGSTOP)
    asked = site.start("/readyz")
    assert site.get("/page").text == "page"
    assert site.get("/healthz").status == 200
    site.wait(lambda: site.get("/readyz").text == "failed: store\n", 30)
    os.kill(store.process.pid, signal.SIGCONT)
    asked.close()
    site.wait(lambda: site.get("/readyz").status == 200)
    store.kill()
    site.wait(lambda: site.get("/readyz").status == 503)
    assert "readyz: failed: " in site.until("readyz: failed")
    assert site.get("/healthz").status == 200


def test_pages_have_these_names_where_probes_are_not_wanted(serve: Callable[..., Served]) -> None:
    site = serve({"pages/healthz": "a page"}, "--no-probes")
    assert site.get("/healthz").text == "a page"
    assert site.get("/readyz").status == 404
