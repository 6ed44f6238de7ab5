"""How wrong settings, and what a module with jobs raises, end the start of Django."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

from django.core.checks import Error
from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured

from liquid_background.django.checks import wrong_settings
from liquid_background.django.early import REMEDY, places
from liquid_background.django.starting import is_command, own_command
from liquid_background.errors import SettingsError
from liquid_background.jobs.log import printable
from liquid_background.loading import load_error

_APP: Final = "liquid_background.django:engine"


class ProjectSettingsError(SettingsError, ImproperlyConfigured):
    """Settings of the project are wrong: ours, and an error of Django's to what starts Django."""


def tell_wrong_settings(error: Exception) -> None:
    """Say what `manage.py check` says of the settings, if an error is of them; do nothing if it is another.

    Raises:
        ProjectSettingsError: with all that is wrong.
        SystemExit: in a command of `manage.py`, once that is printed.
    """
    wrong = [str(each) for each in wrong_settings()] if isinstance(error, SettingsError) else []
    if wrong:  # and not an error of the module's own code
        _end(wrong)


def tell_too_early(error: Exception) -> None:
    """Say that `engine()` cannot be made before Django has loaded all models, and where that was tried.

    Raises:
        ProjectSettingsError: with that, or with the settings that are wrong whenever it is called.
        SystemExit: in a command of `manage.py`, once that is printed.
    """
    needs_models = isinstance(error, AppRegistryNotReady) or isinstance(error.__cause__, ImportError)
    if not needs_models:
        tell_wrong_settings(error)
        return
    place = places[-1] if places else "a module"
    said = f"engine() is called at {place} while Django loads its models, which it needs here ({error}): {REMEDY}"
    _end([str(Error(said, id="liquid_background.E008"))])


def tell_raised(error: Exception) -> None:
    """Say what the project's code raised, with its own lines, if that ends a command of ours; do nothing otherwise.

    Raises:
        SystemExit: once that is printed.
    """
    command = own_command()
    if command is None:
        return
    said = load_error(_APP, _APP, error)
    lines = [f"manage.py {command}: {said}", *(f"  {frame}" for frame in said.frames)]
    sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
    raise SystemExit(1) from None


def _end(wrong: list[str]) -> NoReturn:
    if not is_command():
        raise ProjectSettingsError("; ".join(line.removeprefix("?: ") for line in wrong)) from None
    sys.stderr.write("SystemCheckError: System check identified some issues:\n\nERRORS:\n")
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    raise SystemExit(1)
