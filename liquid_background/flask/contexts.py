"""The application context of a job, and of hooks that are called outside of jobs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final

from flask import Flask

from liquid_background.calling import call
from liquid_background.flask.configuration import BaseUrl
from liquid_background.hooks import Attempt, Hooked

logger: Final = logging.getLogger("liquid_background.flask")


def run_in_context(app: Flask, engine: Hooked, base_url: BaseUrl | None) -> None:
    """Have each attempt of a job run in an application context of its own.

    Args:
        app: whose context.
        engine: runs the jobs.
        base_url: where `url_for` leads; None leaves that to SERVER_NAME.
    """

    @engine.around_job(required=True)  # a job that asks for `current_app` is not to run without
    @contextmanager
    def application_context(job: Attempt) -> Iterator[None]:
        context = app.app_context()
        if base_url is not None:
            context.url_adapter = app.url_map.bind(base_url.host, base_url.root, url_scheme=base_url.scheme)
        context.push()
        error: BaseException | None = None
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            try:
                context.pop(error)
            except Exception:  # what the job has done stays done
                logger.exception("%s: a teardown function raised; that costs no job", job.source_name)


def in_context(app: Flask, hook: Callable[..., Any]) -> Callable[..., None]:
    """Return a hook that is called in an application context."""

    @wraps(hook)
    def inside(*args: object) -> None:
        with app.app_context():
            call(hook, args)

    return inside
