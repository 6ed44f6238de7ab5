"""The HTTP service that the demo site calls: on loopback, and out of order for the first two calls to the CRM."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

FAILURES = 2  # answers 503 to so many first requests for each path under /crm/


class DemoService(ThreadingHTTPServer):
    """Answers every POST with what it received; `received` holds what it accepted, by path."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.received: dict[str, Any] = {}
        self._requests: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def address(self) -> str:
        """Return the URL to call."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Return the status and the reply for a request."""
        with self._lock:
            self._requests[path] += 1
            count = self._requests[path]
            if path.startswith("/crm/") and count <= FAILURES:
                return 503, {"error": "out of order"}
            self.received[path] = body
            number = body.get("id") if isinstance(body, dict) else None
            return 201, {"id": number, "requests": count}


class _Handler(BaseHTTPRequestHandler):
    server: DemoService

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
        status, reply = self.server.take(self.path, body)
        data = json.dumps(reply).encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep quiet: the job log tells of each call."""


@contextmanager
def running_service() -> Iterator[DemoService]:
    """Run the service in a thread on a free port."""
    with DemoService() as service:
        thread = Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()


if __name__ == "__main__":
    with DemoService(8099) as standing_service:
        standing_service.serve_forever()
