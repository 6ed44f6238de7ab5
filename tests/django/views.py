"""Views and their URLs: pages of Liquid as a project shows them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path


def page(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, f"{name}.liquid", {"name": "<Ada>"})


def told(request: HttpRequest) -> HttpResponse:
    messages.warning(request, "Low <stock>")
    return render(request, "messages.liquid")


def later(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "order.liquid", {"id": 7})


@transaction.atomic
def order(request: HttpRequest) -> HttpResponse:
    answer = render(request, "order.liquid", {"id": 7})
    if "fail" in request.GET:
        raise ValueError("the view fails after its page")
    return answer


def visits(request: HttpRequest) -> HttpResponse:
    session: Any = request.session
    session["visits"] = session.get("visits", 0) + 1
    return render(request, "visits.liquid")


urlpatterns = [
    path("page/<name>/", page, name="page"),
    path("told/", told),
    path("later/", later),
    path("order/", order),
    path("visits/", visits),
]
