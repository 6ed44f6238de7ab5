"""Jobs go when the transactions around them are committed, on a real database; in tests Django's own tools see them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.db.backends.signals import connection_created
from django.db.transaction import TransactionManagementError
from django.template import engines
from django.test import Client, TestCase

from liquid_background import Engine, StoreUnavailable, background
from liquid_background.testing import fake_jobs
from tests.django_project import set_up
from tests.postgres import PostgresServer

MakeProject = Callable[..., Engine]
ORDER = {"order.liquid": "{% background source_name: 'receipt' %}{{ id }}{% endbackground %}ordered"}


@pytest.fixture(scope="module")
def servers(postgres_server: PostgresServer) -> Iterator[None]:
    """Two databases of a real PostgreSQL, under the aliases `pg` and `pg2`."""
    set_up()
    with postgres_server.database() as first, postgres_server.database() as second:
        for alias, database in (("pg", first), ("pg2", second)):
            connections.databases[alias] = connections.configure_settings(
                {"default": {}, alias: dict(database.django)}
            )[alias]
            with connections[alias].cursor() as cursor:
                cursor.execute("CREATE TABLE sent (id int)")
        yield
        for alias in ("pg", "pg2"):
            connections[alias].close()
            del connections.databases[alias], connections[alias]


@pytest.fixture
def engine(servers: None, make_project: MakeProject) -> Engine:
    return make_project(ORDER)


def _page() -> None:
    assert engines["liquid"].get_template("order.liquid").render() == "ordered"


@contextmanager
def _rolled_back(alias: str) -> Iterator[None]:
    with suppress(ZeroDivisionError), transaction.atomic(alias):
        yield
        raise ZeroDivisionError


def _sent(engine: Engine) -> int:
    return len(engine.jobs.list())


def test_outside_of_transactions_they_go_at_once_and_no_connection_is_opened(engine: Engine) -> None:
    opened: list[Any] = []

    def note(connection: Any, **_: Any) -> None:
        opened.append(connection)

    connections["pg"].close()
    connection_created.connect(note)
    _page()
    assert _sent(engine) == 1
    assert opened == []


def test_a_commit_sends_and_a_rollback_does_not(engine: Engine) -> None:
    with transaction.atomic("pg"):
        _page()
        assert _sent(engine) == 0
    assert _sent(engine) == 1
    with _rolled_back("pg"):
        _page()
    assert _sent(engine) == 1


def test_a_savepoint_takes_its_jobs_along(engine: Engine) -> None:
    with transaction.atomic("pg"):
        with transaction.atomic("pg"):
            _page()
        with _rolled_back("pg"):
            _page()
        with transaction.atomic("pg"), transaction.atomic("pg"):
            _page()
        assert _sent(engine) == 0
    assert _sent(engine) == 2


def test_with_several_databases_they_wait_for_those_whose_transactions_are_open(engine: Engine) -> None:
    with transaction.atomic("pg"):
        with transaction.atomic("pg2"):
            _page()
        assert _sent(engine) == 0  # the inner one is committed, the outer one is not
    assert _sent(engine) == 1
    with transaction.atomic("pg"), _rolled_back("pg2"):
        _page()
    assert _sent(engine) == 1  # what they belong to is only half there
    with transaction.atomic("pg2"):
        _page()
    assert _sent(engine) == 2


def test_a_setting_says_which_databases_count(
    servers: None, make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(django_settings.DATABASES, "pg2", {})
    engine = make_project(ORDER, SEND_ON_COMMIT="pg2")
    with transaction.atomic("pg"):
        _page()
        assert _sent(engine) == 1
        with transaction.atomic("pg2"):
            _page()
            assert _sent(engine) == 1
        assert _sent(engine) == 2


def test_a_setting_turns_it_off_and_leaves_the_hook_to_the_project(servers: None, make_project: MakeProject) -> None:
    engine = make_project(ORDER, SEND_ON_COMMIT=False)
    with _rolled_back("pg"):
        _page()
    assert _sent(engine) == 1
    held: list[Any] = []
    engine.send_when(held.append)
    _page()
    assert (_sent(engine), len(held)) == (1, 1)


def test_without_autocommit_nobody_could_say_when(engine: Engine) -> None:
    connections["pg"].ensure_connection()
    connections["pg"].set_autocommit(False)
    try:
        with pytest.raises(TransactionManagementError, match="on_commit"):
            _page()
    finally:
        connections["pg"].close()
    assert _sent(engine) == 0


def test_python_jobs_go_on_commit_too(engine: Engine) -> None:
    with _rolled_back("pg"):
        engine.enqueue("order")
    assert _sent(engine) == 0
    with transaction.atomic("pg"):
        handle = engine.enqueue("order")
    assert [job.id for job in engine.jobs.list()] == [handle.id]


def test_a_store_that_is_away_is_told_by_the_commit(servers: None, make_project: MakeProject) -> None:
    make_project(ORDER, REDIS_URL="redis://127.0.0.1:1")

    @transaction.atomic("pg")
    def buy() -> None:
        with connections["pg"].cursor() as cursor:
            cursor.execute("INSERT INTO sent VALUES (1)")
        _page()

    with pytest.raises(StoreUnavailable):
        buy()
    with connections["pg"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sent")
        assert cursor.fetchone() == (1,)


async def _page_async(engine: Engine) -> None:
    assert await engine.render_async("order") == "ordered"


async def _enqueue_async(engine: Engine) -> None:
    await engine.enqueue_async("order")


async def _enqueue_many_async(engine: Engine) -> None:
    await engine.enqueue_many_async("order", [{}])


ASYNC = pytest.mark.parametrize("make", [_page_async, _enqueue_async, _enqueue_many_async])


@ASYNC
def test_coroutines_send_on_the_commit_of_those_around_them(engine: Engine, make: Callable[..., Any]) -> None:
    with _rolled_back("pg"):
        async_to_sync(make)(engine)
        assert _sent(engine) == 0
    assert _sent(engine) == 0
    with transaction.atomic("pg"):
        async_to_sync(make)(engine)
        assert _sent(engine) == 0
    assert _sent(engine) == 1


def test_coroutines_send_at_once_outside_of_transactions(engine: Engine) -> None:
    async_to_sync(_page_async)(engine)
    asyncio.run(_enqueue_async(engine))
    assert _sent(engine) == 2


def test_coroutines_that_wait_in_turn_for_a_silent_store_share_what_the_first_finds_out(
    make_project: MakeProject, servers: None
) -> None:
    async def all_of_them() -> list[object]:
        made = (make(engine) for make in (_page_async, _enqueue_async) for _ in range(30))
        return list(await asyncio.gather(*made, return_exceptions=True))

    with closing(socket.create_server(("127.0.0.1", 0))) as hole:
        url = f"redis://127.0.0.1:{hole.getsockname()[1]}/0"
        engine = make_project(ORDER, REDIS_URL=url, STORE_TIMEOUT=0.5)
        for _ in range(2):
            began = time.monotonic()
            ended = asyncio.run(all_of_them())
            assert time.monotonic() - began < 5
            assert all(isinstance(each, StoreUnavailable) for each in ended), ended


# Requests.


@pytest.fixture
def client(databases: None) -> Client:
    return Client(raise_request_exception=False)


def test_a_view_in_a_transaction_sends_when_it_ends(make_project: MakeProject, client: Client) -> None:
    engine = make_project(ORDER)
    assert client.get("/order/").content == b"ordered"
    assert _sent(engine) == 1
    assert client.get("/order/?fail").status_code == 500
    assert _sent(engine) == 1
    assert client.get("/later/").content == b"ordered"
    assert _sent(engine) == 2


def test_atomic_requests(make_project: MakeProject, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_project(ORDER)
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    monkeypatch.setitem(connections["other"].settings_dict, "ATOMIC_REQUESTS", True)
    assert client.get("/order/").status_code == client.get("/later/").status_code == 200
    assert _sent(engine) == 2
    assert client.get("/order/?fail").status_code == 500
    assert _sent(engine) == 2


# Django's own tests.


@pytest.fixture
def case(databases: None) -> Iterator[type[TestCase]]:
    """A TestCase that a test of ours is in the middle of."""

    class Case(TestCase):
        databases = ("default", "other")

    Case.setUpClass()
    atomics = Case._enter_atomics()
    try:
        yield Case
    finally:
        Case._rollback_atomics(atomics)
        Case.tearDownClass()
        Case.doClassCleanups()


@pytest.mark.parametrize("path", ["/order/", "/later/"])
def test_a_test_case_captures_them(make_project: MakeProject, case: type[TestCase], path: str) -> None:
    engine = make_project(ORDER)
    client = Client()
    with case.captureOnCommitCallbacks() as callbacks:
        assert client.get(path).content == b"ordered"
    assert len(callbacks) == 1
    assert _sent(engine) == 0
    with case.captureOnCommitCallbacks(execute=True):
        client.get(path)
    assert _sent(engine) == 1


def test_a_test_case_captures_those_of_another_database(make_project: MakeProject, case: type[TestCase]) -> None:
    engine = make_project(ORDER)
    with case.captureOnCommitCallbacks(using="other", execute=True) as callbacks, transaction.atomic("other"):
        _page()
    assert (len(callbacks), _sent(engine)) == (1, 1)


@ASYNC
def test_a_test_case_captures_those_of_coroutines(
    make_project: MakeProject, case: type[TestCase], make: Callable[..., Any]
) -> None:
    engine = make_project(ORDER)
    with case.captureOnCommitCallbacks() as callbacks:
        async_to_sync(make)(engine)
    assert (len(callbacks), _sent(engine)) == (1, 0)


@background
async def add_user() -> int:
    seen = await User.objects.acount()
    await User.objects.acreate(username="made by the job")
    return seen


def test_async_jobs_of_a_double_run_in_the_tests_transaction(make_project: MakeProject, case: type[TestCase]) -> None:
    engine = make_project()
    User.objects.create(username="Ada")
    with fake_jobs(engine) as jobs:
        with case.captureOnCommitCallbacks(execute=True):
            engine.enqueue(add_user)
        assert [(job.result, job.error) for job in jobs.run_all()] == [(1, None)]
    assert User.objects.count() == 2
