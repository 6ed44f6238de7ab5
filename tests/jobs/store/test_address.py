"""Sentinel URLs: what they may say, how they are shown, and that a malformed one is refused without being quoted."""

from __future__ import annotations

import re
import traceback

import pytest
from redis.connection import SSLConnection

from liquid_background.errors import SettingsError
from liquid_background.jobs.store.address import parse_address
from liquid_background.urls import mask_url

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "shown", "sentinels"),
    [
        ("h1/jobs", "h1:26379/jobs/0", [("h1", 26379)]),
        ("h1:5000,h2/jobs/", "h1:5000,h2:26379/jobs/0", [("h1", 5000), ("h2", 26379)]),
        ("h1/my.primary_1-a/7", "h1:26379/my.primary_1-a/7", [("h1", 26379)]),
        ("h1/jobs/7/", "h1:26379/jobs/7", [("h1", 26379)]),
        ("h1/jobs?db=3", "h1:26379/jobs/3", [("h1", 26379)]),
        ("[::1]:5000,h2,[fe80::1]/jobs", "[::1]:5000,h2:26379,[fe80::1]:26379/jobs/0", None),
        ("user:hunter2@h1/jobs", "user:***@h1:26379/jobs/0", [("h1", 26379)]),
        (":hunter2@h1/jobs", ":***@h1:26379/jobs/0", [("h1", 26379)]),
        ("hunter2@h1/jobs", "***@h1:26379/jobs/0", [("h1", 26379)]),
    ],
)
def test_a_sentinel_url_is_read_and_shown_without_its_password(
    url: str, shown: str, sentinels: list[tuple[str, int]] | None
) -> None:
    address = parse_address(f"redis+sentinel://{url}")
    assert address.shown == f"redis+sentinel://{shown}"
    assert address.service is not None
    if sentinels is not None:
        assert list(address.service.sentinels) == sentinels
    assert SECRET not in repr(address)
    assert SECRET not in mask_url(f"redis+sentinel://{url}")
    assert "host" not in address.arguments


def test_ipv6_hosts_lose_their_brackets() -> None:
    address = parse_address("redis+sentinel://[::1]:5000,[fe80::1]/jobs")
    assert address.service is not None
    assert address.service.sentinels == (("::1", 5000), ("fe80::1", 26379))


def test_both_logins_and_the_options_of_a_plain_url_are_read() -> None:
    query = "sentinel_username=s%20user&sentinel_password=s%3Apw&ssl_cert_reqs=none&client_name=shop&db=2"
    address = parse_address(f"rediss+sentinel://us%40er:p%2Fw@h1/jobs/1?{query}")
    assert address.service is not None
    assert address.service.login == {"username": "s user", "password": "s:pw"}
    wanted = {"username": "us@er", "password": "p/w", "db": 2, "client_name": "shop", "ssl_cert_reqs": "none"}
    assert address.arguments == {**wanted, "connection_class": SSLConnection}
    assert address.tls == {"ssl_cert_reqs": "none"}
    assert address.shown == "rediss+sentinel://us%40er:***@h1:26379/jobs/2"
    assert "s:pw" not in repr(address)
    assert parse_address("redis+sentinel://h1/jobs").tls is None
    assert parse_address("REDIS+SENTINEL://h1/jobs\n").shown == "redis+sentinel://h1:26379/jobs/0"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("redis+sentinel://", "the hosts must be"),
        ("redis+sentinel:///jobs", "the hosts must be"),
        ("redis+sentinel://h1", "the name of the service must follow"),
        ("redis+sentinel://h1:26379/", "the name of the service must follow"),
        ("redis+sentinel://h1:26379//0", "the name of the service must follow"),
        ("redis+sentinel://h1,/jobs", "the hosts must be"),
        ("redis+sentinel://,h1/jobs", "the hosts must be"),
        ("redis+sentinel://h1, h2/jobs", "the hosts must be"),
        ("redis+sentinel://h1;h2 x/jobs", "the hosts must be"),
        ("redis+sentinel://h1\0/jobs", "the hosts must be"),
        ("redis+sentinel://h..1/jobs", "cannot be read"),
        (f"redis+sentinel://{'h' * 64}/jobs", "cannot be read"),
        ("redis://h..1", "cannot be read"),
        ("redis+sentinel://h1:/jobs", "the hosts must be"),
        ("redis+sentinel://h1:x/jobs", "the hosts must be"),
        ("redis+sentinel://h1:0/jobs", "the port must be from 1 to 65535"),
        ("redis+sentinel://h1:65536/jobs", "the port must be from 1 to 65535"),
        ("redis+sentinel://h1:99999999999999999999/jobs", "the hosts must be"),
        ("redis+sentinel://::1:26379/jobs", "IPv6 addresses in brackets"),
        ("redis+sentinel://[::1/jobs", "the hosts must be"),
        ("redis+sentinel://[nonsense]/jobs", "cannot be read"),
        ("redis+sentinel://h1/jo bs", "letters, digits"),
        ("redis+sentinel://h1/jobs%2F0", "letters, digits"),
        ("redis+sentinel://h1/jöbs", "letters, digits"),
        ("redis+sentinel://h1/jobs/x", "after the service only a database number"),
        ("redis+sentinel://h1/jobs/-1", "after the service only a database number"),
        ("redis+sentinel://h1/jobs/0/1", "after the service only a database number"),
        ("redis+sentinel://h1/jobs#x", "nothing may follow"),
        ("redis+sentinel://:hun/ter2hunter2@h1/jobs", "nothing may follow"),
        ("redis+sentinel://:123/hunter2@h1/jobs", "nothing may follow"),
        ("redis+sentinel://:hunter2#x@h1/jobs", "nothing may follow"),
        ("redis+sentinel://:hunter2?x@h1/jobs", "the hosts must be"),
        ("redis+sentinel://h1/jobs?sentinel_username=hunter2", "needs a sentinel_password"),
        ("redis+sentinel://h1/jobs?sentinel_passwort=hunter2", "for Sentinels sentinel_username, sentinel_password"),
        ("redis+sentinel://h1/jobs?sentinel_password", "cannot be read"),
        ("redis+sentinel://h1/jobs?db=hunter2", "db must be"),
        ("redis+sentinel://h1/jobs?ssl_cert_reqs=none", "for rediss://"),
        ("redis+sentinel://h1/jobs?decode_responses=1", "options after the \\?"),
        ("rediss+sentinel://h1/jobs?ssl_ca_certs=/none/hunter2", "ssl_ca_certs names no file"),
        ("redis://h1?sentinel_password=hunter2", "options after the \\?"),
        ("sentinel://h1/jobs", "for Sentinels with redis\\+sentinel:// or rediss\\+sentinel://"),
        ("valkey+sentinel://h1/jobs", "for Sentinels with redis\\+sentinel://"),
    ],
)
def test_a_malformed_sentinel_url_is_refused_without_being_quoted(url: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_address(url)
    message = str(caught.value)
    assert message.startswith("setting redis_url: ")
    assert re.search(reason, message), message
    assert "\n" not in message
    shown = "".join(traceback.format_exception(caught.value, chain=True))
    assert SECRET not in "\n".join(line for line in shown.splitlines() if not line.startswith("    "))


@pytest.mark.parametrize(
    "url",
    [
        "unix://:123/s3cret@/run/x.sock",
        "redis://s3cret:6379?client_name=@host/0",
        "redis://:s3cret?x@host/0",
        "redis://u:1?db=s3cret@host",
    ],
)
def test_a_password_that_was_cut_at_a_mark_is_not_shown_as_a_part_of_the_place(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_address(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("db", ("-1", "x", "1.5")),
        ("max_connections", ("0", "-5", "x", "1e3")),
        ("socket_connect_timeout", ("nan", "inf", "-1", "0", "0.0", "1e400", "x")),
    ],
)
def test_an_option_that_is_no_such_number_is_refused_by_its_name(name: str, values: tuple[str, ...]) -> None:
    for value in values:
        for url in (f"redis://host/0?{name}={value}", f"redis+sentinel://h1,h2/shop/0?{name}={value}"):
            with pytest.raises(SettingsError):
                parse_address(url)
    assert parse_address(f"redis://host/0?{name}=3").arguments[name] == 3


def test_a_user_that_may_be_a_password_is_not_shown() -> None:
    assert parse_address("redis://s3cret@host/0?password=x").shown == "redis://***@host:6379/0"
    assert parse_address("redis://s3cret@host/0").shown == "redis://***@host:6379/0"
    assert parse_address("redis://user:x@host/0").shown == "redis://user:***@host:6379/0"
