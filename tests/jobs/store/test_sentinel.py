"""Real Sentinels: connecting to the primary that they name, following it, and what is said when none is named."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from benchmarks.sentinels import SERVICE, Sentinels
from liquid_background.errors import StoreUnavailable
from liquid_background.job import Job
from liquid_background.jobs.queue import Queue, keys
from liquid_background.jobs.store import Store, connect, translated_errors
from liquid_background.settings import load_settings
from tests.faults.proxy import Proxy

StartSentinels = Callable[..., Sentinels]
Start = Callable[..., Any]


def _connect(url: str, **options: Any) -> Store:
    return connect(load_settings(redis_url=url), **options)


def _refused(url: str) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        _connect(url)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _port_of(store: Store) -> int:
    with translated_errors(store.url):
        port: int = store.client.info("server")["tcp_port"]
        return port


def _job(job_id: str) -> Job:
    return Job(id=job_id, source_name="x", template="t", line=1, source="")


def test_a_store_follows_its_primary_when_that_is_killed(start_sentinels: StartSentinels, wait_until: Any) -> None:
    group = start_sentinels(password="of-the-servers", sentinel_password="of-the-sentinels")
    settings = load_settings(redis_url=group.url)
    store = connect(settings)
    queue = Queue(store, settings)
    assert store.url == f"redis+sentinel://:***@127.0.0.1:{group.sentinel_ports[0]}/{SERVICE}/0"
    assert (store.kind, store.socket) == ("external", None)
    queue.send([_job("before")])
    before = group.primary()
    assert _port_of(store) == before
    wait_until(lambda: group.info(before)["slave0"]["lag"] <= 1)
    store.time(60.0)
    group.kill(before)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        queue.send([_job("refused")])

    def is_sent() -> bool:
        with suppress(StoreUnavailable):
            return queue.send([_job("after")]) == []
        return False

    wait_until(is_sent)
    assert _port_of(store) == group.primary() != before
    assert {job.id for job in queue.list()} == {"before", "after"}
    store.close()


def test_a_store_leaves_a_primary_that_does_not_know_that_it_was_replaced(start_sentinels: StartSentinels) -> None:
    """It has stood still: it goes on with what it is sent for seconds, and all of that is thrown away."""
    group = start_sentinels()
    store = _connect(group.url)
    before = group.primary()
    store.time(60.0)
    group.stand_still(before)
    after = group.wait_for_another(before)
    group.go_on(before)
    assert group.info(before)["role"] == "master"
    time.sleep(1.1)  # no event: the time within which the Sentinels are asked again
    assert _port_of(store) == after
    assert group.info(before)["role"] == "master"
    assert store.clock.now() is None  # the other server has another clock
    store.close()


def test_sentinels_that_are_dead_or_silent_are_left_out(start_sentinels: StartSentinels) -> None:
    group = start_sentinels()
    with closing(socket.create_server(("127.0.0.1", 0))) as silent, closing(socket.socket()) as dead:
        dead.bind(("127.0.0.1", 0))
        others = ",".join(f"127.0.0.1:{one.getsockname()[1]}" for one in (dead, silent))
        began = time.monotonic()
        store = _connect(group.url.replace("://", f"://{others},"))
        assert _port_of(store) == group.primary()
        assert time.monotonic() - began < 1.5
        began = time.monotonic()
        store.client.connection_pool.disconnect()
        assert store.client.ping()  # the one that answered is asked first
        assert time.monotonic() - began < 0.4
        store.close()


def test_a_store_goes_on_while_its_sentinels_are_away(start_sentinels: StartSentinels) -> None:
    group = start_sentinels()
    store = _connect(group.url)
    group.stand_still(group.sentinel_ports[0])
    slow = 0
    for _ in range(35):
        began = time.monotonic()
        assert store.client.ping()
        slow += time.monotonic() - began > 0.3
        time.sleep(0.1)
    assert 1 <= slow <= 3  # they are asked less and less often: after 1, 2 and 4 seconds
    group.go_on(group.sentinel_ports[0])
    store.close()


class Naming:
    """A Sentinel that is wrong: it names what it is told to."""

    def __init__(self, host: str, port: int) -> None:
        self.named = f"*2\r\n${len(host)}\r\n{host}\r\n${len(str(port))}\r\n{port}\r\n".encode()
        self.asked = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            while data := client.recv(65536):
                for command in data.split(b"\r\n*"):
                    asks = b"GET-MASTER-ADDR" in command
                    self.asked += asks
                    client.sendall(self.named if asks else b"+PONG\r\n" if b"PING" in command else b"+OK\r\n")

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def naming() -> Iterator[Callable[..., Naming]]:
    with ExitStack() as stack:
        yield lambda host, port: stack.enter_context(closing(Naming(host, port)))


def test_a_replica_that_a_sentinel_names_is_refused_for_what_the_next_one_names(
    start_server: Start, naming: Callable[..., Naming]
) -> None:
    primary = start_server()
    replica = start_server("--replicaof", f"127.0.0.1 {primary.port}")
    late, right = naming("127.0.0.1", replica.port), naming("localhost", primary.port)
    store = _connect(f"redis+sentinel://127.0.0.1:{late.port},127.0.0.1:{right.port}/jobs")
    assert _port_of(store) == primary.port
    asked = late.asked
    store.client.connection_pool.disconnect()
    assert _port_of(store) == primary.port
    assert late.asked == asked  # whose word was right is asked first from then on
    store.close()
    message = _refused(f"redis+sentinel://127.0.0.1:{late.port}/jobs")
    assert f"127.0.0.1:{replica.port}, which a Sentinel names, is no primary now" in message
    assert f"the store at redis+sentinel://127.0.0.1:{late.port}/jobs/0 cannot be reached" in message


def test_what_names_no_primary_is_told(start_sentinels: StartSentinels, start_server: Start) -> None:
    group = start_sentinels(sentinel_password="right")
    [port] = group.sentinel_ports
    place = f"127.0.0.1:{port}"
    assert f"{place} knows no other" in _refused(group.url.replace(f"/{SERVICE}/", "/other/"))
    for url in (group.url.replace("=right", "=wrong"), group.url.partition("?")[0]):
        message = _refused(url)
        assert f"{place} refuses the login, see sentinel_username and sentinel_password" in message
        assert "wrong" not in message
    plain = start_server()
    assert f"127.0.0.1:{plain.port} is no Sentinel" in _refused(f"redis+sentinel://127.0.0.1:{plain.port}/jobs")
    message = _refused(f"redis+sentinel://no-such-host.invalid,{place}/jobs/0")
    assert "no-such-host.invalid:26379 does not answer (" in message
    assert "is a Sentinel, which holds no data: write redis+sentinel://" in _refused(f"redis://:right@{place}")


def test_a_wrong_password_of_the_primary_is_told_as_such(start_sentinels: StartSentinels) -> None:
    group = start_sentinels(password="right")
    message = _refused(group.url.replace(":right@", ":wrong@"))
    assert "refused the login: check the user name and the password" in message


def test_a_user_at_the_sentinels_needs_one_command(start_sentinels: StartSentinels) -> None:
    group = start_sentinels()
    [port] = group.sentinel_ports
    with closing(group.client(port)) as client:
        rule = "on >secret -@all +auth +sentinel|get-master-addr-by-name"
        assert client.execute_command("ACL", "SETUSER", "watcher", *rule.split())
    store = _connect(f"{group.url}?sentinel_username=watcher&sentinel_password=secret")
    assert _port_of(store) == group.primary()
    assert "secret" not in store.url
    store.close()


def test_the_database_of_the_url_is_the_one_that_is_used(start_sentinels: StartSentinels) -> None:
    group = start_sentinels()
    settings = load_settings(redis_url=group.url.replace("/0", "/3"))
    store = connect(settings)
    Queue(store, settings).send([_job("there")])
    assert store.client.connection_pool.connection_kwargs["db"] == 3
    assert "db3" in group.info(group.primary())
    assert "db0" not in group.info(group.primary())
    assert store.client.exists(keys.job("there"))
    store.close()


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made, tmp_path / "ca.pem"


def test_tls_leads_to_the_sentinels_and_to_the_primary(
    start_server: Start, naming: Callable[..., Naming], authority: tuple[trustme.CA, Path], secured: Any
) -> None:
    made, file = authority
    with ExitStack() as proxies:
        primary = proxies.enter_context(closing(Proxy(start_server().port, secured(made))))
        named = naming("127.0.0.1", primary.port)
        sentinel = proxies.enter_context(closing(Proxy(named.port, secured(made))))
        url = f"rediss+sentinel://127.0.0.1:{sentinel.port}/jobs/0"
        store = _connect(f"{url}?ssl_ca_certs={file}")
        store.client.set("key", "value")
        assert store.client.get("key") == b"value"
        assert store.url == url
        store.close()
        message = _refused(url)
        assert "shows a certificate that is not trusted" in message
        assert "name the file of its authority in LIQUID_BACKGROUND_REDIS_URL" in message
        assert named.asked
        asked = named.asked
        # Without TLS, nothing of it is understood.
        assert "cannot be reached" in _refused(url.replace("rediss", "redis"))
        assert named.asked == asked


@pytest.fixture
def secured() -> Callable[[trustme.CA], Any]:
    def context(authority: trustme.CA) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(made)
        return made

    return context


WAITS = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "30")


def test_jobs_count_as_sent_when_the_replicas_that_the_server_wants_have_them(start_sentinels: StartSentinels) -> None:
    group = start_sentinels(options=WAITS)
    settings = load_settings(redis_url=group.url)
    store = connect(settings)
    queue = Queue(store, settings)
    [replica] = [port for port in group.ports if port != group.primary()]
    assert queue.send([_job("first")]) == []
    with closing(group.client(replica)) as client:
        assert client.exists(keys.job("first"))
    group.stand_still(replica)
    with pytest.raises(StoreUnavailable, match=r"only 0 had it in 1000 ms.* the jobs may have been sent") as caught:
        queue.send([_job("second")])
    assert caught.value.maybe_done
    group.go_on(replica)
    assert queue.send([_job("second")]) == ["second"]
    assert queue.send([_job("third")]) == []
    assert {job.id for job in queue.list()} == {"first", "second", "third"}
    store.close()


@pytest.mark.parametrize("why", ["none wanted", "the user may not ask"])
def test_jobs_wait_for_no_replica_where_none_is_known_to_be_wanted(start_sentinels: StartSentinels, why: str) -> None:
    rule = "on >secret ~rq:* ~liquid_background:* +@all -@dangerous -@admin"
    group = start_sentinels(options=(*(WAITS if why != "none wanted" else ()), "--user", "jobs", *rule.split()))
    login = "" if why == "none wanted" else "jobs:secret@"
    settings = load_settings(redis_url=group.url.replace("://", f"://{login}"))
    store = connect(settings)
    [replica] = [port for port in group.ports if port != group.primary()]
    group.stand_still(replica)
    assert Queue(store, settings).send([_job("sent")]) == []
    group.go_on(replica)
    store.close()
