"""Pages that break what they run in: their own request is a 500, and the server and its other pages go on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web.conftest import Served

THROWN = ("KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError", "Odd", "RecursionError")
PAGES = {
    "pages/index": "hello",
    "pages/pid": "{{ 1 | pid }}",
    "pages/keep_all": "{{ 1 | keep_all }}",
    "pages/grow": "{{ 1 | grow }}{{ 1 | pid }}",
    "pages/leak": "{{ 1 | leak }}{{ 1 | pid }}",
    "pages/crowd": "{{ 1 | crowd }}{{ 1 | pid }}",
    "pages/fork": "{{ 1 | fork }}forked",
    **{f"pages/filter/{name}": f"{{{{ '{name}' | throw }}}}" for name in THROWN},
    **{f"pages/action/{name}": f"{{% action 'throw', name: '{name}' %}}" for name in THROWN},
}
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc of Linux")


@pytest.fixture(scope="module")
def served(module_serve: Callable[..., Served]) -> Served:
    return module_serve(PAGES, "--show-errors", MEMORY_LIMIT="200")


@pytest.mark.parametrize("where", ["filter", "action"])
@pytest.mark.parametrize("name", THROWN)
def test_whatever_python_raises_is_an_error_of_the_page(served: Served, where: str, name: str) -> None:
    pid = served.get("/pid").text
    reply = served.get(f"/{where}/{name}")
    assert reply.status == 500
    assert name in reply.text or name == "RecursionError"  # which is that of a nesting too deep
    if (where, name) != ("action", "GeneratorExit"):  # from a thread it ends a coroutine without a trace
        assert f"in pages/{where}/{name}:1" in reply.text
    assert served.get("/pid").text == pid


@LINUX
def test_a_page_that_takes_all_memory_never_becomes_a_second_server(served: Served) -> None:
    for _ in range(15):
        reply = served.get("/keep_all")
        assert reply.status == 500
        assert "pages/keep_all" in reply.text
        assert "LIQUID_BACKGROUND_MEMORY_LIMIT" in reply.text
        assert served.get("/").text == "hello"
    assert len([line for line in served.log() if line.startswith("GET /keep_all 500")]) == 15
    children = _children(served.process.pid)
    assert 1 <= len(children) <= 2
    assert not any(_children(child) for child in children)


@LINUX
def test_a_process_that_grew_fat_is_replaced_after_its_answer(served: Served) -> None:
    grown = served.get("/grow")
    assert grown.status == 200
    assert served.get("/pid").text not in ("", grown.text)


@LINUX
@pytest.mark.parametrize("what", ["leak", "crowd"])
def test_what_pages_leave_behind_is_not_lacking_to_the_next(served: Served, what: str) -> None:
    left = [served.get(f"/{what}") for _ in range(10)]  # files or threads, of which ten times as many are too many
    assert [reply.status for reply in left] == [200] * 10
    assert len({reply.text for reply in left}) > 1


def test_a_page_that_forks_has_one_answer(served: Served) -> None:
    for _ in range(5):
        assert served.get("/fork").text == "forked"
        assert served.get("/").text == "hello"


@pytest.mark.slow
def test_a_server_under_a_limit_of_address_space_survives_its_pages(serve: Callable[..., Served]) -> None:
    script = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (700 * 1024**2,) * 2)"
    server = serve(PAGES, script=script, MEMORY_LIMIT="4096")
    for _ in range(3):
        assert server.get("/keep_all").status == 500
        assert server.get("/").text == "hello"
    assert server.stop() == 0


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
def test_a_start_is_not_counted_as_a_pages_time(serve: Callable[..., Served]) -> None:
    pages = {f"pages/p{number}": f"---\nslug: at/{number}\nmetadata:\n  a: b\n---\nx" for number in range(600)}
    server = serve({**PAGES, **pages}, PAGE_TIMEOUT="0.2")
    assert server.get("/at/599").text == "x"
    assert server.get("/nowhere").status == 404
