"""The dashboard in the admin. The admin loads this for each command, so that it is light."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from liquid_background import django as face
from liquid_background.django.models import Job
from liquid_background.lazy import kept


@admin.register(Job)
class JobAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The dashboard, at the address where the admin has a list of other models."""

    templates: Mapping[str, str] = {}
    """Liquid in the place of the dashboard's own, by name: of a subclass that a project registers instead."""

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of all screens."""
        # `admin_view` sends to the admin's login who is not signed in as staff. It would ask forms for Django's token;
        # the guard of the screens compares where a form comes from instead, with the scheme, the host and the port.
        view = self.admin_site.admin_view(csrf_exempt(self._show), cacheable=True)
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return [path("", view, name=name), re_path("^(?P<path>.+)$", view)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Jobs come from templates and code."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deleting jobs is one of the changes."""
        return False

    def _show(self, request: HttpRequest, path: str = "") -> HttpResponseBase:
        return self._view(request, path)

    @kept
    def _view(self) -> Callable[[HttpRequest, str], HttpResponseBase]:
        return face.view_for_staff(self)
