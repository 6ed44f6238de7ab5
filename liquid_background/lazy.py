"""Package attributes that are imported on first use (PEP 562), so that importing a package costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from importlib import import_module

from liquid_background.extras import extra


def lazy_attributes(package: str, homes: Mapping[str, str], *, needs: str | None = None) -> Callable[[str], object]:
    """Return a module `__getattr__` for a package.

    Args:
        package: the package's `__name__`.
        homes: for each public name, the submodule that defines it; "" for a submodule itself.
        needs: the extra that has what they import; None when that is always there.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        with extra(needs) if needs else nullcontext():
            module = import_module(f"{package}.{home or name}")
        value: object = getattr(module, name) if home else module
        setattr(sys.modules[package], name, value)
        return value

    return load
