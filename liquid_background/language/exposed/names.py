"""Classes of libraries that are known by name, so that none is imported; and the names that ready rules leave out."""

from __future__ import annotations

from collections.abc import Sequence

from liquid_background.jobs.masking import looks_secret


def is_kind(kind: type, module: str, name: str) -> bool:
    """Return whether a class is the one of that module and name, or one of its subclasses."""
    return any(base.__name__ == name and base.__module__ == module for base in kind.__mro__)


def is_open(name: str, secret: Sequence[str]) -> bool:
    """Return whether a ready rule may expose a field of that name: not a private one, nor one that looks secret."""
    return not name.startswith("_") and not looks_secret(name, secret)
