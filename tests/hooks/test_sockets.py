"""A worker says which sockets the application holds at the fork, since all children would share them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.worker.conftest import Bench

SHARED = "which all children of the worker would share"


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield listening


def _warnings(bench: Bench, monkeypatch: pytest.MonkeyPatch, **places: Any) -> list[str]:
    monkeypatch.setenv("SOCKETS", json.dumps(places))
    monkeypatch.setenv("LIQUID_BACKGROUND_DATA_DIR", str(bench.settings.data_dir))
    job_id = bench.send(source="hi")
    text = bench.burst(app="tests.hooks.sockets_app:engine")
    assert bench.story(job_id) == [("SUCCESS", 1, True)]
    return [line for line in text.splitlines() if SHARED in line]


def test_connections_are_named_by_their_peer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, server: socket.socket, store_dir: Path
) -> None:
    port, path = server.getsockname()[1], str(store_dir / "db.sock")
    with (
        closing(socket.socket(socket.AF_UNIX)) as unix,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp,
    ):
        unix.bind(path)
        unix.listen()
        udp.bind(("127.0.0.1", 0))
        address = udp.getsockname()
        told = _warnings(bench, monkeypatch, tcp=[["127.0.0.1", port]] * 2, unix=[path], udp=[address], listen=0)
    where = sorted(line.partition("application holds ")[2].partition(", which")[0] for line in told)
    assert where[0] == f"2 sockets that are connected to 127.0.0.1:{port}"
    assert where[1:3] == sorted(
        [f"a socket that is connected to {path}", f"a socket that is connected to 127.0.0.1:{address[1]}"]
    )
    assert where[3].startswith("a socket that listens on 127.0.0.1:")
    assert "engine.on_child_start" in told[0]


def test_what_is_closed_when_the_worker_starts_is_fine(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, server: socket.socket
) -> None:
    assert _warnings(bench, monkeypatch, tcp=[server.getsockname()], listen=0, close=True) == []


def test_the_store_pairs_and_the_syslog_are_no_trouble(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, store_dir: Path
) -> None:
    path = str(store_dir / "log.sock")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as syslog:
        syslog.bind(path)
        assert _warnings(bench, monkeypatch, syslog=[path]) == []
