"""What to install when a package is missing that a part of this project needs and others do without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PACKAGES: Final = {
    "web": ("starlette", "uvicorn"),
    "fastapi": ("fastapi", "starlette", "uvicorn"),
    "flask": ("flask", "werkzeug"),
    "sqlalchemy": ("sqlalchemy",),
    "django": ("django",),
    "metrics": ("prometheus_client",),
    "otel": ("opentelemetry",),
}


class MissingExtra(ModuleNotFoundError):
    """Raised on import when an extra is not installed; outside of the tree of errors, which takes long to import."""


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Have an import in this block say which extra to install when that is what it lacks.

    Raises:
        MissingExtra: naming the package and the extra.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES[name]:  # it is the application's own
            raise
        advice = f"run pip install 'liquid-background[{name}]'"
        raise MissingExtra(f"the package {package} is not installed: {advice}", name=package) from error
