"""What the shell's completion offers for values: pages and source names. It never fails and starts no store."""

from __future__ import annotations

import contextlib

import click

from liquid_background import Engine
from liquid_background.pages import PAGES, SiteLoader
from poscli.application import load_engine, no_store

_LOOKED_AT = 1_000  # newest log entries


def pages(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the pages that start with what was typed."""
    engine = _engine(ctx)
    loader = engine.environment.loader if engine else None
    names = loader.names(PAGES) if isinstance(loader, SiteLoader) else []
    return [name for name in names if name.startswith(incomplete)]


def source_names(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the source names of recent log entries that start with what was typed."""
    engine = _engine(ctx)
    if engine is None or no_store(engine.settings):
        return []
    with contextlib.suppress(Exception):  # a shell that completes must not be interrupted by a store's trouble
        found = {entry.source_name for entry in engine.log.entries(limit=_LOOKED_AT)}
        return sorted(name for name in found if name.startswith(incomplete))
    return []


def _engine(ctx: click.Context) -> Engine | None:
    with contextlib.suppress(Exception):
        return load_engine(ctx.params.get("app"))
    return None
