"""`poscli metrics`, and the worker's own port for them."""

from __future__ import annotations

import signal
import socket
from contextlib import closing
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from liquid_background.errors import SettingsError
from tests.cli.conftest import Project


def test_once_prints_them(project: Project) -> None:
    project.page("p", "{% background source_name: 'mail' %}x{% endbackground %}")
    project.quick("render", "p")
    plain = {family.name: family for family in read_prometheus(project.quick("metrics", "--once").out)}
    [queued] = [
        s for s in plain["liquid_background_jobs"].samples if s.labels == {"queue": "default", "state": "queued"}
    ]
    assert queued.value == 1
    assert [*read_openmetrics(project.quick("metrics", "--once", "--format", "openmetrics").out)]


def test_a_port_that_is_taken_is_one_line(project: Project) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(SettingsError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*; give --port another one"):
            project.quick("metrics", "--port", port)
        worker = project.run("worker", "--burst", "--metrics-port", port)
    assert worker.code == 1
    assert "cannot listen on" in worker.err
    assert "starts" not in worker.err


def test_a_port_serves_them_until_ctrl_c(project: Project) -> None:
    running = project.start("metrics", "--port", "0", "--no-names")
    with urlopen(running.until("Metrics: ").removeprefix("Metrics: ")) as answer:
        assert [*read_prometheus(answer.read().decode())]
    assert running.stop(signal.SIGTERM) == 0


def test_a_worker_has_them_beside_it(project: Project) -> None:
    running = project.start("worker", "--processes", "1", "--metrics-port", "0")
    address = running.until("Metrics: ").removeprefix("Metrics: ")
    running.wait(lambda: 'workers{state="idle"} 1.0' in urlopen(address).read().decode())
    assert running.stop(signal.SIGTERM) == 0
    with pytest.raises(URLError, match="refused"):
        urlopen(address)
