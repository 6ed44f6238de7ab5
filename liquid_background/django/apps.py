"""What Django does with the application when it starts: its checks, and the modules in which others define jobs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register
from django.utils.module_loading import autodiscover_modules

from liquid_background import django as face
from liquid_background.django.modules import modules
from liquid_background.django.starting import end_quietly


class LiquidBackgroundConfig(AppConfig):
    """The application `liquid_background.django`."""

    name = "liquid_background.django"
    label = "liquid_background"
    verbose_name = "Liquid background jobs"

    def __init__(self, *names: Any) -> None:
        super().__init__(*names)
        end_quietly()

    def ready(self) -> None:
        """Register the checks, and import the modules of all applications where jobs and tasks are defined.

        Raises:
            ProjectSettingsError: when one of those needs the engine, and settings are wrong.
            SystemExit: likewise in a command of `manage.py`, having said what `manage.py check` says of them; in one of
                ours also when the code of a module raises.
        """
        register(_check_project, Tags.templates, self.label)
        register(_check_store, self.label, deploy=True)
        try:
            autodiscover_modules(*modules())
        except Exception as error:
            face.tell_wrong_settings(error)
            face.tell_raised(error)
            raise


# Loaded when they run: they need an engine, which takes longer than most commands.


def _check_project(**about: Any) -> Iterable[CheckMessage]:
    return face.check_project(**about)


def _check_store(**about: Any) -> Iterable[CheckMessage]:
    return face.check_store(**about)
