"""A desk on the store of the screens, and their pages read as people read them: rows of tables, links, forms."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from liquid_background.job import Job
from liquid_background.jobs.store import Store
from liquid_background.screens import ScreenAnswer
from liquid_background.settings import Settings
from tests.jobs.operating.desk import Desk

HOSTILE = "<img src=x onerror=alert(1)>\u202e</script>"


def _job(**fields: Any) -> Job:
    return Job(**{"source_name": "mail", "template": "pages/x", "line": 3, "source": "hi", **fields})


@pytest.fixture
def desk(store: Store, settings: Settings) -> Desk:
    return Desk(store, settings, _job)


class Read(HTMLParser):
    """A page: the cells of its rows, its links by their text, and what its forms would send."""

    def __init__(self, answer: ScreenAnswer) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: dict[str, str] = {}
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.buttons: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self._cell = self._link = False
        self._href = self._linked = ""
        self.feed(answer.body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        match tag:
            case "tr":
                self.rows.append([])
            case "td" | "th":
                self.rows[-1].append("")
                self._cell = True
            case "a":
                self._link, self._href, self._linked = True, given.get("href", ""), ""
            case "form":
                self.forms.append((given.get("action", "").removeprefix("/ops/"), {}))
            case "input" if self.forms:
                self.forms[-1][1][given.get("name", "")] = given.get("value", "")
            case "button":
                self.buttons.append(given.get("aria-label", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False
        elif tag == "a" and self._link:
            self.links.setdefault(" ".join(self._linked.split()), self._href.removeprefix("/ops/"))
            self._link = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._cell:
            self.rows[-1][-1] = " ".join((self.rows[-1][-1] + " " + data).split())
        if self._link:
            self._linked += data

    def row(self, beginning: str) -> list[str]:
        """Return the one row whose first cell begins so."""
        [found] = [row for row in self.rows if row and row[0].startswith(beginning)]
        return found

    def form(self, action: str, **fields: str) -> dict[str, str]:
        """Return the fields of the first form that would be sent there and holds these."""
        [found, *_] = [given for to, given in self.forms if to == action and fields.items() <= given.items()]
        return found
