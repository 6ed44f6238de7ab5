"""The Liquid environment of a project, which its entry in TEMPLATES describes, and how that finds templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from django.conf import settings as project
from django.template.utils import get_app_template_dirs
from django.utils.module_loading import import_string
from liquid import Environment as LiquidEnvironment
from liquid import RenderContext
from liquid.exceptions import TemplateNotFoundError
from liquid.loader import BaseLoader, TemplateSource

from liquid_background.errors import SettingsError
from liquid_background.language.environment import Environment
from liquid_background.language.pages import SiteLoader
from liquid_background.language.template import Template
from liquid_background.lazy import kept
from liquid_background.settings import Settings
from liquid_background.wording import a

BACKEND: Final = "liquid_background.django.liquid.LiquidTemplates"
APP_DIRNAME: Final = "liquid"
"""The folder of an application that holds its templates, with APP_DIRS."""
CONTEXT_PROCESSORS: Final = "context_processors"
_FORMS: Final = (("DIRS", list | tuple, "a list of folders"), ("OPTIONS", dict, "a dict"))
_ENVIRONMENT: Final = "liquid_background.Environment"


def project_environment(settings: Settings) -> Environment | None:
    """Return a new environment for the project's engine; None where an engine's own will do.

    Raises:
        SettingsError: when the entry in TEMPLATES is wrong, or there are two.
    """
    given = entry()
    if given is None:
        return None
    options = {name: value for name, value in given.get("OPTIONS", {}).items() if name != CONTEXT_PROCESSORS}
    path = options.pop("environment", _ENVIRONMENT)
    defaults = {"autoescape": True, "ejs_tags": settings.ejs_tags, "event_context": settings.event_context}
    make = _imported(path)
    try:
        made = make(**{"loader": TemplatesLoader(given), **defaults, **options})
    except TypeError as error:
        raise SettingsError(f"TEMPLATES: OPTIONS of {BACKEND} do not fit {path}: {error}") from error
    if not isinstance(made, Environment):
        raise SettingsError(
            f"TEMPLATES: OPTIONS: environment {path!r} returned {a(type(made).__name__)}; it must be a {_ENVIRONMENT}"
        )
    return made


def entry() -> Mapping[str, Any] | None:
    """Return the entry of TEMPLATES that is Liquid's; None when there is none.

    Raises:
        SettingsError: when there are two: the project has one engine, and an engine has one environment.
    """
    found = [each for each in project.TEMPLATES if _is_ours(str(each.get("BACKEND")))]
    if len(found) > 1:
        raise SettingsError(f"TEMPLATES has {len(found)} entries of {BACKEND}: make one of them, with all DIRS")
    for name, kinds, what in _FORMS if found else ():
        said = found[0].get(name)
        if said is not None and not isinstance(said, kinds):
            raise SettingsError(f"TEMPLATES: {name} of {BACKEND} is {said!r}; it must be {what}")
    return deepcopy(found[0]) if found else None


def wrong_processors() -> Iterator[str]:
    """Yield what is wrong with the context processors of the entry: pages import them when they are rendered.

    Raises:
        SettingsError: as `entry` does.
    """
    named = ((entry() or {}).get("OPTIONS") or {}).get(CONTEXT_PROCESSORS, ())
    if not isinstance(named, list | tuple):
        yield f"TEMPLATES: OPTIONS: {CONTEXT_PROCESSORS} is {named!r}; it must be a list of names of functions"
        return
    for path in named:
        try:
            import_string(path)
        except (ImportError, AttributeError, TypeError) as error:
            yield f"TEMPLATES: OPTIONS: the context processor {path!r} cannot be imported: {error}"


def _is_ours(path: str) -> bool:
    """Return whether a backend is Liquid's, or a subclass of it."""
    if path == BACKEND:
        return True
    try:
        bases = import_string(path).__mro__
    except (ImportError, AttributeError):  # of a package that is not there, which is that backend's to tell
        return False
    return any(f"{base.__module__}.{base.__qualname__}" == BACKEND for base in bases)


def _imported(path: object) -> Callable[..., Any]:
    if callable(path):
        return path
    try:
        found: Callable[..., Any] = import_string(str(path))
    except ImportError as error:
        raise SettingsError(f"TEMPLATES: OPTIONS: environment {path!r} cannot be imported: {error}") from error
    return found


class TemplatesLoader(BaseLoader):
    """Loads templates from the folders of an entry in TEMPLATES, each of which is a site; the first one counts.

    A template's file ends in `.liquid`: other files in these folders are other engines'. What a tag names is looked for
    where it is in a site, such as in partials/, and then in the folder itself.

    Args:
        given: the entry.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__()
        self._given = given

    @kept
    def loaders(self) -> list[SiteLoader]:
        """The folders; those of applications are known when all of these have been loaded."""
        folders = [Path(folder) for folder in self._given.get("DIRS", ())]
        if self._given.get("APP_DIRS"):
            folders += [Path(folder) for folder in get_app_template_dirs(APP_DIRNAME)]
        return [SiteLoader(folder) for folder in folders]

    def load(self, env: LiquidEnvironment, name: str, **options: Any) -> Template:
        """Return a template, parsed.

        Raises:
            TemplateNotFoundError: when no folder has it.
        """
        loader, tag = self._place(name, str(options.pop("tag", None) or ""))
        return loader.load(env, name, tag=tag, **options)

    async def load_async(self, env: LiquidEnvironment, name: str, **options: Any) -> Template:
        """Return a template; reading a small local file is not worth a thread."""
        return self.load(env, name, **options)

    def get_source(
        self, env: LiquidEnvironment, template_name: str, *, context: RenderContext | None = None, **kwargs: object
    ) -> TemplateSource:
        """Return a template's text with its name.

        Raises:
            TemplateNotFoundError: when no folder has it.
        """
        loader, tag = self._place(template_name, str(kwargs.pop("tag", None) or ""))
        return loader.get_source(env, template_name, context=context, tag=tag, **kwargs)

    def _place(self, name: str, tag: str) -> tuple[SiteLoader, str]:
        """Return the folder that has a template, and the tag by which it is found there."""
        for loader in self.loaders:
            for each in dict.fromkeys((tag, "")):
                file = loader.find(name, each)
                if file is not None and file.name.endswith(".liquid"):
                    return loader, each
        raise TemplateNotFoundError(name, filename=name)

    def find(self, name: str, tag: str = "") -> Path | None:
        """Return the file of a template; None when no folder has it."""
        try:
            loader, found = self._place(name, tag)
        except TemplateNotFoundError:
            return None
        return loader.find(name, found)

    def front_matters(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the front matter of the partials and pages that have any; of two with one name, the first one's."""
        seen: set[str] = set()
        for loader in self.loaders:
            for name, matter in loader.front_matters():
                if name not in seen:
                    seen.add(name)
                    yield name, matter
