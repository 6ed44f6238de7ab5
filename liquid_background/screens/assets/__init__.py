"""The dashboard's own files, and those of others that it ships; VENDORED.md tells whose they are.

Each has a digest of its content in its URL, so that browsers keep it for good and get a new one after an upgrade.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from liquid_background.screens.messages import Refused, ScreenAnswer, ScreenRequest

_TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOLDER: Final = files("liquid_background.screens") / "assets"
_BODIES: Final = {each.name: each.read_bytes() for each in _FOLDER.iterdir() if each.name.rpartition(".")[2] in _TYPES}
ASSETS: Final = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in sorted(_BODIES.items())}
"""The digest of each file, by its name."""


def asset_urls(root: str) -> dict[str, str]:
    """Return the URL of each file, by its name with _ for what templates do not allow in names."""
    return {
        name.replace(".", "_").replace("-", "_"): f"{root}/assets/{digest}/{name}" for name, digest in ASSETS.items()
    }


def asset(request: ScreenRequest) -> ScreenAnswer:
    """Return one file.

    Raises:
        Refused: when there is none.
    """
    name = request.segments[-1]
    if len(request.segments) != 3 or ASSETS.get(name) != request.segments[1]:
        raise Refused(404, "There is no such file.")
    headers = (
        ("content-type", _TYPES[name.rpartition(".")[2]]),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
    )
    return ScreenAnswer(headers=headers, body=_BODIES[name])
