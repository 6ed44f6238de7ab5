"""What a browser is shown while the application cannot be loaded: what the terminal says, until a file changes."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from poscli import attached

_PATIENCE: Final = 5.0  # seconds in which the pages say again what was wrong
_MOST: Final = 20_000  # characters that are shown of it
_PAGE: Final = """<!doctype html>
<meta charset="utf-8">
<meta http-equiv="refresh" content="1">
<title>The application cannot be loaded</title>
<style>body{{font:16px/1.5 system-ui;margin:3em auto;max-width:60em;padding:0 1em}}
pre{{background:#f6f6f6;color:#222;padding:1em;overflow:auto}}</style>
<h1>The application cannot be loaded</h1>
<pre>{error}</pre>
<p>This page goes on by itself when the file is mended.</p>
"""


def error_of(arguments: Sequence[str]) -> str:
    """Return what a poscli command that has just ended with an error says when it is run once more."""
    with attached.silent(arguments) as process:
        try:
            _, said = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:  # it was mended meanwhile, and is restarted in a moment
            process.kill()
            _, said = process.communicate()
    return said.decode("utf-8", "replace")[:_MOST]


class BrokenPages:
    """Answers every request on the pages' place with an error, in a thread.

    Args:
        place: address and port.
        error: as the terminal has it.
    """

    def __init__(self, place: tuple[str, int], error: str) -> None:
        body = _PAGE.format(error=escape(error)).encode("utf-8", "replace")

        class Handler(BaseHTTPRequestHandler):
            timeout = 5.0  # seconds for a request to arrive

            def do_GET(self) -> None:
                self.send_response(500)
                for name, value in (
                    ("Content-Type", "text/html; charset=utf-8"),
                    ("Content-Length", str(len(body))),
                    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
                    ("X-Content-Type-Options", "nosniff"),
                ):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the terminal has the error."""

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
            daemon_threads = True

        self._server: Server | None = None
        with suppress(OSError):  # somebody else has it by now, and the pages say so when they are restarted
            self._server = Server(place, Handler)
            Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Leave the place to the pages."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
