"""What every screen is made of: the engine, the request, and how its page or its redirect is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liquid_background.engine import Engine
from liquid_background.jobs.operating.operation import Kind
from liquid_background.screens.access import Action
from liquid_background.screens.messages import Fields, Refused, ScreenAnswer, ScreenRequest, no_such_page, path_of
from liquid_background.screens.rendering import Pages


@dataclass(frozen=True, slots=True)
class Screen:
    """One request at work. A screen is a function that takes this and answers."""

    engine: Engine
    request: ScreenRequest
    pages: Pages

    def page(self, template: str, title: str, status: int = 200, **values: Any) -> ScreenAnswer:
        """Return a page of the dashboard.

        Args:
            template: in templates/, without its suffix.
            title: for the browser's tab, counts included.
            status: of the answer.
            values: what the template shows, as plain values.
        """
        return self.pages.answer(self.request, template, {"title": title, **values}, status)

    def url(self, *segments: str, query: Fields | None = None) -> str:
        """Return the URL of a screen, below the place where the dashboard is mounted."""
        asked = str(query) if query else ""
        return f"{self.request.root}/{path_of(*segments)}" + (f"?{asked}" if asked else "")

    def check(self, action: Action) -> None:
        """Refuse what is not a POST of somebody who may do it: every action begins with this.

        Raises:
            Refused: when it is not.
        """
        if self.request.method != "POST":
            raise Refused(405, "This changes something, and is done by the buttons only.", [("allow", "POST")])
        self.check_right(action)

    def check_right(self, action: Action) -> None:
        """Refuse somebody who may not do it, as a page that asks for it does.

        Raises:
            Refused: when they may not.
        """
        if not self.request.visitor.may(action):
            raise Refused(403, f"You may not {action} anything here: whoever runs this dashboard decides that.")

    def kind(self) -> Kind:
        """Return what the last segment of the path says to do with jobs.

        Raises:
            Refused: when it is nothing.
        """
        word = self.request.segments[-1]
        if word not in tuple(Kind) or word == Kind.PROVE:  # which has a screen of its own
            raise no_such_page()
        return Kind(word)

    def done(self, *segments: str, told: Mapping[str, str], query: Fields | None = None) -> ScreenAnswer:
        """Return the answer to an action: a redirect to a screen that tells what was done.

        Args:
            segments: of the screen's path.
            told: what `told.py` makes a line of: `done`, a word of `DONE`, and what it was done to.
            query: of the screen.
        """
        location = self.url(*segments, query=(query or Fields()).but(**told))
        return ScreenAnswer(status=303, headers=(("location", location), ("cache-control", "no-store")))
