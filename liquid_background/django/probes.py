"""Probes as Django's addresses: `path("", include(probes_urls()))` answers `/healthz` and `/readyz`."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache

from liquid_background.django.project import engine
from liquid_background.jobs.queue.bounds import Bounds
from liquid_background.probes import PATHS, Probes


def probes_urls(*, bounds: Bounds | None = None) -> list[URLPattern]:
    """Return the addresses of the probes of a project's engine.

    Args:
        bounds: beyond which waiting, failures or too few workers make it unready; without them the store alone does.
    """
    probes = Probes(engine, bounds)
    return [path(name, never_cache(_view(probes, name)), name=f"liquid_background_{name}") for name in PATHS]


def _view(probes: Probes, name: str) -> Callable[[HttpRequest], HttpResponse]:
    def view(_: HttpRequest) -> HttpResponse:
        answer = probes.answer(name)
        assert answer is not None  # PATHS are those that it answers
        return HttpResponse(answer.text, status=answer.status, content_type="text/plain; charset=utf-8")

    return view
