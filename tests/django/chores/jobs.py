"""The jobs. Each writes a row: its name, its process, and the server's process behind its connection."""

from __future__ import annotations

import os
import time

from asgiref.sync import sync_to_async
from django.db import connection, transaction

from liquid_background.django import engine

if "SITE_CONNECTS" in os.environ:
    connection.ensure_connection()  # while the application is loaded, as by a query at the top of a module


def _write(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO done VALUES (%s, %s, pg_backend_pid())", [name, os.getpid()])


@engine().action
def write(name: str, seconds: float = 0.0) -> None:
    time.sleep(seconds)
    _write(name)


@engine().action
async def write_async(name: str) -> None:
    await sync_to_async(_write)(name)


@engine().action
async def write_slowly_async(name: str, seconds: float) -> None:
    """Write in the thread of coroutines, in a transaction that nothing can interrupt there."""
    await sync_to_async(_write_slowly)(name, seconds)


def _write_slowly(name: str, seconds: float) -> None:
    with transaction.atomic():
        _write(name)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [seconds])


@engine().action
def write_slowly(name: str) -> None:
    """Write in a transaction that takes longer than the job may."""
    _write_slowly(name, 4)


@engine().action
def do_nothing() -> None:
    """Ask no database at all."""


@engine().action
def break_connection() -> None:
    """Have the server end this connection, and fail by that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
