"""How the names in a store tell the sites apart that share it: `shop.high` in RQ's, `liquid_background:shop.…` in ours.

Without a site every name is as it stands elsewhere. A name of ours never holds a dot before its second colon, so none
without a site is one with a site.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from liquid_background.job import Priority

_OWN: Final = "liquid_background:"
_OF_A_SITE: Final = re.compile(rf"(?:([A-Za-z0-9_-]+)\.)?(?:{'|'.join(Priority)})", re.ASCII)


def queue_name(site: str, queue: str) -> str:
    """Return what RQ calls a site's queue: `shop.high`."""
    return f"{site}.{queue}" if site else queue


def own_name(site: str, name: str) -> str:
    """Return the name that a key of ours has for a site: `liquid_background:shop.leases`."""
    return f"{_OWN}{site}.{name.removeprefix(_OWN)}" if site else name


def priority_of(site: str, origin: str) -> Priority | None:
    """Return the queue of a site that RQ calls so; None for every other queue."""
    return next((priority for priority in Priority if queue_name(site, priority) == origin), None)


def is_of_another(site: str, origin: str) -> bool:
    """Return whether RQ's name of a queue is that of another site, one without a name included.

    The scripts decide so, too: see elsewhere.lua.
    """
    return site_of(origin) not in (None, site)


def site_of(origin: str) -> str | None:
    """Return the site that RQ's name of a queue says: empty for those without a name, None for no site's queue."""
    found = _OF_A_SITE.fullmatch(origin)
    return None if found is None else found[1] or ""


def id_suffix(site: str) -> str:
    """Return what the ids of a site's schedules end with: all sites' jobs stand under their ids alone.

    It is a digest, since the name of a schedule and its time leave no room for that of a site.
    """
    return f"-{hashlib.sha256(site.encode('ascii')).hexdigest()[:7]}" if site else ""
