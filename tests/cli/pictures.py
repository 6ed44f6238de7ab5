"""The pictures of commands in docs/pictures: `make pictures` has poscli do on a terminal what the pages tell."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.syntax import Syntax
from rich.terminal_theme import MONOKAI
from rich.text import Text

from liquid_background.jobs.store import embedded

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
DOCS: Final = FOLDER.parent
COLUMNS: Final = 132
CHECKOUT: Final = """---
slug: checkout
---
<h1>Thank you, {{ user.name }}!</h1>
{% background source_name: 'send_receipt', dealy: 2, priority: high %}
  Dear {{ user.name }}, your order {{ order.id }} is on its way.
  {% include 'emails/receipt' %}
{% endbackground %}
{% trigger_event 'order.paid' %}
"""
SIGN_UP: Final = """{% assign mail = params.mail | downcase %}
{% background source_name: 'welcome', to: mail, card: user.card %}
  {% assign name = user.name %}
  Dear {{ name }}, call us: {{ user.phone }}
  {% include 'mails/sign' %}
{% endbackground %}
{% trigger_event 'user.created', user_id: user.id %}
"""
RECEIPT: Final = """{% background source_name: 'receipt', api_key: 'k-93', total: order.total %}
{% assign name = user.name %}Dear {{ name }}, you paid {{ total }}.
{% include 'mails/sign' %}
{% endbackground %}
"""


def main() -> None:
    sign = {"partials/mails/sign": "Yours, {{ shop.name }}"}
    _checked({"pages/checkout": CHECKOUT, "partials/emails/receipt": "…"})
    _values({"pages/sign_up": SIGN_UP, "consumers/user.created/audit": "{{ event.user_id }}", **sign})
    _preview()
    _guarded()
    _saved_test({"pages/receipt": RECEIPT, "partials/mails/sign": "Yours, the shop"})


def _checked(templates: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _write(folder, templates)
        console = _console()
        _show(console, folder, ("check",))
        _show(console, folder, ("check", "--fix"))
        _save(console, "check", "poscli check")


def _values(templates: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _write(folder, templates)
        console = _console()
        _show(console, folder, ("check", "--values"), LIQUID_BACKGROUND_NEVER_SHIP="user.card")
        _save(console, "values", "NEVER_SHIP=user.card")


def _preview() -> None:
    with tempfile.TemporaryDirectory() as folder:
        console = _console()
        _show(console, folder, ("preview", "order"), LIQUID_BACKGROUND_APP="poscli.demo_site.app:engine")
        _save(console, "preview", "a page of the demo site")


def _guarded() -> None:
    """Take the picture of the deploy guard: the example of its page."""
    [page] = re.findall(r"^```liquid\n(.*?)^```$", (DOCS / "deploy-guard.md").read_text("utf-8"), re.S | re.M)
    with tempfile.TemporaryDirectory(prefix="shop-", dir="/tmp") as folder:
        old = {"partials/emails/welcome": "Hi {{ name }}", "partials/emails/receipt": "Order {{ order }}"}
        _write(folder, {"pages/checkout": page, **old})
        emails = Path(folder, "templates", "partials", "emails")
        try:
            _run(folder, ("render", "checkout"))
            (emails / "welcome.liquid").rename(emails / "welcome_mail.liquid")
            _write(folder, {"pages/checkout": "", "partials/emails/receipt": "Order {{ order_id }}"})
            console = _console()
            _show(console, folder, ("check",))
            _show(console, folder, ("check", "--against-store"))
            _save(console, "deploy-guard", "before a deployment")
        finally:
            embedded.stop(Path(folder, ".liquid-background"))


def _saved_test(templates: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="shop-", dir="/tmp") as folder:
        _write(folder, templates)
        Path(folder, "data.json").write_text('{"user": {"name": "Ann"}, "order": {"total": "12.50"}}', "utf-8")
        try:
            _run(folder, ("render", "receipt", "--data", "data.json"))
            _run(folder, ("worker", "--burst"))
            job_id = _run(folder, ("jobs", "list", "--format", "json")).split('"')[3]
            console = _console()
            _show(console, folder, ("jobs", "save-test", job_id[:8], "--output", "test_receipt.py"))
            console.print(Text.assemble(("$ ", "bold green"), "cat test_receipt.py"))
            text = Path(folder, "test_receipt.py").read_text("utf-8")
            console.print(Syntax(text, "python", theme="monokai", background_color="default"))
            console.print(Text.assemble(("$ ", "bold green"), "pytest -q test_receipt.py"))
            console.print(_run(folder, ("-q", "test_receipt.py"), module="pytest").strip())
            _save(console, "save-test", "a job as a test")
        finally:
            embedded.stop(Path(folder, ".liquid-background"))


def _write(folder: str, templates: Mapping[str, str]) -> None:
    for name, text in templates.items():
        path = Path(folder, "templates", f"{name}.liquid")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _console() -> Console:
    return Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)


def _save(console: Console, name: str, title: str) -> None:
    svg = console.export_svg(title=title, theme=MONOKAI, unique_id=name)
    start, end = svg.index("@font-face"), svg.rindex("@font-face")
    svg = svg[:start] + svg[svg.index("}", end) + 1 :].lstrip()  # a picture loads nothing
    (FOLDER / f"{name}.svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", "utf-8")
    print(f"{name}.svg")


def _show(console: Console, folder: str, arguments: Sequence[str], **env: str) -> None:
    console.print(Text.assemble(("$ ", "bold green"), " ".join(("poscli", *arguments))))
    seen = _on_terminal(folder, arguments, env).rpartition("\x1b[2K")[2]  # a bar of progress wipes its line at the end
    console.print(Text.from_ansi(seen))


def _run(folder: str, arguments: Sequence[str], module: str = "poscli") -> str:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def _on_terminal(folder: str, arguments: Sequence[str], env: Mapping[str, str]) -> str:
    """Return what a command shows on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    place = {**os.environ, "TERM": "xterm-256color", **env}
    place.pop("NO_COLOR", None)
    command = [sys.executable, "-P", "-m", "poscli", *arguments]
    process = subprocess.Popen(command, cwd=folder, env=place, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    text = b""
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # the end, on Linux
            break
        if not read:
            break
        text += read
    process.wait()
    os.close(ours)
    return text.decode().replace("\r\n", "\n").rstrip("\n")


if __name__ == "__main__":
    main()
