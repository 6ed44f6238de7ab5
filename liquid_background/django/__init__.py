"""Django's face: one engine for a project, made from its settings. Add "liquid_background.django" to INSTALLED_APPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liquid_background.lazy import lazy_attributes

if TYPE_CHECKING:
    from liquid_background.django.checks import check_project as check_project
    from liquid_background.django.checks import check_store as check_store
    from liquid_background.django.dashboard import ACTIONS, Action, NotSignedIn, dashboard_urls
    from liquid_background.django.dashboard import view_for_staff as view_for_staff
    from liquid_background.django.probes import probes_urls
    from liquid_background.django.project import engine
    from liquid_background.django.refusing import tell_raised as tell_raised
    from liquid_background.django.refusing import tell_too_early as tell_too_early
    from liquid_background.django.refusing import tell_wrong_settings as tell_wrong_settings

__all__ = ["engine", "dashboard_urls", "probes_urls", "ACTIONS", "Action", "NotSignedIn"]

# On first use: Django imports this package for every command, and an engine takes longer than most of them.
_HOMES = {
    "engine": "project",
    "dashboard_urls": "dashboard",
    "probes_urls": "probes",
    "ACTIONS": "dashboard",
    "Action": "dashboard",
    "NotSignedIn": "dashboard",
    "view_for_staff": "dashboard",
    "check_project": "checks",
    "check_store": "checks",
    "tell_raised": "refusing",
    "tell_too_early": "refusing",
    "tell_wrong_settings": "refusing",
}
__getattr__ = lazy_attributes(__name__, _HOMES, needs="django")
