"""Tasks: first those of Django's documentation, with nothing but the import changed, then some of ours."""

from __future__ import annotations

import logging
import os
import sys
import time
from functools import wraps
from typing import Any

import django
from django.core.mail import send_mail

from liquid_background import NonRetryable

if django.VERSION < (6,):
    from django_tasks import task
else:
    from django.tasks import task

logger = logging.getLogger(__name__)


@task
def email_users(emails, subject, message):
    return send_mail(subject=subject, message=message, from_email=None, recipient_list=emails)


@task(priority=2, queue_name="emails")
def email_users_soon(emails, subject, message):
    return send_mail(subject=subject, message=message, from_email=None, recipient_list=emails)


@task(takes_context=True)
def email_users_knowingly(context, emails, subject, message):
    logger.debug(f"Attempt {context.attempt} to send user email. Task result id: {context.task_result.id}.")
    return send_mail(subject=subject, message=message, from_email=None, recipient_list=emails)


@task()
def double_dictionary(key):
    return {key: key * 2}


@task
def process_data(data):
    return 42


# Ours.


@task
async def add(one: int, two: int = 1) -> int:
    return one + two


@task(takes_context=True)
def fail_until(context: Any, attempt: int) -> list[Any]:
    if context.attempt < attempt:
        raise LookupError(f"attempt {context.attempt}")
    result = context.task_result
    return [
        context.attempt,
        result.status,
        len(result.worker_ids),
        [error.exception_class_path for error in result.errors],
    ]


@task
def refuse() -> None:
    raise NonRetryable("never")


@task
def end() -> None:
    sys.exit(3)


@task
def die() -> None:
    os._exit(3)


@task
def sleep(seconds: float) -> None:
    time.sleep(seconds)


@task(takes_context=True)
def tell_workers(context: Any) -> list[Any]:
    """Return what others read of this task while it runs."""
    result = context.task_result
    result.refresh()
    return [result.status, result.worker_ids]


@task
def give_object() -> object:
    return object()


@task
def sign_in(password: str, name: str) -> None:
    """Fail with what is not to be seen."""
    raise ValueError(f"{name} with {password}")


@task(takes_context=True)
def sign_in_knowingly(context: Any, password: str, name: str) -> None:
    """Do what `sign_in` does."""
    sign_in.call(password, name)


def plain() -> None:
    """No task."""


renamed = task(plain)


@task
def hand_on(fail: bool = False) -> None:
    """Enqueue another task, which is sent with the end of this one."""
    process_data.enqueue(1)
    if fail:
        raise LookupError("after all")


def _quietly(function: Any) -> Any:
    @wraps(function)
    def called(*args: Any) -> Any:
        return function(*args)

    return called


@task
@_quietly
def renamed_again() -> None:
    """One with a decorator of its own."""
