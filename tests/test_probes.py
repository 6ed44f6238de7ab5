"""What probes are answered, in every face."""

from __future__ import annotations

import logging
from threading import Thread
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from liquid_background import Engine
from liquid_background.jobs.queue.bounds import Bounds
from liquid_background.jobs.queue.probing import Probe
from liquid_background.probes import LASTS, Probes
from liquid_background.settings import Settings, load_settings
from liquid_background.web import probes_app

AWAY = "redis://127.0.0.1:1/0"


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return Engine(settings=settings)


def test_a_process_is_alive_whatever_the_store_does(engine: Engine) -> None:
    away = Engine(settings=load_settings(redis_url=AWAY))
    assert Probes(lambda: away).answer("healthz") == (200, "ok\n")
    assert Probes(lambda: away).answer("readyz") == (503, "failed: store\n")
    assert Probes(lambda: engine).answer("readyz") == (200, "ok\n")
    assert Probes(lambda: engine).answer("health") is None


def test_bounds_make_it_unready_when_they_are_asked_for(engine: Engine) -> None:
    engine.render_string("{% background source_name: 'x' %}x{% endbackground %}")
    assert Probes(lambda: engine).answer("readyz") == (200, "ok\n")  # it can send jobs, if nobody runs them
    assert Probes(lambda: engine, Bounds()).answer("readyz") == (503, "failed: workers\n")
    assert engine.probe(Bounds(min_workers=0)).line().startswith("ok: 0 workers, 1 waiting")
    assert engine.probe(Bounds()).line().startswith("failed: no worker running, fewer than 1")


def test_many_who_ask_at_once_are_one_look(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    look = engine.probe

    def counting(bounds: Bounds | None = None) -> Probe:
        looks.append(1)
        return look(bounds)

    monkeypatch.setattr(engine, "probe", counting)
    probes = Probes(lambda: engine)
    threads = [Thread(target=probes.answer, args=("readyz",)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looks) == 1
    probes._asked_at -= LASTS
    probes.answer("readyz")
    assert len(looks) == 2


def test_a_change_is_logged_once_with_what_is_wrong(caplog: pytest.LogCaptureFixture, engine: Engine) -> None:
    given = [Engine(settings=load_settings(redis_url=AWAY)), engine]
    probes = Probes(lambda: given[0])
    with caplog.at_level(logging.INFO, "liquid_background.web"):
        for _ in range(3):
            probes.answer("readyz")
            probes._asked_at -= LASTS
        given.reverse()
        probes.answer("readyz")
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in told] == ["ERROR", "INFO"]
    assert told[0][1].startswith("readyz: failed: the store at redis://127.0.0.1:1/0 cannot be reached")
    assert told[1][1].startswith("readyz: ok: ")


def test_an_asgi_application_has_them_where_they_are_mounted(engine: Engine) -> None:
    client = TestClient(Starlette(routes=[Mount("/-", probes_app(engine))]))
    for path in ("/-/healthz", "/-/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (200, "ok\n", "no-store")
        assert client.head(path).text == ""
    assert client.get("/-/other").status_code == 404
    assert client.post("/-/readyz").status_code == 404
    away = Engine(settings=load_settings(redis_url=AWAY))
    assert TestClient(probes_app(away)).get("/readyz").status_code == 503


def test_an_engine_with_doubles_has_no_store_to_look_at(background_jobs: Any) -> None:
    engine = Engine(settings=load_settings(redis_url=AWAY))
    background_jobs(engine)
    assert engine.probe() == Probe(())
