"""Texts that are not saved, as editors hand them to `poscli check`: one on standard input, or several as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import click

from liquid_background.language.pages import MAX_TEMPLATE
from liquid_background.wording import kilobytes

VERSION: Final = 1
STDIN: Final = Path("-")
_MOST: Final = 64 * 1024 * 1024  # bytes of JSON


@dataclass(frozen=True, slots=True)
class Buffers:
    """Texts that are not saved.

    Attributes:
        texts: by their files.
        mark: the byte order mark of the one on standard input, empty without one.
    """

    texts: Mapping[Path, str] = field(default_factory=dict)
    mark: bytes = b""


def read_one(stdin: BinaryIO, name: Path) -> Buffers:
    """Return what standard input holds as the text of a file.

    Raises:
        click.UsageError: when it holds more than a template may.
    """
    given = stdin.read(MAX_TEMPLATE + 1)
    if len(given) > MAX_TEMPLATE:
        raise click.UsageError(f"standard input has over {kilobytes(MAX_TEMPLATE)}, which no template may have")
    mark = b"\xef\xbb\xbf" if given.startswith(b"\xef\xbb\xbf") else b""
    # What is no UTF-8 is found, as it is in a file.
    return Buffers({name: given.removeprefix(mark).decode("utf-8", "surrogateescape")}, mark)


def read_several(stream: BinaryIO) -> Buffers:
    """Return the texts of a JSON object: `{"version": 1, "buffers": {PATH: TEXT, …}}`.

    Raises:
        click.UsageError: when it is another one.
    """
    given = stream.read(_MOST + 1)
    if len(given) > _MOST:
        raise click.UsageError(f"--buffers: over {_MOST // 1024 // 1024} MB")
    try:
        read = json.loads(given)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--buffers: no JSON: {error}") from error
    if not isinstance(read, dict) or read.get("version") != VERSION:
        found = read.get("version") if isinstance(read, dict) else None
        raise click.UsageError(
            f"--buffers: its version is {json.dumps(found)[:20]}; this poscli reads version {VERSION}"
        )
    texts = read.get("buffers")
    if not isinstance(texts, dict) or not all(path and isinstance(text, str) for path, text in texts.items()):
        raise click.UsageError('--buffers: "buffers" must be an object that has a text for each path')
    if any("\0" in path for path in texts):
        raise click.UsageError("--buffers: no path may hold a NUL")
    return Buffers({Path(path): text for path, text in texts.items()})
