"""A backend for `django.tasks`: TASKS = {"default": {"BACKEND": "liquid_background.django.tasks.LiquidBackend"}}."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liquid_background.lazy import lazy_attributes

if TYPE_CHECKING:
    from liquid_background.django.tasks.backend import LiquidBackend

__all__ = ["LiquidBackend"]

# On first use: a project may have this package, and neither Django 6 nor the backport.
__getattr__ = lazy_attributes(__name__, {"LiquidBackend": "backend"})
