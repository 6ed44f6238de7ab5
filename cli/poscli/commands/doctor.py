"""`poscli doctor`: checks of the set-up, each with its fix."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

import click

from liquid_background import Engine
from liquid_background.errors import LiquidBackgroundError
from liquid_background.jobs.log import printable
from liquid_background.jobs.queue.overview import workers
from liquid_background.jobs.store import embedded, health_warnings
from liquid_background.jobs.store.ownership import check_place
from liquid_background.language.pages import PAGES, SiteLoader
from liquid_background.lint import Finding as Problem
from liquid_background.lint import Severity, check_files, check_folder, files_under
from poscli.application import app_option, given_engine, load_engine, no_store
from poscli.terminal import as_called, fitted, styled

_SHOWN: Final = 3  # errors of templates; the others are for poscli check
_MOST_SHOWN: Final = 20  # even of those that are more than the cost of a file


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `fix` says what to do unless all is well."""

    subject: str
    found: str
    fix: str = ""
    fatal: bool = True  # whether jobs cannot run until it is fixed


@click.command("doctor")
@app_option
def command(app: str | None) -> None:
    """Check the set-up and say how to fix what is wrong. It changes nothing.

    It ends with 1 when something has to be fixed before jobs can run, or two pages would answer one request.

    \b
    Example:
      poscli doctor
    """
    findings = list(_findings(app))
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        mark = styled("ok   ", fg="green")
        if finding.fix:
            mark = styled("wrong", fg="red") if finding.fatal else styled("note ", fg="yellow")
        fix = f"; {printable(as_called(finding.fix))}" if finding.fix else ""
        print(fitted(f"{mark}  {finding.subject:<{width}}  {printable(as_called(finding.found))}{fix}"))
    sys.exit(any(finding.fix and finding.fatal for finding in findings))


def _findings(app: str | None) -> Iterator[Finding]:
    yield _python()
    yield from _packages()
    try:
        engine = load_engine(app)
    except LiquidBackgroundError as error:
        yield Finding("settings", str(error), "correct the setting")
        return
    yield _application(app, engine)
    yield from _templates(engine)
    yield from _store(engine)


def _application(app: str | None, engine: Engine) -> Finding:
    if app is None and given_engine() is not None:
        return Finding("application", "the one that this command is of")
    return Finding("application", app or engine.settings.app or "none: an engine from the settings alone")


def _python() -> Finding:
    return Finding("python", f"{platform.python_version()} in {sys.prefix}")


def _packages() -> Iterator[Finding]:
    for name in ("python-liquid", "rq", "redis", "click"):
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "not installed", "run: pip install liquid-background")
    try:
        version("liquidpy")
    except PackageNotFoundError:
        pass
    else:
        fix = "run: pip uninstall liquidpy && pip install --force-reinstall python-liquid"
        yield Finding("liquidpy", "installed, and overwrites python-liquid's files", fix)
    if find_spec("uvicorn") is None or find_spec("starlette") is None:
        fix = "for 'poscli serve' and 'dev' run: pip install 'liquid-background[web]'"
        yield Finding("web", "not installed", fix, fatal=False)


def _templates(engine: Engine) -> Iterator[Finding]:
    loader = engine.environment.loader
    if not isinstance(loader, SiteLoader):
        yield Finding("templates", f"from a {type(loader).__name__}")
        return
    if not os.path.lexists(loader.root):
        fix = "run 'poscli init' for a starter project, or set LIQUID_BACKGROUND_TEMPLATES"
        yield Finding("templates", f"no folder {loader.root}", fix, fatal=False)
        return
    unusable = check_folder(loader.root)
    for folder in unusable:
        yield Finding("templates", f"{folder.path}: {folder.message}", folder.fix)
    count = len(loader.names(PAGES))
    if not count and unusable:
        return
    if not count:
        yield Finding("templates", f"no pages in {loader.root}/{PAGES}", "put NAME.liquid there", fatal=False)
        return
    found = f"{count} {'page' if count == 1 else 'pages'} in {loader.root}/{PAGES}"
    findings = check_files(engine.environment, files_under(loader.root), engine.settings.job_timeout)
    errors = [finding for finding in findings if finding.rule.severity is Severity.ERROR]
    if not errors:
        yield Finding("templates", found)
        return
    wrong = f"{len(errors)} {'error' if len(errors) == 1 else 'errors'}"
    yield Finding("templates", f"{found}, with {wrong}", "look: poscli check", fatal=False)
    errors.sort(key=_is_minor)
    major = sum(not _is_minor(error) for error in errors)
    for error in errors[: max(_SHOWN, min(major, _MOST_SHOWN))]:
        place = f"{error.path}:{error.line}: {error.message}"
        yield Finding("templates", place, error.fix or "correct it", fatal=not _is_minor(error))


def _is_minor(error: Problem) -> bool:
    """Return whether an error costs its own file only; of two pages with one slug, a visitor gets the wrong one."""
    return error.rule.name != "same-slug"


def _store(engine: Engine) -> Iterator[Finding]:
    settings = engine.settings
    if not settings.redis_url:
        try:
            yield Finding("server", str(embedded.find_server()))
        except LiquidBackgroundError as error:
            yield Finding("server", "none", str(error))
            return
    try:
        if not settings.redis_url:
            check_place(settings.data_dir)
        if no_store(settings):
            yield Finding("store", f"embedded, not made yet, in {settings.data_dir}")
            return
        yield Finding("store", f"{engine.store.kind}, {engine.store.url}")
        warnings = health_warnings(engine.store)
    except LiquidBackgroundError as error:
        yield Finding("store", "cannot be used", str(error))
        return
    for warning in warnings:
        found, _, fix = warning.rpartition(": ")
        yield Finding("store", found or warning, fix or "ask who runs the server", fatal=False)
    yield from _running(engine)


def _running(engine: Engine) -> Iterator[Finding]:
    running = [worker for worker in workers(engine.store) if worker.is_readable]
    waiting = sum(count.queued + count.scheduled for count in engine.jobs.counts())
    if running or not waiting:
        yield Finding("workers", f"{len(running)} running, {waiting} jobs waiting")
    else:
        yield Finding("workers", f"none, and {waiting} jobs waiting", "start one: poscli worker", fatal=False)
    failed = sum(count.failed for count in engine.jobs.counts())
    if failed:
        yield Finding("jobs", f"{failed} failed", "look: poscli jobs list --status failed", fatal=False)
