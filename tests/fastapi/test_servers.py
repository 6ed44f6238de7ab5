"""Real servers: uvicorn alone, with several processes and with --reload, gunicorn with --preload; and a real worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fastapi.servers import Served, serve
from tests.worker.conftest import Bench, bench

__all__ = ["bench", "serve"]

UVICORN = ("uvicorn", "--port", "0", "--host", "127.0.0.1")
GUNICORN = (
    "gunicorn",
    "--bind",
    "127.0.0.1:0",
    "--worker-class",
    "asgi",
    "--workers",
    "2",
    "--preload",
    "--no-control-socket",
)


@pytest.fixture
def data_dir(bench: Bench) -> str:
    return str(bench.settings.data_dir)


@pytest.mark.slow
@pytest.mark.parametrize("server", [UVICORN, (*UVICORN, "--workers", "2"), GUNICORN], ids=["one", "workers", "preload"])
def test_tasks_and_pages_reach_a_worker(
    bench: Bench, data_dir: str, serve: Callable[..., Served], tmp_path: Path, server: tuple[str, ...]
) -> None:
    file = tmp_path / "notes"
    served = serve(*server, "tests.fastapi.shop:app", LIQUID_BACKGROUND_DATA_DIR=data_dir, CONNECTS="1")
    for number in range(8):
        served.get(f"/tasks?file={file}&text={number}")
    page = served.get(f"/page/order?file={file}")
    assert f"{served.url}/page/order" in page
    assert served.stop() in (0, -15)  # uvicorn ends by the signal itself
    assert "Traceback" not in served.log.read_text()
    bench.burst(app="tests.fastapi.shop:engine")
    assert sorted(file.read_text().split()) == sorted(
        [*(str(number) for number in range(8)), *["later"] * 8, f"{served.url}/page/order"]
    )


@pytest.mark.slow
def test_tasks_outlive_the_server(bench: Bench, data_dir: str, serve: Callable[..., Served], tmp_path: Path) -> None:
    file = tmp_path / "notes"
    served = serve(*UVICORN, "tests.fastapi.shop:app", LIQUID_BACKGROUND_DATA_DIR=data_dir)
    served.get(f"/tasks?file={file}&text=promised")
    served.process.kill()
    served.process.wait()
    bench.burst(app="tests.fastapi.shop:engine")
    assert sorted(file.read_text().split()) == ["later", "promised"]


RELOADED = """
from fastapi import FastAPI, Request
from liquid_background import Engine
from liquid_background.fastapi import JobTasksDep, LiquidTemplates, lifespan
from tests.fastapi.shop import note

engine = Engine(templates="templates")
templates = LiquidTemplates(engine)
app = FastAPI(lifespan=lifespan(engine))


@app.get("/version")
async def version(tasks: JobTasksDep):
    tasks.add_task(note, "/dev/null")
    return "first"


@app.get("/")
async def page(request: Request):
    return templates.TemplateResponse(request, "page")
"""


@pytest.mark.slow
def test_reload_goes_on_with_new_code_and_new_pages(
    bench: Bench, data_dir: str, serve: Callable[..., Served], tmp_path: Path, wait_until: Callable[..., Any]
) -> None:
    folder = tmp_path / "reloaded"
    page = folder / "templates/pages/page.liquid"
    page.parent.mkdir(parents=True)
    page.write_text("one")
    (folder / "reloaded.py").write_text(RELOADED)
    served = serve(*UVICORN, "--reload", "reloaded:app", cwd=folder, LIQUID_BACKGROUND_DATA_DIR=data_dir)
    wait_until(lambda: _version(served) == '"first"')
    assert served.get("/") == "one"
    page.write_text("two pages")
    wait_until(lambda: served.get("/") == "two pages")
    assert "Reloading" not in served.log.read_text()  # a template needs none
    (folder / "reloaded.py").write_text(RELOADED.replace('"first"', '"the second"'))
    wait_until(lambda: _version(served) == '"the second"')
    assert served.stop() in (0, -15)
    assert len(bench.queue.list()) >= 2


def _version(served: Served) -> str:
    try:
        return served.get("/version")
    except OSError:
        return ""  # it is being replaced


def test_a_server_whose_store_is_away_does_not_start(tmp_path: Path, serve: Callable[..., Served]) -> None:
    with pytest.raises(AssertionError, match=r"StoreUnavailable: .*127\.0\.0\.1:1"):
        serve(*UVICORN, "tests.fastapi.shop:app", LIQUID_BACKGROUND_REDIS_URL="redis://127.0.0.1:1")
