"""The version of an application, as its worker shows it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from liquid_background.job import Performer

_LONGEST: Final = 100  # characters


@cache
def own_version() -> str:
    """Return the version of liquid-background that is installed."""
    try:
        return metadata.version("liquid-background")
    except metadata.PackageNotFoundError:  # run from a folder
        return "unknown"


def app_version(app: str | None, performer: Performer) -> str:
    """Return the version of an application; empty where none is known.

    It is the first of: `__version__` of the engine; of the module that the setting APP names, and of the packages that
    hold it, the innermost first; the version of the distribution that the outermost of them was installed from.

    Args:
        app: the setting.
        performer: what it gave.
    """
    module = (app or "").partition(":")[0]
    found = next(_attributes(performer, module), "") or _distribution(module.partition(".")[0])
    return found if len(found) <= _LONGEST else f"{found[:_LONGEST]}…"


def _attributes(performer: Performer, module: str) -> Iterator[str]:
    places: list[object] = [performer]
    while module:
        places.append(sys.modules.get(module))
        module = module.rpartition(".")[0]
    for place in places:
        version = getattr(place, "__version__", None)
        if isinstance(version, str) and version:
            yield version


def _distribution(package: str) -> str:
    """Return the version of the distribution that a package was installed from, as it is or as a link to its folder."""
    try:
        place = Path(str(getattr(sys.modules.get(package), "__file__", None) or ""))
        if not place.is_absolute():
            return ""
        installed = list(metadata.distributions())
        # Most applications are installed from none. To ask each for its packages reads all of their files' names, which
        # is most of a worker's start.
        if any(_is_within(place, folder) for folder in {str(each.locate_file("")) for each in installed}):
            for name in metadata.packages_distributions().get(package, []):
                found = metadata.distribution(name)
                if _is_within(place, str(found.locate_file(""))):  # another one may have a package of that name
                    return found.version
        return next((each.version for each in installed if _is_within(place, _linked(each))), "")
    except Exception:  # noqa: BLE001  whatever stands among the installed packages, it must not end the worker
        return ""


def _is_within(place: Path, folder: str) -> bool:
    return bool(folder) and place.resolve().is_relative_to(Path(folder).resolve())


def _linked(found: metadata.Distribution) -> str:
    """Return the folder that a distribution was installed as a link to; empty for others."""
    said = json.loads(found.read_text("direct_url.json") or "{}")
    url = urlsplit(str(said.get("url", "")))
    return unquote(url.path) if said.get("dir_info", {}).get("editable") and url.scheme == "file" else ""
