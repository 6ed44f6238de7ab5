"""Pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a column without anything in it is left out."""
    body = [[cell(text) for text in row] for row in rows]
    used = [number for number in range(len(head)) if any(row[number] for row in body)]
    lines = [
        f"| {' | '.join(head[number] for number in used)} |",
        f"|{'---|' * len(used)}",
        *(f"| {' | '.join(row[number] for number in used)} |" for row in body),
    ]
    return "".join(f"{re.sub(' +', ' ', line)}\n" for line in lines)


def cell(text: str) -> str:
    """Return text as a cell can hold it: in one line, without a bar or a tag of its own."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    plain = [part if part.startswith("`") else part.replace("<", "&lt;") for part in parts]
    return "".join(plain).replace("|", "\\|")


def code(text: str) -> str:
    """Return text as code; nothing for nothing."""
    return f"`{text}`" if text else ""
