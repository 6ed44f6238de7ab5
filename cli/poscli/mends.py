"""What `poscli check --fix` mends: written into files, onto standard output, or shown as a diff."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from typing import Final

import click

from liquid_background.errors import TemplateNotWritten
from liquid_background.jobs.log import printable, printable_once
from liquid_background.language.environment import Environment
from liquid_background.lint import Mended, Mending
from poscli.terminal import fitted, note, styled

_NO_NEWLINE: Final = "\\ No newline at end of file"
_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}


def write_all(environment: Environment, mending: Mending) -> Mending:
    """Write mended texts into their files; return what came of it. Of one that is not written, stderr says why."""
    written: list[Mended] = []
    left = [*mending.left]
    for each in mending.mended:
        try:
            each.write(environment)
        except TemplateNotWritten as error:
            note(str(error))
            left += each.findings
        else:
            written.append(each)
    return Mending(tuple(written), tuple(left))


def diff_of(mended: Iterable[Mended]) -> Iterator[str]:
    """Yield the lines of a unified diff, which `patch -p1` takes as they are where standard output is no terminal."""
    for each in mended:
        name = printable_once(each.path.lstrip("/"))
        for line in difflib.unified_diff(_lines(each.before), _lines(each.after), f"a/{name}", f"b/{name}"):
            yield _shown(line.removesuffix("\n"))
            if not line.endswith("\n"):
                yield _NO_NEWLINE


def _lines(text: str) -> list[str]:
    """Return the lines of a text with their ends; only a newline ends a line, as in a template."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    return lines if lines[-1] else lines[:-1]


def _shown(line: str) -> str:
    """Return a line of a diff; on a terminal nothing in it moves what stands beside it."""
    if not sys.stdout.isatty():
        return line
    return fitted(styled(printable(line), fg=_COLOURS.get(line[:1])))


def write_out(mending: Mending, before: str, mark: bytes) -> None:
    """Write the mended text of standard input, or the one that it was, to standard output, byte for byte."""
    text = mending.mended[0].after if mending.mended else before
    click.echo(mark + text.encode("utf-8", "surrogateescape"), nl=False)
