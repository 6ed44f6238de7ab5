"""examples/django_shop: its own tests, and all of it at work on a real PostgreSQL with a real worker."""

from __future__ import annotations

import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.cookiejar import CookieJar
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from tests import warm
from tests.postgres import Database

pytestmark = pytest.mark.slow

SHOP = Path(__file__).parents[2] / "examples" / "django_shop"


@pytest.fixture
def manage(store_dir: Path) -> Callable[..., str]:
    """`manage("migrate")` runs a command of the shop's and returns what it printed; `code=` is what it ends with."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DJANGO_"))}
    where = {**plain, "LIQUID_BACKGROUND_DATA_DIR": str(store_dir), "PYTHONPATH": str(SHOP)}

    def run(*arguments: str, code: int = 0, **variables: str) -> str:
        done = warm.run("manage", *arguments, cwd=SHOP, env={**where, **variables}, timeout=90)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def _variables(database: Database) -> dict[str, str]:
    place = database.django
    return {"PGDATABASE": place["NAME"], "PGUSER": place["USER"], "PGHOST": place["HOST"]}


def test_its_own_tests(manage: Callable[..., str], postgres: Database) -> None:
    for variables in ({}, _variables(postgres)):
        assert "Ran 3 tests" in manage("test", **variables)
    assert "No changes detected" in manage("makemigrations", "--check")


def test_the_rest_of_poscli_works_on_it(store_dir: Path) -> None:
    named = {"DJANGO_SETTINGS_MODULE": "shop.settings", "LIQUID_BACKGROUND_APP": "liquid_background.django:engine"}
    where = {**os.environ, **named, "LIQUID_BACKGROUND_DATA_DIR": str(store_dir), "PYTHONDONTWRITEBYTECODE": "1"}
    for command, shown in (("check", "nothing wrong in 2 files"), ("status", "no store here")):
        done = warm.run("poscli", command, cwd=SHOP, env=where)
        assert (done.returncode, shown in done.stdout + done.stderr) == (0, True), done


@contextmanager
def _served(store_dir: Path, variables: dict[str, str]) -> Iterator[str]:
    """Yield the URL of the shop, served by Django."""
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        **variables,
        "LIQUID_BACKGROUND_DATA_DIR": str(store_dir),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(SHOP),
    }
    with open(os.devnull, "r+") as nothing:
        command = ("manage", "runserver", "--noreload", f"127.0.0.1:{port}")
        server = warm.start(*command, cwd=SHOP, env=environment, streams=(nothing, nothing, nothing))
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


def _ask(opener: urllib.request.OpenerDirector, url: str, **fields: str) -> str:
    body = urllib.parse.urlencode(fields).encode() if fields else None
    with opener.open(url, body, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def test_an_order_gets_its_receipt(
    manage: Callable[..., str], store_dir: Path, postgres: Database, wait_until: Callable[..., Any]
) -> None:
    variables = _variables(postgres)
    manage("migrate", **variables)
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with _served(store_dir, variables) as url:

        def page() -> str | None:
            with suppress(urllib.error.URLError):
                return _ask(opener, url)
            return None

        found = re.search('name="csrfmiddlewaretoken" value="(.+?)"', wait_until(page))
        assert found is not None
        token = found[1]
        answer = _ask(opener, url, customer="<Ada>", tea="Assam", csrfmiddlewaretoken=token)
        assert "Thank you, &lt;Ada&gt;." in answer
        assert "Assam for &lt;Ada&gt;" in answer
        with pytest.raises(urllib.error.HTTPError):  # the transaction is rolled back, and its job not sent
            _ask(opener, url, customer="x" * 101, tea="Oolong", csrfmiddlewaretoken=token)
    manage("liquid_worker", "--burst", **variables)
    assert postgres.query("SELECT customer, text FROM shop_receipt JOIN shop_order ON order_id = shop_order.id") == [
        ["<Ada>", "<Ada>: one Assam"]
    ]
    assert "receipt (attempt 1/3) - SUCCESS" in manage("liquid_logs", **variables)
    listed = manage("liquid_jobs", "list", **variables).splitlines()
    assert len(listed) == 2
    assert "completed" in listed[1]
    assert "no job has the id 'none'" in manage("liquid_jobs", "show", "none", code=1, **variables)


def test_a_newcomer_starts_it_in_two_commands(manage: Callable[..., str]) -> None:
    text = (SHOP / "README.md").read_text()
    assert len([line for line in text.splitlines() if line.strip()]) <= 14
    commands = re.findall(r"^python manage\.py (\S+)", text, re.M)
    known = manage("help", "--commands").split()
    assert commands
    assert set(commands) <= set(known)
