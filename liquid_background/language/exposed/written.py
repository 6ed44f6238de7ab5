"""What `json` writes of ordinary values that JSON has no form for, and which field is at fault for what it cannot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from liquid_background.errors import NotExposed
from liquid_background.jobs.sizes import FLAT
from liquid_background.language.exposed.names import is_kind
from liquid_background.wording import a

_IP: Final = (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network)
_TEXTS: Final = (
    ("pydantic.networks", "_BaseUrl"),
    ("pydantic_core._pydantic_core", "Url"),
    ("django.db.models.fields.files", "FieldFile"),  # whose text is the file's name
)
_DEEPEST: Final = 50  # levels in which a fault is looked for


class NoForm(TypeError):
    """Raised for a value that JSON has no form for; says what it is."""


def written(found: Any) -> object:
    """Return what stands for an ordinary value: its text, as it is handed over; for an enumeration's member, its value.

    Raises:
        NoForm: when it is none.
    """
    if isinstance(found, Enum):
        return found.value
    if isinstance(found, date | time):
        return found.isoformat()
    kind = type(found)
    if isinstance(found, (Decimal, UUID, timedelta, PurePath, *_IP)) or any(is_kind(kind, *known) for known in _TEXTS):
        return str(found)
    raise NoForm(f"is {a(kind.__name__)}, which JSON has no form for: pass plain values")


def fault_in(found: object, as_json: Callable[[object], object], path: str = "", depth: int = 0) -> str | None:
    """Return the path of the first value that `json` cannot write; "" for the whole, None when there is none."""
    if type(found) in FLAT or depth > _DEEPEST:
        return None
    if isinstance(found, dict):
        inside = [(f"{path}.{key}" if path else str(key), value) for key, value in found.items()]
    elif isinstance(found, list | tuple):
        inside = [(f"{path}[{number}]", value) for number, value in enumerate(found)]
    elif isinstance(found, str | int | float):
        return None
    else:
        try:
            inside = [(path, as_json(found))]
        except (NotExposed, NoForm):
            return path
    faults = (fault_in(value, as_json, where, depth + 1) for where, value in inside)
    return next((fault for fault in faults if fault is not None), None)
