"""Where platformOS has its templates: in folders of the application, and in those of its modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_PARTIALS: Final = ("lib", "views/partials", "views/partials/lib")
_LAYOUTS: Final = ("views/layouts",)
_APPLICATIONS: Final = ("app", "")
_OF_LAYOUTS: Final = frozenset(("layout", "extends"))
_MODULES: Final = "modules"


def places(name: str, tag: str) -> Iterator[str]:
    """Yield the places of a template in a site's folder, without their endings, the first one first.

    `modules/core/commands/create` is of the module `core`: the application may have one of its own instead of it. Any
    other name is of the application.

    Args:
        name: of the template.
        tag: that names it; "" for a page.
    """
    if not tag:
        return
    folders = _LAYOUTS if tag in _OF_LAYOUTS else _PARTIALS
    parts = name.split("/", 2)
    if parts[0] != _MODULES or len(parts) < 3:
        yield from _in_folders(_APPLICATIONS, folders, name)
        return
    module, within = parts[1], parts[2]
    own = tuple(f"{root}/{_MODULES}/{module}/public".lstrip("/") for root in _APPLICATIONS)
    yield from _in_folders(own, folders, within)


def _in_folders(roots: tuple[str, ...], folders: tuple[str, ...], name: str) -> Iterator[str]:
    for root in roots:
        for folder in folders:
            yield f"{root}/{folder}/{name}".lstrip("/")
