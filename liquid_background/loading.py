"""Load the application that the setting APP names: an engine, or a factory that makes one."""

from __future__ import annotations

import inspect
import linecache
import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from liquid_background.errors import AppLoadError, LiquidBackgroundError, SettingsError
from liquid_background.job import Performer
from liquid_background.nearest import nearest
from liquid_background.wording import a

_NAME: Final = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<attributes>\w+(?:\.\w+)*)(?P<call>\(\))?")
_LONGEST: Final = 500  # characters of an error's text
_MOST_FRAMES: Final = 10
_EXTENSION: Final = "liquid_background"
_DJANGO: Final = "DJANGO_SETTINGS_MODULE"
_REMEDIES: Final = (  # by what an error's class is called, and a part of its text
    (
        "ImproperlyConfigured",
        _DJANGO,
        f"set {_DJANGO}, such as {_DJANGO}=shop.settings, and call django.setup() before the module imports models",
    ),
    (
        "AppRegistryNotReady",
        "",
        f"call django.setup() before the module imports models, with {_DJANGO} set",
    ),
    (
        "RuntimeError",
        "doesn't declare an explicit app_label",
        "add its application to INSTALLED_APPS, and import it by the name that stands there",
    ),
    (
        "RuntimeError",
        "Working outside of application context",
        "do that inside `with app.app_context():`, or in a function that makes the engine: --app module:factory",
    ),
    ("RuntimeError", "Working outside of request context", "there is no request while the application loads"),
    (
        "RuntimeError",
        "event loop",
        "no event loop runs while the application loads: do that in an engine.on_child_start hook or in the job",
    ),
    ("ValidationError", "Field required", "set what it names, such as by environment variables"),
    ("SystemExit", "", "the application may not end the program while it loads"),
)


def load_app(name: str) -> Performer:
    """Return the engine that `module:name` stands for, looking in the working directory too.

    It may be an engine, an attribute of something as in `shop:site.engine`, a queue of Python jobs, a decorated
    function, a Flask application that has one, or a function that takes nothing and returns one of these:
    `shop:make_engine` or `shop:make_engine()`.

    Raises:
        SettingsError: when there is no such module or object, or it cannot perform jobs.
        AppLoadError: when the application's code raises.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise SettingsError(f"setting app: {name!r} is not module:attr, such as shop.jobs:engine, nor module:factory()")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = _attribute(_module(name, match["module"]), match["attributes"], name)
        return _performer(found, name, calls=match["call"] is not None)
    except SettingsError as error:
        if _is_ours(error.__traceback__):
            raise
        raise load_error(name, match["module"], error) from error
    except (Exception, SystemExit) as error:
        raise load_error(name, match["module"], error) from error


def _module(name: str, module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise SettingsError(
                f"setting app: cannot load {name!r}: there is no module {error.name!r} here; run this in the folder "
                "that holds it, or have PYTHONPATH name that"
            ) from error
        raise


def _attribute(found: Any, attributes: str, name: str) -> Any:
    for attribute in attributes.split("."):
        known = dir(found)
        if attribute not in known and not hasattr(found, attribute):
            near = nearest(attribute, known)
            hint = f"; did you mean {near!r}?" if near else ""
            of = getattr(found, "__name__", type(found).__name__)
            raise SettingsError(f"setting app: cannot load {name!r}: {of} has no {attribute!r}{hint}")
        found = getattr(found, attribute)
    return found


def _performer(found: Any, name: str, *, calls: bool) -> Performer:
    performer = None if calls else _as_performer(found)
    if performer is None and (calls or _is_factory(found)):
        if not _is_factory(found):
            raise SettingsError(f"setting app: {name!r}: {_kind(found)} cannot be called without arguments")
        made = found()
        performer = _as_performer(made)
        if performer is None:
            if inspect.iscoroutine(made):
                made.close()
            raise SettingsError(
                f"setting app: {name!r} returned {_kind(made)}, which cannot perform jobs; {_advice(made, 'return')}"
            )
    if performer is None:
        raise SettingsError(
            f"setting app: {name!r} is {_kind(found)}, which cannot perform jobs; {_advice(found, 'name')}"
        )
    return performer


def _as_performer(found: Any) -> Performer | None:
    if isinstance(found, type):
        return None
    extensions = getattr(found, "extensions", None)  # of a Flask application
    found = extensions.get(_EXTENSION, found) if isinstance(extensions, dict) else found
    found = getattr(found, "engine", found)  # a queue of Python jobs, or a decorated function's
    return found if callable(getattr(found, "perform", None)) else None


def _is_factory(found: Any) -> bool:
    if not callable(found) or (hasattr(found, "engine") and not isinstance(found, type)):
        return False
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError):
        return False
    return True


def _advice(found: object, do: str) -> str:
    if isinstance(getattr(found, "extensions", None), dict):
        return "set liquid_background.flask up for it: LiquidBackground(app)"
    return f"{do} an Engine" + (", or a function without arguments that returns one" if do == "name" else "")


def _kind(found: object) -> str:
    return "None" if found is None else a(type(found).__name__)


# What is said when the application's own code raises.


def load_error(name: str, module: str, error: BaseException) -> AppLoadError:
    """Return the error that says what an application's code raised while it loaded, in one line, and where.

    Args:
        name: what names the application.
        module: the one that it names.
        error: what was raised.
    """
    text = " ".join(_text(error).split())[:_LONGEST]
    kind = "" if isinstance(error, LiquidBackgroundError) else type(error).__name__
    remedy = _remedy(error, text)
    said = ": ".join(part for part in (kind, text) if part)
    message = f"setting app: cannot load {name!r}: {said}{f'; {remedy}' if remedy else ''}"
    return AppLoadError(message, frames=list(_frames(error, module.partition(".")[0]))[-_MOST_FRAMES:])


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as reason:  # noqa: BLE001  an application's own class may do anything here
        return f"its message cannot be shown, str() raised {type(reason).__name__}"


def _remedy(error: BaseException, text: str) -> str:
    if isinstance(error, ModuleNotFoundError):
        settings = os.environ.get(_DJANGO, "")
        if error.name and f"{settings}.".startswith(f"{error.name}."):
            return f"{_DJANGO} is {settings!r}: correct it, or run this in the folder that holds that module"
        return f"install it for {sys.executable}, or run this in the folder that holds it"
    if isinstance(error, KeyError) and _raised_by(error) == ("os", "__getitem__"):
        return f"set the environment variable {error.args[0]}"
    names = {kind.__name__ for kind in type(error).__mro__}
    return next((remedy for kind, part, remedy in _REMEDIES if kind in names and part.lower() in text.lower()), "")


def _raised_by(error: BaseException) -> tuple[str, str]:
    *_, last = _walk(error.__traceback__)
    return last.tb_frame.f_globals.get("__name__", ""), last.tb_frame.f_code.co_name


def _walk(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _is_ours(trace: TracebackType | None) -> bool:
    """Return whether an error was raised here, and not by what the application calls."""
    return all(each.tb_frame.f_globals.get("__name__") == __name__ for each in _walk(trace))


def _frames(error: BaseException, package: str) -> Iterator[str]:
    """Yield the lines of the application's own code that led to an error, as Python shows them."""
    for each in _walk(error.__traceback__):
        code = each.tb_frame.f_code
        if _is_own(code.co_filename, each.tb_frame.f_globals.get("__name__") or "", package):
            source = linecache.getline(code.co_filename, each.tb_lineno).strip()
            yield _frame(code.co_filename, each.tb_lineno, f", in {code.co_name}", source)
    if isinstance(error, SyntaxError) and error.filename:
        yield _frame(error.filename, error.lineno or 0, "", (error.text or "").strip())


def _frame(file: str, line: int, where: str, source: str) -> str:
    return f'File "{file}", line {line}{where}{f": {source}" if source else ""}'


def _is_own(file: str, module: str, package: str) -> bool:
    root = module.partition(".")[0]
    if root in ("liquid_background", "importlib"):  # a face of ours may be what is named, as a project's engine is
        return False
    if root == package:
        return True
    if file.startswith("<"):
        return False
    others = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return not any(file.startswith(f"{folder}{os.sep}") for folder in others)
