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
        self._sites = [*sites]
        if not root.is_dir():
            raise SettingsError(f"setting alerts: {str(root)!r} is no folder; make it, or leave the setting out")
        self._refuse_of_a_site(root)

    def _refuse_of_a_site(self, path: Path) -> None:
        for site in self._sites:
            if path.resolve().is_relative_to(site.resolve()):
                raise SettingsError(
                    f"setting alerts: {str(path)!r} is in the site's folder {str(site)!r}, whose authors would read "
                    "all errors there; name a folder outside of it, and link to none in it"
                )

    def templates(self, event: str) -> Sequence[AlertTemplate]:
        """Return the templates of an event, those for each event behind its own, in the order of their names.

        Raises:
            SettingsError: when a folder cannot be read, or what stands there is a link into a site's.
        """
        there = {file.name for file in self._listed(self._root)}
        return [found for folder in (event, EVERY) if folder in there for found in self._in(folder)]

    def _in(self, folder: str) -> list[AlertTemplate]:
        found = [
            AlertTemplate(f"{folder}/{file.name.removesuffix(_ENDING)}", file)
            for file in self._listed(self._root / folder)
            if file.name.endswith(_ENDING) and not file.name.startswith(".")
        ]
        for template in found:
            self._refuse_of_a_site(template.path)
        return found

    def _listed(self, folder: Path) -> list[Path]:
        try:
            return sorted(folder.iterdir())
        except OSError as error:
            raise SettingsError(
                f"setting alerts: {str(folder)!r} cannot be read as a folder: {error.strerror}"
            ) from error

    def warnings(self) -> list[str]:
        """Return what stands in the folder and is of no event."""
        known = (*ALERTED, EVERY)
        found = []
        for file in self._listed(self._root):
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
