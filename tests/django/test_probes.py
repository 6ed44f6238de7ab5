"""Probes in a Django project."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client, override_settings
from django.urls import include, path

from liquid_background import Engine
from liquid_background.django import probes_urls

urlpatterns = [path("", include(probes_urls()))]


def test_addresses_answer_them(make_project: Callable[..., Engine]) -> None:
    make_project()
    with override_settings(ROOT_URLCONF=__name__):
        for url in ("/healthz", "/readyz"):
            answer = Client().get(url)
            assert (answer.status_code, answer.content) == (200, b"ok\n")
            assert "no-store" in answer.headers["cache-control"]
