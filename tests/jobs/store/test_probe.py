"""The connection of a probe: where it leads, what it says when nobody answers, and that it is over in time."""

from __future__ import annotations

import socket
import time
from threading import Thread
from typing import Any

import pytest

from liquid_background.errors import SettingsError, StoreUnavailable
from liquid_background.jobs.queue.health import look
from liquid_background.jobs.store import Store, asked
from liquid_background.jobs.store.address import parse_address
from liquid_background.jobs.store.asking import Refusal
from liquid_background.jobs.store.probe import embedded_place, line_to, plain_place

PLAIN = [
    "redis://localhost",
    "redis://host.example:6380/3",
    "redis://host:6379/",
    "redis://user:p%40ss@host/2",
    "redis://:secret@host:1/0",
    "redis://[::1]:7000/1",
    "redis:///5",
    "unix:///run/valkey/valkey.sock",
    "unix://user:pw@/tmp/a%20b.sock",
]
OTHERS = [
    "rediss://host:6380/0",
    "redis+sentinel://a:1,b:2/main/0",
    "redis://host/0?client_name=x",
    "unix:///s.sock?db=2",
    "redis://user@host",
    "redis://host/zero",
    "redis://host:99999",
    "redis://host:0",
    "redis://host/0#x",
    "http://host",
    "redis://höst",
    "nonsense",
    "",
]


@pytest.mark.parametrize("url", PLAIN)
def test_a_plain_url_leads_where_the_whole_client_would_go(url: str) -> None:
    place, address = plain_place(url), parse_address(url)
    assert place is not None
    assert place.shown == address.shown
    given = address.arguments
    at = given["path"] if "path" in given else (given.get("host", "localhost"), given.get("port", 6379))
    login = tuple(given[name] for name in ("username", "password") if given.get(name))
    assert (place.at, place.number, place.login) == (at, given.get("db", 0), login)
    assert "p@ss" not in repr(place)
    assert "secret" not in repr(place)


@pytest.mark.parametrize("url", OTHERS)
def test_any_other_url_is_left_to_the_whole_client(url: str) -> None:
    assert plain_place(url) is None


def test_both_connections_see_the_same(store: Store) -> None:
    assert store.socket is not None
    store.client.rpush("rq:queue:high", "x")
    with asked(store) as ask, line_to(embedded_place(store.socket), 5) as line:
        assert line.url == store.url
        commands = (
            ("LLEN", "rq:queue:high"),
            ("HSET", "rq:queue:high", "a", "b"),
            ("NOTHING",),
            ("ZADD", "x", "y", "z"),
        )
        mine, theirs = line.ask(*commands), ask.ask(*commands)
        assert mine == theirs
        assert mine[0] == 1
        assert all(isinstance(reply, Refusal) for reply in mine[1:])
        assert look(line).verdicts == look(ask).verdicts


def test_a_login_is_said_and_a_wrong_one_told(start_server: Any) -> None:
    server = start_server("--requirepass", "right")
    for login, told in ((":right@", None), (":wrong@", "refused the login"), ("", "refused the login")):
        place = plain_place(server.url.replace("//", f"//{login}"))
        assert place is not None
        if told is None:
            with line_to(place, 5) as line:
                assert line.ask(("PING",)) == [b"PONG"]
        else:
            with pytest.raises(StoreUnavailable, match=told) as raised, line_to(place, 5):
                pass
            assert "wrong" not in str(raised.value)


def test_a_silent_server_is_left_after_the_time_that_it_has() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = plain_place(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        assert place is not None
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.3 s"), line_to(place, 0.3):
            pass
        assert 0.25 < time.monotonic() - started < 5


def test_what_is_no_store_is_told() -> None:
    def answer() -> None:
        with other.accept()[0] as connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as other:
        thread = Thread(target=answer)
        thread.start()
        place = plain_place(f"redis://127.0.0.1:{other.getsockname()[1]}/0")
        assert place is not None
        with pytest.raises(StoreUnavailable, match="what answers there is no Redis"), line_to(place, 5):
            pass
        thread.join()


def test_nobody_there_is_told_with_what_to_do() -> None:
    place = plain_place("redis://127.0.0.1:1/0")
    assert place is not None
    with (
        pytest.raises(StoreUnavailable, match=r"cannot be reached \(Connection refused\): start it"),
        line_to(place, 1),
    ):
        pass


def test_a_mistake_is_the_whole_client_s_to_explain() -> None:
    with pytest.raises(SettingsError):
        parse_address("redis://host/zero")
