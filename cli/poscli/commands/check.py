"""`poscli check`: check templates without running them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from liquid_background import Engine
from liquid_background.jobs.log import printable, steady
from liquid_background.language.pages import sites_of
from liquid_background.lint import (
    Explained,
    Finding,
    Severity,
    check_files,
    check_folder,
    explain_files,
    files_under,
    handings_of,
)
from poscli.application import app_option, load_engine
from poscli.terminal import fitted, styled
from poscli.valuesview import as_json as values_as_json
from poscli.valuesview import describe

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.HINT: "cyan"}


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", help="json: one object a line.")
@click.option(
    "--explain", is_flag=True, help="Also say which templates become Python functions, and why others do not."
)
@click.option(
    "--values",
    "tells_values",
    is_flag=True,
    help="Also say what each job is handed, and what stays behind.",
)
@app_option
def command(paths: tuple[Path, ...], style: str, explain: bool, tells_values: bool, app: str | None) -> None:
    """Check templates without running them.

    PATHS are template files or folders; without any, the whole site is checked. It ends with 1 when there are
    errors; warnings and hints alone end with 0. docs/checks.md lists the rules. A comment silences one, for its own
    line and the next: {% # check: ignore RULE %}

    \b
    Examples:
      poscli check
      poscli check templates/pages/checkout.liquid
      poscli check --format json | jq .rule
      poscli check --explain
      poscli check --values --format json > values.json
    """
    engine = load_engine(app)
    found: list[Finding] = []
    files: list[Path] = []
    for root in _roots(engine, paths):
        if paths and not root.is_dir():
            files.append(root)
        else:
            found += check_folder(root)
            files += files_under(root)
    found += check_files(engine.environment, files, engine.settings.job_timeout_of)
    for item in found:
        click.echo(_json(item) if style == "json" else fitted(_text(item)))
    for how in explain_files(engine.environment, files) if explain else ():
        click.echo(_explained_json(how) if style == "json" else fitted(_explained(how)))
    for handing in handings_of(engine.environment, files) if tells_values else ():
        click.echo(values_as_json(handing) if style == "json" else fitted(describe(handing)))
    if style == "text":
        click.echo(_summary(found, len(files)))
    if any(item.rule.severity is Severity.ERROR for item in found):
        raise click.exceptions.Exit(1)


def _roots(engine: Engine, paths: Sequence[Path]) -> list[Path]:
    if paths:
        return list(paths)
    roots = [site.root for site in sites_of(engine.environment.loader)]
    if not roots:
        raise click.UsageError("the application's templates are in no folder; name the files to check")
    for root in roots:
        if not os.path.lexists(root):
            raise click.UsageError(f"no folder {root}; name the files to check, or set TEMPLATES")
    return roots


def _text(item: Finding) -> str:
    severity = styled(str(item.rule.severity), fg=_COLOURS[item.rule.severity])
    place = f"{steady(item.path)}:{item.line}:{item.column + 1}"
    line = f"{place}: {severity}: {printable(item.message)} [{item.rule.name}]"
    return f"{line}\n    {printable(item.fix)}" if item.fix else line


def _json(item: Finding) -> str:
    values = {
        "path": item.path,
        "line": item.line,
        "column": item.column + 1,
        "severity": str(item.rule.severity),
        "rule": item.rule.name,
        "message": item.message,
        "fix": item.fix,
    }
    return json.dumps(values)


def _explained(how: Explained) -> str:
    if how.why_walked:
        return f"{steady(how.path)}: walked: {printable(how.why_walked)}"
    calls = ", ".join(f"{printable(tag)} (line {line})" for tag, line in how.called.items())
    return f"{steady(how.path)}: compiled" + (f"; calls {calls}" if calls else "")


def _explained_json(how: Explained) -> str:
    return json.dumps(
        {"path": how.path, "compiled": not how.why_walked, "why": how.why_walked, "calls": dict(how.called)}
    )


def _summary(found: Sequence[Finding], files: int) -> str:
    counts = Counter(item.rule.severity for item in found)
    parts = [
        f"{counts[severity]} {severity}{'s' * (counts[severity] != 1)}" for severity in Severity if counts[severity]
    ]
    return f"{', '.join(parts) or 'nothing wrong'} in {files} file{'s' * (files != 1)}"
