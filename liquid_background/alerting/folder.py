"""The folder of alerts: a folder for each event in it, with the templates that are sent when that happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from liquid_background.errors import SettingsError
from liquid_background.events import ALERTED, EVERY, SYSTEM_EVENTS
from liquid_background.nearest import nearest

_ENDING: Final = ".liquid"


class AlertTemplate(NamedTuple):
    """One template of an alert."""

    name: str  # such as "job.failed/mail"
    path: Path

    def text(self) -> str:
        """Return what stands in the file now.

        Raises:
            SettingsError: when it cannot be read, or is not UTF-8.
        """
        try:
            return self.path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeError) as error:
            raise SettingsError(f"the alert's template {self.path} cannot be read: {error}") from error


class AlertFolder:
    """The folder that the setting ALERTS names.

    Args:
        root: the folder.
        sites: the folders of sites, whose authors must not read errors.

    Raises:
        SettingsError: when it is no folder, or in one of a site.
    """

    def __init__(self, root: Path, sites: Iterable[Path] = ()) -> None:
        self._root = root
        if not root.is_dir():
            raise SettingsError(f"setting alerts: {str(root)!r} is no folder; make it, or leave the setting out")
        for site in sites:
            if root.resolve().is_relative_to(site.resolve()):
                raise SettingsError(
                    f"setting alerts: {str(root)!r} is in the site's folder {str(site)!r}, whose authors would read "
                    "all errors there; name a folder outside of it"
                )

    def templates(self, event: str) -> Sequence[AlertTemplate]:
        """Return the templates of an event, those for each event behind its own, in the order of their names."""
        return [found for folder in (event, EVERY) for found in self._in(folder)]

    def _in(self, folder: str) -> list[AlertTemplate]:
        try:
            files = sorted((self._root / folder).iterdir())
        except OSError:
            return []
        return [
            AlertTemplate(f"{folder}/{file.name.removesuffix(_ENDING)}", file)
            for file in files
            if file.name.endswith(_ENDING) and not file.name.startswith(".")
        ]

    def warnings(self) -> list[str]:
        """Return what stands in the folder and is of no event."""
        known = (*ALERTED, EVERY)
        found = []
        for file in sorted(self._root.iterdir()):
            if file.name.startswith(".") or file.name in known or not (file.is_dir() or file.suffix == _ENDING):
                continue
            if file.name in SYSTEM_EVENTS:
                hint = "only hooks hear of that (engine.on_event)"
            elif not file.is_dir():
                hint = f"a template stands in a folder named after an event, or in {EVERY}/"
            else:
                near = nearest(file.name, known)
                hint = f"did you mean {near!r}?" if near else f"events are {', '.join(ALERTED)}"
            found.append(f"{file} is no event's, and nobody is sent what stands there; {hint}")
        return found
