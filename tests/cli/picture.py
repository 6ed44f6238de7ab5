"""The picture in docs/checks.md: `make pictures` has poscli check and mend a small site, on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

FILE: Final = Path(__file__).parents[2] / "docs" / "pictures" / "check.svg"
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
COMMANDS: Final = (("check",), ("check", "--fix"))


def main() -> None:
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {"pages/checkout": CHECKOUT, "partials/emails/receipt": "…"}.items():
            path = Path(folder, "templates", f"{name}.liquid")
            path.parent.mkdir(parents=True)
            path.write_text(text, "utf-8")
        for arguments in COMMANDS:
            console.print(Text.assemble(("$ ", "bold green"), " ".join(("poscli", *arguments))))
            console.print(Text.from_ansi(_shown(folder, arguments)))
    svg = console.export_svg(title="poscli check", theme=MONOKAI)
    start, end = svg.index("@font-face"), svg.rindex("@font-face")
    FILE.write_text(svg[:start] + svg[svg.index("}", end) + 1 :].lstrip(), "utf-8")  # a picture loads nothing


def _shown(folder: str, arguments: tuple[str, ...]) -> str:
    """Return what a command shows on a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color"}
    env.pop("NO_COLOR", None)
    process = subprocess.Popen([sys.executable, "-P", "-m", "poscli", *arguments], cwd=folder, env=env, stdout=theirs)
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
