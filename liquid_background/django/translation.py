"""Errors of Liquid as Django's own: what its shortcuts catch, and the place for its error page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.template import TemplateDoesNotExist, TemplateSyntaxError
from liquid.exceptions import LiquidError, LiquidSyntaxError, TemplateNotFoundError

from liquid_background.language.pages import sites_of
from liquid_background.language.syntax import Place, explain, trace
from liquid_background.language.template import Template

_AROUND: Final = 10  # lines before and behind the place


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a template is from, as Django's error pages show it."""

    name: str
    template_name: str | None

    @classmethod
    def of(cls, template: Template, loader: object, name: str | None) -> Origin:
        """Return the file of a template, or its name."""
        return cls(_file(loader, template.display_name), name)


@contextmanager
def translated(backend: Any) -> Iterator[None]:
    """Raise Django's errors for those of Liquid; others of a template get what the error page shows of it."""
    try:
        yield
    except TemplateNotFoundError as error:
        missing = TemplateDoesNotExist(str(error.message), backend=backend)
        _show(missing, error, backend)
        raise missing from error
    except LiquidSyntaxError as error:
        wrong = TemplateSyntaxError(explain(error))
        _show(wrong, error, backend)
        raise wrong from error
    except LiquidError as error:
        _show(error, error, backend)
        raise


def _show(shown: Exception, error: LiquidError, backend: Any) -> None:
    places = trace(error)
    if places and places[-1].line:
        shown.template_debug = _debug(places[-1], explain(error), backend)  # type: ignore[attr-defined]


def _debug(place: Place, message: str, backend: Any) -> dict[str, Any]:
    """Return what Django's error page shows of a template: the lines around the place, and the place in its line."""
    lines = place.source.removesuffix("\n").split("\n")
    top, bottom = max(0, place.line - _AROUND - 1), min(len(lines), place.line + _AROUND)
    line = lines[place.line - 1]
    start = max(line.rfind(opening, 0, place.column + 2) for opening in ("{%", "{{", "<%"))
    start = place.column if start < 0 else start
    ends = [end + 2 for closing in ("%}", "}}", "%>") if (end := line.find(closing, place.column)) >= 0]
    end = min(ends, default=len(line))
    return {
        "name": _file(backend.engine.environment.loader, place.template),
        "message": message,
        "source_lines": list(enumerate(lines, 1))[top:bottom],
        "line": place.line,
        "before": line[:start],
        "during": line[start:end],
        "after": line[end:],
        "top": top,
        "bottom": bottom,
        "total": len(lines),
    }


def _file(loader: object, name: str) -> str:
    find = getattr(loader, "find", None) if sites_of(loader) else None  # of a site, or of several
    return str((find(name) if find is not None else None) or name)
