"""A worker's part in alerts: it looks for what is to be told, and tells it in a process beside the children."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import suppress
from contextvars import copy_context
from time import monotonic
from typing import Any, Final

from liquid_background.alerting import HOOKS, AlertTemplate, Teller, tells
from liquid_background.errors import SettingsError, StoreUnavailable
from liquid_background.hooks import hooks_of
from liquid_background.job import LogEntry, Outcome, Performer
from liquid_background.jobs.queue import Queue, alerts, scripts
from liquid_background.jobs.queue.alerts import Alert, Look
from liquid_background.jobs.queue.moves import Call
from liquid_background.jobs.queue.opening import Claimed
from liquid_background.jobs.store import Store
from liquid_background.settings import Settings
from liquid_background.wording import counted
from liquid_background_worker import attempt
from liquid_background_worker.alarm import Alarm
from liquid_background_worker.limited import call_hooks
from liquid_background_worker.limits import CpuLimit
from liquid_background_worker.slot import Left, Slot

logger = logging.getLogger("liquid_background.worker")

_EVERY: Final = 0.5  # seconds between two looks
_MOST_TRIES: Final = 3  # to tell somebody, one after the other
_DOUBT: Final = "an alert may be told again"
_TYPE: Final = "alert"  # of the lines in the job log that say what was told


class Watch:
    """A supervisor's part: it looks, and knows whether an alert is due.

    1. `calls`: the look that is due.
    2. `heard`: what it says.

    Args:
        performer: the application.
        settings: with the folder of alerts.
        worker: the worker's name.

    Raises:
        SettingsError: when the folder of alerts is none, cannot be read, or is in the site's.
    """

    def __init__(self, performer: Performer, settings: Settings, worker: str) -> None:
        self._settings = settings
        # Processes beside the children go on with this one: a folder that went since keeps no hook from being called.
        self.teller = Teller(performer, settings)
        self.worker = worker
        self._host = socket.gethostname()[:100].replace(" ", "_")
        self.wanted = self.teller.wanted() if tells(performer, settings) else []
        self._next_look = 0.0
        self.token = ""  # of the process that tells; empty while none does
        self.is_due = False
        self.looks = 0  # that were answered

    def calls(self) -> list[Call]:
        """Return the call that is due now."""
        if not self.wanted or monotonic() < self._next_look:
            return []
        self._next_look = monotonic() + _EVERY
        return [alerts.look(self.worker, self._host, self.token, self.wanted, self._settings)]

    def heard(self, reply: Any) -> bytes:
        """Take note of a reply; return what the store could not write beside it, b"" when it could."""
        found = Look.of(reply)
        if found is None:
            return b""
        self.is_due = found.is_due
        self.looks += 1
        return found.problem

    @property
    def is_on(self) -> bool:
        """Whether anybody is told of anything."""
        return bool(self.wanted)

    def begin(self) -> None:
        """Take note that a process begins to tell, with a token of its own."""
        self.token, self.is_due = secrets.token_hex(8), False

    def ended(self) -> None:
        """Take note that it has ended, and look again soon."""
        self.token, self._next_look = "", 0.0

    def leave(self) -> Call | None:
        """Return the call that says that the worker stops."""
        return alerts.leave(self.worker, self._host) if self.wanted else None


class Telling:
    """What a process beside the children does: it tells what is due, one alert after the other.

    An alert whose process dies is told by another one when its lease is over, to those who were not told.
    """

    def __init__(self, store: Store, performer: Performer, settings: Settings, watch: Watch, slot: Slot) -> None:
        self._store = store
        self._performer = performer
        self._settings = settings
        self._token = watch.token
        self._wanted = watch.wanted
        self._slot = slot
        self._queue = Queue(store, settings)
        self._teller = watch.teller
        self._process = os.getpid()
        self._alarm = Alarm()
        self._cpu = CpuLimit()

    def tell_all(self) -> None:
        """Tell what is due, until nothing is or the worker stops."""
        hooks = hooks_of(self._performer)
        try:
            alert = self._take()
            if alert is not None:  # of several workers that saw it due, one is first
                self._limited("on_child_start hooks", hooks.child_started)
            while alert is not None:
                self._tell(alert)
                alert = None if self._slot.stop else self._take()
                if alert is None:
                    self._limited("on_child_stop hooks", hooks.child_stopped)
            self._slot.left = Left.DONE
        except StoreUnavailable as error:  # its supervisor warns
            logger.debug("alerts wait for the store: %s", error)
        finally:
            self._store.close()

    def _take(self) -> Alert | None:
        taken = alerts.opened(self._run(alerts.take(self._token, self._wanted, self._settings)))
        if taken.left_out:
            many = counted(taken.left_out, "alert")
            logger.error("%s left out: ALERT_CAP is %d an hour", many, self._settings.alert_cap)
        return taken.alert

    def _run(self, call: Call) -> Any:
        return scripts.run(self._store, *call, _DOUBT)

    def _limited(self, what: str, call: Any) -> None:
        limit = self._settings.job_timeout
        self._cpu.allow(limit, monotonic())
        call_hooks(what, self._alarm, limit, call)
        self._slot.count(False, 0.0)

    def _call_hooks(self, values: dict[str, Any]) -> None:
        """Call each hook of an event, with the time of a job: one that hangs keeps no other from hearing of it."""
        for name, tell in self._teller.hook_calls(values):
            self._limited(name, tell)

    def _tell(self, alert: Alert) -> None:
        if alert.given_up:
            self._failed(alert, "", "the processes that were to send it died")
            self._run(alerts.over(self._token, alert))
            return
        values = self._teller.values_of(alert)
        failed: list[tuple[str, str]] = []
        for to, error in self._each(alert, values):
            if error:
                failed.append((to, error))
                if not to:
                    logger.warning("alert %s: %s", alert.event, error)
            elif not self._run(alerts.told(self._token, alert, to, self._settings)):
                return  # its lease ran out: another process tells it
            self._slot.count(bool(error), 0.0)
        waits = self._settings.waits(_MOST_TRIES)
        if failed and alert.tries < len(waits):
            self._run(alerts.again(self._token, alert, waits[alert.tries]))
            return
        for to, error in failed:
            self._failed(alert, to, error)
        self._run(alerts.over(self._token, alert))

    def _each(self, alert: Alert, values: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Tell each who was not told; yield whom, "" when nobody can be found, and what was wrong with that."""
        if self._teller.has_hooks(alert.event) and HOOKS not in alert.told:
            self._call_hooks(values)
            yield HOOKS, ""
        try:
            templates = self._teller.templates(alert.event)
        except SettingsError as error:
            yield "", str(error)
            return
        if not templates and not self._teller.has_hooks(alert.event):
            yield "", "no template of it is there any more; start workers anew when nobody is to be told"
        for template in templates:
            if template.name not in alert.told:
                yield template.name, self._send(template, values)

    def _send(self, template: AlertTemplate, values: dict[str, Any]) -> str:
        """Render a template, and send what jobs it made; return what was wrong."""
        try:
            payload = self._teller.payload(template, values)
        except SettingsError as error:
            outcome = Outcome(error=str(error))
        else:
            limit = self._settings.job_timeout
            self._cpu.allow(limit, monotonic())
            job = Claimed(f"alert-{values['id']}", payload, 1, 1, limit, None)
            outcome = copy_context().run(attempt.perform, self._performer, self._alarm, job)
            if os.getpid() != self._process:
                os._exit(0)  # a template forked, and its fork came back
        outcome = self._with_jobs(template, values, outcome)
        level = logging.WARNING if outcome.error else logging.INFO
        logger.log(level, "alert %s: %s %s", template.name, values["type"], _said(template, outcome))
        return outcome.error or ""

    def _with_jobs(self, template: AlertTemplate, values: dict[str, Any], outcome: Outcome) -> Outcome:
        """Send what jobs a template made, with its lines and one that says what came of it; return what did."""
        message = f"{values['type']} {_said(template, outcome)}"
        line = LogEntry(template=f"alerts/{template.name}", source_name="alert", type=_TYPE, message=message)
        try:
            self._queue.send(outcome.jobs, (*outcome.entries, line))
        except StoreUnavailable as error:
            if outcome.jobs:
                return Outcome(error=str(error))
            logger.debug("the log has no line of alert %s: %s", template.name, error)  # a full store takes none
        return outcome

    def _failed(self, alert: Alert, to: str, error: str) -> None:
        """Say that an alert was not sent to somebody: here and to hooks, for no alert tells of another one."""
        logger.error("alert %s is not sent by %s: %s", alert.event, to or "anybody", error)
        if self._teller.has_hooks("alert.failed"):
            about = {"alert": alert.event, "template": to, "error": error}
            values = self._teller.values("alert.failed", about, alert.id)
            self._call_hooks(values)


def _said(template: AlertTemplate, outcome: Outcome) -> str:
    return f"failed: {outcome.error}" if outcome.error else f"sent by {template.name} ({outcome.duration}ms)"


def tell_trouble(performer: Performer, settings: Settings, watch: Watch, error: str, slot: Slot) -> None:
    """Call the hooks of store.trouble, in a process of their own and without the store."""
    teller, worker = watch.teller, watch.worker
    values = teller.values("store.trouble", {"worker": worker, "error": error}, secrets.token_hex(8))
    alarm = Alarm()
    call_hooks("on_child_start hooks", alarm, settings.job_timeout, hooks_of(performer).child_started)
    for name, tell in teller.hook_calls(values):
        slot.count(False, 0.0)  # each has its own time
        call_hooks(name, alarm, settings.job_timeout, tell)
    with suppress(Exception):
        hooks_of(performer).child_stopped()
