"""What tells an application's workers and commands from those of another: what it can run, by digests."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Final

from liquid.exceptions import LiquidError

from liquid_background.job import Performer
from liquid_background.jobs.queue.applications import Application, digest_of, sampled
from liquid_background.language.pages import CONSUMERS, LAYOUTS, PAGES, PARTIALS, SiteLoader, sites_of
from liquid_background.settings import Settings

_OURS: Final = "liquid_background."  # whose functions every application has that uses a face of this library


def application_of(performer: Performer, settings: Settings) -> Application:
    """Return what an application is known by; one without a folder of templates and functions, by its name alone."""
    sites = sites_of(getattr(getattr(performer, "environment", None), "loader", None))
    paths: Collection[str] = getattr(performer, "function_paths", ())
    functions = sampled(path for path in paths if not path.startswith(_OURS))
    return Application(
        name=settings.app or "",
        folder=", ".join(str(site.root.absolute()) for site in sites),
        templates=dict(_digests(sites)),
        functions=dict.fromkeys(functions, ""),
    )


def _digests(sites: list[SiteLoader]) -> Iterator[tuple[str, str]]:
    """Yield the digest of each template that is looked at, by that of its name; of some thousands, few are read."""
    homes = {f"{folder}/{name}": site for site in reversed(sites) for folder, name in _names(site)}
    for digest, name in sampled(homes).items():
        with suppress(LiquidError):  # it has gone, or cannot be read: workers say so elsewhere
            yield digest, digest_of(homes[name].text(name))


def _names(site: SiteLoader) -> Iterator[tuple[str, str]]:
    for folder in (PAGES, PARTIALS, LAYOUTS, CONSUMERS):
        for name in site.names(folder):
            yield folder, name
