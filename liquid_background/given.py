"""Arguments that were given as something else than what they have to be."""

from __future__ import annotations

import sys

from liquid_background.errors import SettingsError
from liquid_background.wording import a


def check_class(name: str, given: object, kind: type, more: str = "") -> None:
    """Accept an argument that is left out, or of its class.

    Args:
        name: of the argument.
        given: the argument.
        kind: its class.
        more: what to say behind the class's name in an error.

    Raises:
        SettingsError: when it is something else.
    """
    if given is None or isinstance(given, kind):
        return
    shown = _shown(given if isinstance(given, type) else type(given))
    said = f"the class {shown}" if isinstance(given, type) else a(shown)
    raise SettingsError(f"{name} is {said}; it must be {a(_shown(kind))}{more}")


def _shown(kind: type) -> str:
    """Return the name by which a class is imported: from the outermost package that has it."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    parts = kind.__module__.split(".")
    homes = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    home = next((home for home in homes if getattr(sys.modules.get(home), kind.__qualname__, None) is kind), None)
    return f"{home or kind.__module__}.{kind.__qualname__}"
