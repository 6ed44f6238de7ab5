"""What the shell's completion offers for values. It never fails, starts no store and loads no application."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import click

from liquid_background import Engine, LogEntry
from liquid_background.jobs.queue.overview import site_names
from liquid_background.jobs.store import embedded
from liquid_background.language.pages import PAGES, SiteLoader
from liquid_background.settings import load_settings
from poscli.application import no_store

_LOOKED_AT: Final = 1_000  # newest log entries
_OFFERED: Final = 200  # newest jobs whose ids begin so

# A shell puts what is offered into the command line as it is, and runs that: authors choose these names. So there is
# nothing here that a shell expands, splits or takes for an option, and no comma, at which click's script for fish cuts.
_SAFE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:@%+=-]*", re.ASCII)

Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], list[str]]


def _offering(names: Callable[[Engine, str], Iterable[str]]) -> Complete:
    """Return the completion for what an engine knows by the names that the function gives for a beginning."""

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        try:
            with warnings.catch_warnings(action="ignore"):  # their lines would stand in the middle of what is typed
                # From the settings alone: loading the application would run its code at each press of a key.
                found = set(names(Engine(settings=load_settings()), incomplete))
        except Exception:  # noqa: BLE001  a shell that completes must not be interrupted by any trouble
            return []
        return sorted(name for name in found if name.startswith(incomplete) and _SAFE.fullmatch(name))

    return complete


def _entries(engine: Engine) -> list[LogEntry]:
    return engine.log.entries(limit=_LOOKED_AT) if _has_store(engine) else []


def _has_store(engine: Engine) -> bool:
    settings = engine.settings
    return bool(settings.redis_url) or (no_store(settings) is None and embedded.status(settings.data_dir).running)


def _pages(engine: Engine) -> list[str]:
    loader = engine.environment.loader
    return loader.names(PAGES) if isinstance(loader, SiteLoader) else []


def _job_ids(engine: Engine, beginning: str) -> list[str]:
    return [job.id for job in engine.jobs.list(limit=_OFFERED, id_prefix=beginning)] if _has_store(engine) else []


def _failures(engine: Engine) -> list[str]:
    return [group.id for group in engine.failures.list(silenced=True)] if _has_store(engine) else []


pages = _offering(lambda engine, _: _pages(engine))
source_names = _offering(lambda engine, _: (entry.source_name for entry in _entries(engine)))
types = _offering(lambda engine, _: (entry.type for entry in _entries(engine)))
sites = _offering(lambda engine, _: filter(None, site_names(engine.store)) if _has_store(engine) else ())
failures = _offering(lambda engine, _: _failures(engine))
job_ids = _offering(_job_ids)
