"""The metrics written once, and served from a port of their own."""

from __future__ import annotations

import os
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import start_http_server
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from liquid_background.engine import Engine
from liquid_background.errors import SettingsError
from liquid_background.metrics.collector import registry_of


def written(engine: Engine, *, names: bool = True, in_openmetrics: bool = False) -> str:
    """Return the metrics as text, in Prometheus' own format or as OpenMetrics."""
    write = openmetrics.generate_latest if in_openmetrics else generate_latest
    return write(registry_of(engine, names=names)).decode("utf-8")


def serve_metrics(engine: Engine, host: str, port: int, *, names: bool = True) -> tuple[WSGIServer, Thread]:
    """Serve the metrics in a thread of this process; return the server and the thread.

    Args:
        engine: whose site it is.
        host: address to listen on.
        port: 0 for a free one.
        names: whether attempts are told by source name.

    Raises:
        SettingsError: when the port cannot be bound.
    """
    try:
        return start_http_server(port, host, registry_of(engine, names=names))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error
        raise SettingsError(f"cannot listen on {host}:{port}: {reason}; give --port another one") from error
