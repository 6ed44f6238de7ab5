"""Requests that wait in turn for a page process share what another one found out: the store says nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tests.web.conftest import Served

PAGES = {
    f"pages/{name}": "{% background source_name: 'x' %}x{% endbackground %}sent"
    for name in ("first", "second", "third")
}


def test_requests_that_queue_are_answered_soon(serve: Callable[..., Served]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=256)) as hole:
        url = f"redis://127.0.0.1:{hole.getsockname()[1]}/0"
        served = serve(PAGES, "--processes", "2", "--show-errors", REDIS_URL=url, STORE_TIMEOUT="1")
        served.get("/first")  # its process is there
        asked = [f"/{name.removeprefix('pages/')}" for name in PAGES] * 15
        began = time.monotonic()
        with ThreadPoolExecutor(len(asked)) as threads:
            replies = list(threads.map(served.get, asked))
        assert time.monotonic() - began < 6  # one after the other, it takes 20 s
    assert {reply.status for reply in replies} == {503}
    assert all("did not answer in time" in reply.text for reply in replies)
