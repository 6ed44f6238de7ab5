"""How wrong settings end the start of Django, when a module with jobs needs the engine."""

from __future__ import annotations

import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import ManagementUtility

from liquid_background.django.checks import wrong_settings
from liquid_background.errors import SettingsError


class ProjectSettingsError(SettingsError, ImproperlyConfigured):
    """Settings of the project are wrong: ours, and an error of Django's to what starts Django."""


def tell_wrong_settings(error: Exception) -> None:
    """Say what `manage.py check` says of the settings, if an error is of them; do nothing if it is another.

    Raises:
        ProjectSettingsError: with all that is wrong.
        SystemExit: in a command of `manage.py`, once that is printed.
    """
    wrong = [str(each) for each in wrong_settings()] if isinstance(error, SettingsError) else []
    if not wrong:  # an error of the module's own code
        return
    if not _is_command():
        raise ProjectSettingsError("; ".join(line.removeprefix("?: ") for line in wrong)) from None
    sys.stderr.write("SystemCheckError: System check identified some issues:\n\nERRORS:\n")
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    raise SystemExit(1)


def _is_command() -> bool:
    """Return whether `manage.py` or `django-admin` sets Django up, which prints a traceback of all that is raised."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code is not ManagementUtility.execute.__code__:
        frame = frame.f_back
    return frame.f_code is ManagementUtility.execute.__code__
