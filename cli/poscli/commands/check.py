"""`poscli check`: check templates without running them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import click

from liquid_background import Engine
from liquid_background.jobs.log import printable, steady
from liquid_background.language.pages import sites_of
from liquid_background.lint import (
    Explained,
    Finding,
    Mending,
    check_files,
    check_folder,
    explain_files,
    files_under,
    mend_files,
)
from poscli.againststore import check_against_store
from poscli.annotations import annotation
from poscli.application import app_option, load_engine, needed_engine
from poscli.buffers import STDIN, Buffers, read_one, read_several
from poscli.mends import diff_of, write_all, write_out
from poscli.rechecking import Rechecking
from poscli.reports import finding_line, has_errors, summary, summary_of_mending
from poscli.sarif import sarif
from poscli.terminal import end_with_reader, fitted, hint

_LINES = ("text", "json")


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    help="json: one object a line. github: annotations of a workflow. sarif: for code scanning.",
)
@click.option("--fix", is_flag=True, help="Mend what surely can be, in the files, and say what is left.")
@click.option("--diff", is_flag=True, help="Show what --fix would write, and write nothing.")
@click.option("--watch", is_flag=True, help="Check again when a template changes, and say what is new; until Ctrl-C.")
@click.option(
    "--stdin-filename",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Whose text standard input is, for PATHS -.",
)
@click.option(
    "--buffers",
    metavar="FILE",
    type=click.File("rb"),
    help="Texts that are not saved, as JSON; - for standard input. They are checked unless there are PATHS.",
)
@click.option(
    "--explain", is_flag=True, help="Also say which templates become Python functions, and why others do not."
)
@click.option(
    "--against-store",
    is_flag=True,
    help="In their place, check the jobs that wait in the store: whether they need what these templates lack.",
)
@click.option("--failed", is_flag=True, help="With --against-store: failed jobs, too, which may be retried.")
@app_option
def command(paths: tuple[Path, ...], app: str | None, **options: Any) -> None:
    """Check templates without running them.

    PATHS are template files or folders, or - for one on standard input; without any, the whole site is checked. It
    ends with 1 when there are errors; warnings and hints alone end with 0. docs/checks.md lists the rules. A comment
    silences one, for its own line and the next: {% # check: ignore RULE %}

    \b
    Examples:
      poscli check
      poscli check --fix templates/pages/checkout.liquid
      poscli check --format json | jq .rule
      poscli check --format sarif > check.sarif
      poscli check - --stdin-filename templates/pages/new.liquid < draft
      poscli check --watch
      poscli check --explain
      poscli check --against-store
    """
    chosen = Chosen(**options)
    chosen.check_together(paths)
    if chosen.against_store:
        check_against_store(needed_engine(app), chosen.style, failed=chosen.failed)
        return
    engine = load_engine(app)
    check = _Check(engine, paths, chosen, chosen.read(paths))
    if chosen.watch:
        _watch(check)
    elif chosen.fix or chosen.diff:
        _mend(check)
    else:
        _once(check)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The options of a check, as they were given."""

    style: str
    explain: bool
    fix: bool
    diff: bool
    watch: bool
    against_store: bool
    failed: bool
    stdin_filename: Path | None
    buffers: BinaryIO | None

    def check_together(self, paths: Sequence[Path]) -> None:
        """Refuse options that do not go together.

        Raises:
            click.UsageError: when some do not.
        """
        is_stdin, mends = STDIN in paths, self.fix or self.diff
        for is_wrong, reason in (
            (
                self.against_store and (paths or self.explain or mends or self.watch or self.buffers is not None),
                "--against-store is about the jobs of the store: it takes --failed and --format only",
            ),
            (self.failed and not self.against_store, "--failed goes with --against-store"),
            (is_stdin and self.stdin_filename is None, "- needs --stdin-filename, the file whose text it is"),
            (self.stdin_filename is not None and not is_stdin, "--stdin-filename is for the path -"),
            (is_stdin and len(paths) > 1, "- is checked alone; --buffers takes several texts"),
            (is_stdin and self.buffers is not None, "- and --buffers do not go together"),
            (self.fix and self.buffers is not None, "--fix writes files; --buffers has its edits in --format json"),
            (self.watch and (is_stdin or self.buffers is not None), "--watch is for files"),
            (self.watch and (mends or self.explain), "--watch only checks"),
            (mends and self.explain, "--explain is for a check that mends nothing"),
            (self.diff and self.style != "text", "--diff has a format of its own"),
            (
                self.style not in _LINES and (self.watch or self.explain or self.against_store),
                f"--format {self.style} is for a plain check",
            ),
        ):
            if is_wrong:
                raise click.UsageError(reason)

    def read(self, paths: Sequence[Path]) -> Buffers:
        """Return the texts that are not saved."""
        if self.stdin_filename is not None and STDIN in paths:
            return read_one(sys.stdin.buffer, self.stdin_filename)
        return read_several(self.buffers) if self.buffers is not None else Buffers()


class _Check:
    """What one run of the command checks.

    Args:
        engine: with the environment.
        paths: that were given.
        chosen: the options.
        buffers: texts that are not saved.
    """

    def __init__(self, engine: Engine, paths: Sequence[Path], chosen: Chosen, buffers: Buffers) -> None:
        self.engine = engine
        self.chosen = chosen
        self.buffers = buffers
        self.is_stdin = STDIN in paths
        given = [path for path in paths if path != STDIN]
        self._named = set(given)
        self.roots = given if given or buffers.texts else _site_roots(engine)

    def files(self) -> tuple[list[Path], list[Finding]]:
        """Return the files to check, and the folders in which none is found."""
        found: list[Finding] = []
        files = [*self.buffers.texts] if not self.roots else []
        for root in self.roots:
            if root in self._named and not root.is_dir():
                files.append(root)
            else:
                found += check_folder(root)
                files += files_under(root)
        return files, found

    def find(self) -> tuple[list[Finding], int]:
        """Return what is wrong, and how many files were checked."""
        files, found = self.files()
        timeout = self.engine.settings.job_timeout_of
        return [*found, *check_files(self.engine.environment, files, timeout, self.buffers.texts)], len(files)

    def mend(self) -> tuple[Mending, int]:
        """Return what can be mended, and how many files were checked."""
        files, found = self.files()
        timeout = self.engine.settings.job_timeout_of
        mending = mend_files(self.engine.environment, files, timeout, self.buffers.texts)
        return replace(mending, left=(*found, *mending.left)), len(files)


def _site_roots(engine: Engine) -> list[Path]:
    roots = [site.root for site in sites_of(engine.environment.loader)]
    if not roots:
        raise click.UsageError("the application's templates are in no folder; name the files to check")
    for root in roots:
        if not os.path.lexists(root):
            raise click.UsageError(f"no folder {root}; name the files to check, or set TEMPLATES")
    return roots


def _once(check: _Check) -> None:
    found, count = check.find()
    style = check.chosen.style
    _tell(found, style)
    if check.chosen.explain:
        files, _ = check.files()
        for how in explain_files(check.engine.environment, files, check.buffers.texts):
            click.echo(_explained_json(how) if style == "json" else fitted(_explained(how)))
    if style in ("text", "github"):
        click.echo(summary(found, count))
    _leave(has_errors(found))


def _mend(check: _Check) -> None:
    """Mend, or show what would be mended: findings are on stderr where standard output has another use."""
    mending, count = check.mend()
    chosen = check.chosen
    if chosen.diff:
        for line in diff_of(mending.mended):
            click.echo(line)
        click.echo(fitted(summary_of_mending(mending, count, "to mend"), to_stderr=True), err=True)
        _leave(bool(mending.mended) or has_errors(mending.left))
    if check.is_stdin:
        write_out(mending, next(iter(check.buffers.texts.values())), check.buffers.mark)
        lost = False
    else:
        written = write_all(check.engine.environment, mending)
        lost, mending = len(written.mended) < len(mending.mended), written
    if chosen.style in _LINES:
        for item in (item for each in mending.mended for item in each.findings):
            click.echo(finding_line(item, chosen.style, mended=True), err=check.is_stdin)
    _tell(mending.left, chosen.style, err=check.is_stdin)
    if chosen.style in ("text", "github"):
        click.echo(summary_of_mending(mending, count), err=check.is_stdin)
    _leave(lost or has_errors(mending.left))


def _watch(check: _Check) -> None:
    """Tell what is new whenever a template changes, until Ctrl-C, SIGTERM, or until nobody reads it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    style = check.chosen.style
    around = [site.root for site in sites_of(check.engine.environment.loader)]  # partials that files include, too
    with contextlib.suppress(KeyboardInterrupt):
        end_with_reader()
        hint("Watching the templates. Ctrl-C ends it.")
        is_first = True
        for change in Rechecking([*check.roots, *around], check.find).changes():
            _tell(change.new, style)
            if style == "text":
                all_of_it = summary(change.found, change.files)
                click.echo(all_of_it if is_first else f"{len(change.new):,} new, {change.gone:,} gone: {all_of_it}")
            is_first = False


def _tell(found: Sequence[Finding], style: str, *, err: bool = False) -> None:
    if style == "sarif":
        click.echo(json.dumps(sarif(found), indent=2), err=err)
        return
    for item in found:
        click.echo(annotation(item) if style == "github" else finding_line(item, style), err=err)


def _leave(failed: bool) -> None:
    raise click.exceptions.Exit(1 if failed else 0)


def _explained(how: Explained) -> str:
    if how.why_walked:
        return f"{steady(how.path)}: walked: {printable(how.why_walked)}"
    calls = ", ".join(f"{printable(tag)} (line {line})" for tag, line in how.called.items())
    return f"{steady(how.path)}: compiled" + (f"; calls {calls}" if calls else "")


def _explained_json(how: Explained) -> str:
    return json.dumps(
        {"path": how.path, "compiled": not how.why_walked, "why": how.why_walked, "calls": dict(how.called)}
    )
