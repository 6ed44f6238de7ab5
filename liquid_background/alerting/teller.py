"""Who is told of an event, and what: the templates and hooks of one application, and the values that they see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from liquid_background.alerting.folder import AlertFolder, AlertTemplate
from liquid_background.events import ALERTED, SYSTEM_EVENTS
from liquid_background.hooks import Event, hooks_of
from liquid_background.job import plain_name
from liquid_background.jobs.handover import encode
from liquid_background.jobs.queue.alerts import Alert
from liquid_background.jobs.queue.payload import PAYLOAD_VERSION
from liquid_background.language.pages import sites_of
from liquid_background.settings import Settings
from liquid_background.wording import counted

HOOKS: Final = "(hooks)"
"""Stands for the application's hooks among those that are told."""
_CLOCK: Final = "%H:%M UTC"


def tells(performer: object, settings: Settings) -> bool:
    """Return whether an application tells anybody of events: it has a folder of alerts, or hooks for them."""
    return settings.alerts is not None or bool(hooks_of(performer).events)


class Teller:
    """The recipients of an application's alerts, and what each is given.

    Args:
        performer: the application, such as an Engine.
        settings: with the folder of alerts, if there is one.

    Raises:
        SettingsError: when that folder is none, or in the site's.
    """

    def __init__(self, performer: object, settings: Settings) -> None:
        loader = getattr(getattr(performer, "environment", None), "loader", None)
        roots = [site.root for site in sites_of(loader)] if loader is not None else []
        self._folder = AlertFolder(settings.alerts, roots) if settings.alerts is not None else None
        self._hooks = hooks_of(performer)
        self._settings = settings

    def templates(self, event: str) -> Sequence[AlertTemplate]:
        """Return the templates of an event, as they are there now.

        Raises:
            SettingsError: when they cannot be looked up.
        """
        return self._folder.templates(event) if self._folder and event in ALERTED else ()

    def has_hooks(self, event: str) -> bool:
        """Return whether hooks want to hear of an event."""
        return self._hooks.tells(event)

    def wanted(self) -> list[str]:
        """Return the events that anybody is told of.

        Raises:
            SettingsError: when their templates cannot be looked up.
        """
        return [event for event in ALERTED if self.templates(event) or self.has_hooks(event)]

    def warnings(self) -> list[str]:
        """Return what is doubtful about the folder."""
        return self._folder.warnings() if self._folder else []

    def values(self, event: str, about: Mapping[str, Any], id: str, **told: Any) -> dict[str, Any]:
        """Return what is told of an event.

        Args:
            event: its name.
            about: its own values: the names of its sample.
            id: the same each time that it is told.
            told: count, since, left_out, where they are not those of one that happened once, now.
        """
        now = datetime.now(UTC).replace(microsecond=0)
        values = {
            "type": event,
            "id": id,
            "date": now,
            "count": 1,
            "since": now,
            "left_out": 0,
            "test": False,
            "site": self._settings.site,
            "environment": self._settings.environment_name,
            **about,
            **told,
        }
        return {**values, "summary": _summary(event, values)}

    def values_of(self, alert: Alert) -> dict[str, Any]:
        """Return what is told of an alert that was taken."""
        told = {"count": alert.count, "since": alert.since.replace(microsecond=0), "left_out": alert.left_out}
        return self.values(alert.event, alert.values, alert.id, **told)

    def call_hooks(self, values: Mapping[str, Any]) -> None:
        """Call the hooks of an event; what they raise is logged."""
        for _, tell in self.hook_calls(values):
            tell()

    def hook_calls(self, values: Mapping[str, Any]) -> Sequence[tuple[str, Callable[[], None]]]:
        """Return the name of each hook of an event, and what calls it."""
        return self._hooks.tellings(Event(values["type"], values["id"], values["date"], values))

    def payload(self, template: AlertTemplate, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the payload of a job that renders a template of an alert, as a performer takes it.

        Raises:
            SettingsError: when the template cannot be read.
        """
        return {
            "v": PAYLOAD_VERSION,
            "template": f"alerts/{template.name}",
            "line": 1,
            "column": 0,
            "source": template.text(),
            "source_name": plain_name(f"alert_{template.name}")[:100],
            "delay": 0.0,
            "max_attempts": 1,
            "parameters": {"event": encode(dict(values))},
            "handed_over": {},
        }


def sample_of(event: str) -> Mapping[str, Any]:
    """Return the values of an event as a test tells them."""
    return {**SYSTEM_EVENTS[event].sample, "test": True}


def _summary(event: str, values: Mapping[str, Any]) -> str:
    """Return a line that says what has happened."""
    where = " ".join(filter(None, (values["site"], values["environment"])))
    line = f"[{where}] " if where else ""
    more = values["count"] - 1
    said = {
        **values,
        "whom": values.get("template") or "anybody",
        "others": f", and {counted(more, 'more worker')} there" if more else "",
    }
    line += {
        "queue.late": "queue {queue}: a job has waited for {seconds} s, {waiting} wait there",
        "schedule.missed": "schedule {schedule}: no worker was there at {missed_at:%Y-%m-%d %H:%M} UTC",
        "worker.gone": "worker {worker} on {host} is gone, and had not said that it stops{others}",
        "store.trouble": "worker {worker}: {error}",
        "alert.failed": "alert {alert} could not be sent by {whom}: {error}",
    }.get(event, "").format_map(said) or _of_jobs(event, values)
    return f"test: {line}" if values["test"] else line


def _of_jobs(event: str, values: Mapping[str, Any]) -> str:
    name, what = values["source_name"] or "background job", event.removeprefix("job.")
    times = f", {counted(values['count'], 'time')} since {values['since']:{_CLOCK}}" if values["count"] > 1 else ""
    is_known = not values["template"] or ":" in values["template"] or values["template"] in values["error"]
    place = "" if is_known else f" ({values['template']}:{values['line']})"
    return f"{name} {what}{times}: {values['error']}{place}"
