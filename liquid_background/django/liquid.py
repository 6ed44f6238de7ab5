"""The backend for TEMPLATES: `render(request, "page.liquid", {…})` renders Liquid and sends the jobs of the page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.template.backends.base import BaseEngine
from django.template.backends.utils import csrf_input_lazy, csrf_token_lazy
from django.utils.module_loading import import_string
from django.utils.safestring import mark_safe

from liquid_background.django.environment import APP_DIRNAME, CONTEXT_PROCESSORS
from liquid_background.django.project import engine
from liquid_background.django.request import request_values, seen_by_pages
from liquid_background.django.translation import Origin, translated
from liquid_background.engine import Engine
from liquid_background.errors import SettingsError
from liquid_background.language.template import Template as Page
from liquid_background.lazy import kept


class LiquidTemplates(BaseEngine):
    """Django's way to the templates of the project's engine.

    DIRS and the folder `liquid` of each application, with APP_DIRS, hold `.liquid` files. OPTIONS are
    `context_processors`, `environment` (the path of a function that makes a `liquid_background.Environment`), and what
    that takes: `autoescape`, on if nothing else is said, `undefined`, `tolerance`, …
    """

    app_dirname = APP_DIRNAME

    def __init__(self, params: Mapping[str, Any]) -> None:
        options = dict(params.get("OPTIONS", {}))
        super().__init__({name: value for name, value in params.items() if name != "OPTIONS"})
        self._processors = options.get(CONTEXT_PROCESSORS, ())

    @kept
    def engine(self) -> Engine:
        """The project's engine, whose environment is made from the same entry of TEMPLATES."""
        try:
            return engine()
        except SettingsError as error:
            raise ImproperlyConfigured(str(error)) from error

    @kept
    def context_processors(self) -> list[Callable[[HttpRequest], Mapping[str, Any]]]:
        """The functions that give each page more names."""
        return [import_string(path) for path in self._processors]

    def from_string(self, template_code: str) -> Template:
        """Return the template that a text is."""
        with translated(self):
            return Template(self.engine.environment.from_string(str(template_code)), self)

    def get_template(self, template_name: str) -> Template:
        """Return a template by its name, which may leave out `.liquid`.

        Raises:
            TemplateDoesNotExist: when no folder has it.
            TemplateSyntaxError: when it cannot be parsed.
        """
        with translated(self):
            found = self.engine.environment.get_template(template_name)
        assert isinstance(found, Page)
        return Template(found, self, template_name)


class Template:
    """A template as Django's shortcuts and views take one.

    Attributes:
        name: what it was asked for by; None for one that was made of a text.
        origin: its file.
    """

    def __init__(self, template: Page, backend: LiquidTemplates, name: str | None = None) -> None:
        self.template = template
        self.backend = backend
        self.name = name
        self.origin = Origin.of(template, backend.engine.environment.loader, name)

    def render(self, context: Mapping[str, Any] | None = None, request: HttpRequest | None = None) -> str:
        """Render it, and send its jobs."""
        names = self._names(context or {}, request)
        self._tell_tests(names)
        about = request_values(request) if request is not None else {}
        with translated(self.backend):
            text = self.backend.engine.render(self.template, names, **about)
        return mark_safe(text) if self.backend.engine.environment.autoescape else text

    def _names(self, context: Mapping[str, Any], request: HttpRequest | None) -> dict[str, Any]:
        """Return the page's names: those of the view before those of processors."""
        names: dict[str, Any] = {}
        if request is not None:
            names = {"request": request, "csrf_input": csrf_input_lazy(request), "csrf_token": csrf_token_lazy(request)}
            for processor in self.backend.context_processors:
                names.update(processor(request))
        names.update(context)
        return {name: seen_by_pages(value, request) for name, value in names.items()}

    def _tell_tests(self, names: Mapping[str, Any]) -> None:
        """Have Django's test client know of this page, as of one of Django's own: `assertTemplateUsed` asks it."""
        signals = sys.modules.get("django.test.signals")
        if signals is not None:
            signals.template_rendered.send(sender=self, template=self, context=names)
