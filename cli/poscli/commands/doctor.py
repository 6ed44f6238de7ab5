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
from liquid_background.application import application_of
from liquid_background.errors import LiquidBackgroundError, StoreError
from liquid_background.jobs.log import printable
from liquid_background.jobs.queue.applications import SITES
from liquid_background.jobs.queue.health import Health
from liquid_background.jobs.queue.looking import health_of
from liquid_background.jobs.queue.overview import site_names
from liquid_background.jobs.store import embedded
from liquid_background.jobs.store.folder import folder_verdicts
from liquid_background.jobs.store.health import advice
from liquid_background.jobs.store.verdict import Severity, Verdict
from liquid_background.language.pages import PAGES, SiteLoader
from liquid_background.lint import Finding as Problem
from liquid_background.lint import Severity as Level
from liquid_background.lint import check_files, check_folder, files_under
from liquid_background.wording import a, counted
from poscli.application import app_option, given_engine, load_engine, no_store
from poscli.called import as_called
from poscli.terminal import fitted, styled

_SHOWN: Final = 3  # errors of templates; the others are for poscli check
_MOST_CHECKED: Final = 5_000  # templates; whoever may write one may write many, and each takes a millisecond or two
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
    yield from _dashboard(engine)
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
        fix = "for 'poscli gui', 'serve' and 'dev' run: pip install 'liquid-background[web]'"
        yield Finding("web", "not installed", fix, fatal=False)


def _templates(engine: Engine) -> Iterator[Finding]:
    loader = engine.environment.loader
    if not isinstance(loader, SiteLoader):
        yield Finding("templates", f"from {a(type(loader).__name__)}")
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
    files = files_under(loader.root)
    if len(files) > _MOST_CHECKED:
        more = f"{len(files):,} templates, of which {_MOST_CHECKED:,} are checked here"
        yield Finding("templates", more, "look: poscli check", fatal=False)
    findings = check_files(engine.environment, files[:_MOST_CHECKED], engine.settings.job_timeout_of)
    errors = [finding for finding in findings if finding.rule.severity is Level.ERROR]
    if not errors:
        yield Finding("templates", found)
        return
    wrong = counted(len(errors), "error")
    yield Finding("templates", f"{found}, with {wrong}", "look: poscli check", fatal=False)
    errors.sort(key=_is_minor)
    major = sum(not _is_minor(error) for error in errors)
    for error in errors[: max(_SHOWN, min(major, _MOST_SHOWN))]:
        place = f"{error.path}:{error.line}: {error.message}"
        yield Finding("templates", place, error.fix or "correct it", fatal=not _is_minor(error))


def _dashboard(engine: Engine) -> Iterator[Finding]:
    """Say what no check can see: whether the application has put the dashboard on the host of such pages."""
    loader = engine.environment.loader
    if find_spec("starlette") is not None and isinstance(loader, SiteLoader) and os.path.lexists(loader.root):
        found = "pages of authors whom you do not trust belong on another host than it: docs/dashboard.md"
        yield Finding("dashboard", found)


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
            unusable = folder_verdicts(settings.data_dir)
            yield from map(_of_folder, unusable)
            if any(verdict.severity is Severity.WRONG for verdict in unusable):
                return
        if no_store(settings):
            yield Finding("store", f"embedded, not made yet, in {settings.data_dir}")
            return
        yield Finding("store", f"{engine.store.kind}, {engine.store.url}")
        health = health_of(engine.store, settings, own=application_of(engine, settings))
    except LiquidBackgroundError as error:
        yield Finding("store", "cannot be used", str(error))
        return
    yield _site(engine, health)
    yield from map(_finding, (verdict for verdict in health.verdicts if verdict.name != "folder"))  # as told above
    yield from map(_finding, advice(health.server))
    seen = health.serving
    if seen.workers is not None and not any(verdict.name == "workers" for verdict in health.verdicts):
        yield Finding("workers", f"{seen.workers} running, {counted(seen.waiting + seen.later, 'job')} waiting")
    yield from _failed(engine)


def _site(engine: Engine, health: Health) -> Finding:
    """Say which site this is, and which others have sent jobs to this store."""
    own = engine.store.site
    try:
        others = [name for name in site_names(engine.store) if name != own]
    except StoreError:
        return Finding("site", own or "none; this user may not see whether others have jobs here")
    if others:
        named = ", ".join(name or "one without a name" for name in others)
        return Finding("site", f"{own or 'none'}; on this store, too: {named}")
    if any(verdict.name == SITES for verdict in health.verdicts):
        return Finding("site", own or "none")
    return Finding("site", f"{own or 'none'}; no other is seen on this store")


def _of_folder(verdict: Verdict) -> Finding:
    if verdict.severity is Severity.WRONG:
        return Finding(verdict.name, "cannot be used", str(verdict))
    return _finding(verdict)


def _finding(verdict: Verdict) -> Finding:
    return Finding(verdict.name, verdict.found, verdict.remedy, fatal=verdict.severity is Severity.WRONG)


def _failed(engine: Engine) -> Iterator[Finding]:
    try:
        failed = sum(count.failed for count in engine.jobs.counts())
    except StoreError:  # as the verdicts say
        return
    if failed:
        yield Finding("jobs", f"{failed} failed", "look: poscli jobs list --status failed", fatal=False)
