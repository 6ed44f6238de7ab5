"""Pages rendered by both halves, `render` and `render_async`, which must print, send, log and refuse the same."""

from __future__ import annotations

import asyncio
import copy
import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from liquid.exceptions import ResourceLimitError

from liquid_background import Engine
from liquid_background.errors import NestedTooDeep
from liquid_background.job import Job, LogEntry

_MOMENT = re.compile(r"(?<='date': \{'\$datetime': ')[^']+")
"""When an event was triggered: each half has its own."""


@dataclass
class Half:
    """What one render made."""

    sends: bool
    text: str | None = None
    error: Exception | None = None
    sent: list[tuple[Sequence[Job], Sequence[LogEntry]]] = field(default_factory=list)
    warned: list[warnings.WarningMessage] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Return all of it in a form that compares: without the ids, which are random."""
        ids = {job.id: f"<job {number}>" for number, job in enumerate(job for jobs, _ in self.sent for job in jobs)}

        def named(value: object) -> str:
            text = str(value)
            for id, name in ids.items():
                text = text.replace(id, name)
            return _MOMENT.sub("<a moment>", text)

        error = self.error
        token = getattr(error, "token", None)
        return {
            "text": named(self.text),
            "error": error and (type(error), named(error), getattr(error, "template_name", None)),
            "at": token and token.start_index,
            "jobs": [named(job) for jobs, _ in self.sent for job in jobs],
            "lines": [entry for _, entries in self.sent for entry in entries],
            "warnings": [named(warning.message) for warning in self.warned],
        }


def _is_chance(error: Exception | None) -> bool:
    """Return whether it depends on the clock or on Python's stack which limit a render hits, and where."""
    chances = ("PAGE_TIMEOUT", "context_depth_limit")
    limited = isinstance(error, ResourceLimitError) and any(chance in str(error) for chance in chances)
    return limited or isinstance(error, NestedTooDeep)


_rendering: ContextVar[Half | None] = ContextVar("half", default=None)


class BothHalves(Engine):
    """An engine that renders each page twice: first by its async half, which sends nothing, then as it was asked to.

    The first gets a copy of the data. In a thread of its own, or on a running event loop, a page is rendered once.
    """

    def _render(self, page: Any, data: Mapping[str, Any] | None, request: Any) -> str:
        if threading.current_thread() is not threading.main_thread() or asyncio._get_running_loop() is not None:
            return super()._render(page, data, request)
        ahead, plain = Half(sends=False), Half(sends=True)
        with _silent():
            _run(ahead, lambda: asyncio.run(self._render_async(page, _copied(data or {}), _copied(request))))
        _run(plain, lambda: super(BothHalves, self)._render(page, data, request))
        for warning in plain.warned:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        if _is_chance(ahead.error) or _is_chance(plain.error):
            assert isinstance(ahead.error, ResourceLimitError)
            assert isinstance(plain.error, ResourceLimitError)
        else:
            other, mine = ahead.told(), plain.told()
            unlike = {key: (other[key], mine[key]) for key in mine if other[key] != mine[key]}
            assert not unlike, f"render_async and render differ: {unlike}"
        if plain.error is not None:
            raise plain.error
        assert plain.text is not None
        return plain.text

    def send(self, jobs: Sequence[Job], entries: Sequence[LogEntry]) -> None:
        half = _rendering.get()
        if half is not None:
            half.sent.append((tuple(jobs), tuple(entries)))
        if half is None or half.sends:
            super().send(jobs, entries)


def _copied(values: Mapping[str, Any]) -> Any:
    copies = {}
    for name, value in values.items():
        try:
            copies[name] = copy.deepcopy(value)
        except TypeError:  # a read-only view, or what has no copies
            copies[name] = value
    return copies


def is_ahead() -> bool:
    """Return whether the calling code is part of a render that sends nothing: for tests that count calls."""
    half = _rendering.get()
    return half is not None and not half.sends


@contextmanager
def _silent() -> Iterator[None]:
    """Have nothing logged: what a page says to the program's log is counted by tests."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


def _run(half: Half, render: Callable[[], str]) -> None:
    token = _rendering.set(half)
    with warnings.catch_warnings(record=True) as half.warned:
        try:
            half.text = render()
        except Exception as error:  # noqa: BLE001  compared, then raised
            half.error = error
        finally:
            _rendering.reset(token)
