"""What Django does with the application when it starts: its checks, and the modules in which others define jobs."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.module_loading import autodiscover_modules

from liquid_background.django.checks import check_project, check_store
from liquid_background.django.conf import modules


class LiquidBackgroundConfig(AppConfig):
    """The application `liquid_background.django`."""

    name = "liquid_background.django"
    label = "liquid_background"
    verbose_name = "Liquid background jobs"

    def ready(self) -> None:
        """Register the checks, and import the modules of all applications where jobs and tasks are defined."""
        register(check_project, Tags.templates, self.label)
        register(check_store, self.label, deploy=True)
        autodiscover_modules(*modules())
