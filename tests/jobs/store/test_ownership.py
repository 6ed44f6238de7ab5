"""A data folder, socket, log, lock or data of somebody else's, or behind a link, is refused in one line."""

from __future__ import annotations

import codecs
import grp
import os
import pwd
import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from liquid_background.errors import StoreStartError
from liquid_background.jobs.store import connect, embedded, ownership
from liquid_background.jobs.store.ownership import check_place
from liquid_background.settings import load_settings
from tests import warm

SOMEBODY = 12_345  # a user's number

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")


@pytest.fixture
def folder(store_dir: Path) -> Iterator[Path]:
    """A data folder whose surroundings hold what links lead to."""
    made = store_dir / "data"
    made.mkdir(mode=0o700)
    yield made
    embedded.stop(made)


def _refused(data_dir: Path, path: Path, why: str) -> None:
    """Assert that nobody connects, starts or asks there, and that the message names the path and a way out."""
    for use in (
        embedded.ensure_running,
        embedded.status,
        lambda where: connect(load_settings(data_dir=where)),
    ):
        with pytest.raises(StoreStartError) as caught:
            use(data_dir)
        message = str(caught.value)
        assert str(path) in message
        assert why in message
        assert "or set LIQUID_BACKGROUND_DATA_DIR to another folder" in message
        assert "\n" not in message
    assert not embedded.stop(data_dir)


@pytest.mark.parametrize("name", ["store.log", "store.lock", "store.sock", "appendonlydir"])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_refused_and_what_it_leads_to_stays(folder: Path, name: str, there: bool) -> None:
    target = folder.parent / "precious"
    if there:
        target.write_bytes(b"x" * 1_000_001)
    (folder / name).symlink_to(target)
    _refused(folder, folder / name, "is a link")
    assert (target.read_bytes() == b"x" * 1_000_001) if there else not target.exists()
    assert (folder / name).is_symlink()


@pytest.mark.parametrize("name", ["store.log", "store.sock", "store.lock", "appendonlydir"])
def test_a_folder_in_place_of_a_file_is_refused_and_a_file_in_place_of_a_folder(folder: Path, name: str) -> None:
    if name == "appendonlydir":
        (folder / name).touch(0o600)
        _refused(folder, folder / name, "is not a folder: move it away")
    else:
        (folder / name).mkdir(0o700)
        _refused(folder, folder / name, "is a folder: move it away")


@pytest.mark.parametrize("name", ["store.log", "store.lock"])
def test_a_hard_link_is_refused_and_what_it_leads_to_stays(folder: Path, name: str) -> None:
    target = folder.parent / "precious"
    target.write_bytes(b"x" * 1_000_001)
    (folder / name).hardlink_to(target)
    _refused(folder, folder / name, "second name")
    assert target.stat().st_size == 1_000_001


@pytest.mark.parametrize("there", [True, False])
def test_a_linked_folder_is_refused(folder: Path, there: bool) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder if there else folder.parent / "nowhere")
    _refused(link, link, "is a link")
    assert list(folder.iterdir()) == []


def test_a_folder_below_a_link_is_not(folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder.parent)
    assert embedded.ensure_running(folder.parent / "link" / "data") == folder / "store.sock"


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_others_could_exchange_is_refused(folder: Path, there: bool) -> None:
    above = folder / "above"
    data = above / "more" / "data"
    (data if there else data.parent).mkdir(mode=0o700, parents=True)
    above.chmod(0o777)
    _refused(data, above, "may be written to by anyone: run chmod o-w")
    above.chmod(0o775)
    if os.getuid() == 0:
        os.chown(above, 0, SOMEBODY)
        _refused(data, above, f"may be written to by everyone in group {SOMEBODY}: run chmod g-w")
    above.chmod(0o1777)  # as /tmp
    assert embedded.ensure_running(data)
    embedded.stop(data)


def test_a_folder_below_a_group_of_its_user_s_own_is_not(folder: Path) -> None:
    if grp.getgrgid(os.getgid()).gr_name != pwd.getpwuid(os.getuid()).pw_name:
        pytest.skip("this user's group is not called as the user")
    folder.chmod(0o775)
    assert embedded.ensure_running(folder / "data")
    embedded.stop(folder / "data")


@needs_root
@pytest.mark.parametrize("mode", [0o755, 0o1777])
def test_a_folder_in_somebody_else_s_is_refused(folder: Path, mode: int) -> None:
    (folder / "theirs" / "data").mkdir(parents=True)
    os.chown(folder / "theirs", SOMEBODY, SOMEBODY)
    (folder / "theirs").chmod(mode)
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    codecs.lookup("ascii")  # which that user may not be able to load
    os.seteuid(SOMEBODY + 1)
    try:
        with pytest.raises(StoreStartError, match=f"belongs to user {SOMEBODY}, neither root nor this one"):
            check_place(folder / "theirs" / "data")
    finally:
        os.seteuid(0)


@needs_root
def test_root_works_in_a_folder_of_a_project_that_is_somebody_s(folder: Path) -> None:
    (folder / "theirs").mkdir()
    os.chown(folder / "theirs", SOMEBODY, SOMEBODY)
    assert embedded.ensure_running(folder / "theirs" / "data")
    embedded.stop(folder / "theirs" / "data")


@needs_root
def test_a_folder_below_somebody_else_s_link_is_refused(folder: Path) -> None:
    (folder / "real" / "data").mkdir(mode=0o700, parents=True)
    (folder / "own").symlink_to("theirs")  # a link that leads through theirs
    (folder / "theirs").symlink_to("real")
    os.lchown(folder / "theirs", SOMEBODY, SOMEBODY)
    for name in ("theirs", "own"):
        _refused(folder / name / "data", folder / "theirs", f"belongs to user {SOMEBODY}, neither root nor this one")


@needs_root
def test_a_folder_of_no_user_of_the_container_is_accepted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "host" / "data").mkdir(mode=0o700, parents=True)
    os.chown(folder / "host", SOMEBODY, SOMEBODY)
    users = tmp_path / "uid_map"
    users.write_text("         0     100000      10000\n")
    monkeypatch.setattr(ownership, "_MAPPED", users)
    assert embedded.ensure_running(folder / "host" / "data")
    embedded.stop(folder / "host" / "data")
    (folder / "host").chmod(0o757)
    _refused(folder / "host" / "data", folder / "host", "may be written to by anyone")


@needs_root
@pytest.mark.parametrize("name", ["", "store.log", "store.lock", "store.sock", "appendonlydir"])
def test_what_is_somebody_else_s_is_refused(folder: Path, name: str) -> None:
    path = folder / name if name else folder
    if name == "store.sock":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    elif name == "appendonlydir":
        path.mkdir()
    elif name:
        path.touch()
    os.chown(path, SOMEBODY, SOMEBODY)
    _refused(folder, path, f"belongs to user {SOMEBODY}")


@needs_root
def test_nothing_is_sent_to_somebody_else_s_socket(folder: Path) -> None:
    path = folder / "store.sock"
    with closing(socket.socket(socket.AF_UNIX)) as theirs:
        theirs.bind(str(path))
        theirs.listen()
        theirs.setblocking(False)
        os.chown(path, SOMEBODY, SOMEBODY)
        _refused(folder, path, f"belongs to user {SOMEBODY}")
        with pytest.raises(BlockingIOError):
            theirs.accept()


@needs_root
def test_a_running_store_whose_socket_was_exchanged_is_not_told_to_stop(folder: Path) -> None:
    path = embedded.ensure_running(folder)
    path.rename(folder / "kept.sock")
    with closing(socket.socket(socket.AF_UNIX)) as theirs:
        theirs.bind(str(path))
        os.chown(path, SOMEBODY, SOMEBODY)
        with pytest.raises(StoreStartError, match=f"belongs to user {SOMEBODY}"):
            embedded.stop(folder)
    path.unlink()
    (folder / "kept.sock").rename(path)


def test_a_folder_in_which_anyone_may_replace_files_is_refused(folder: Path) -> None:
    folder.chmod(0o777)
    _refused(folder, folder, "may be written to by anyone: run chmod go-w")
    folder.chmod(0o770)
    _refused(folder, folder, f"may be written to by everyone in group {os.getgid()}: run chmod go-w")
    folder.chmod(0o1777)  # as /tmp: others' files are told by their owner
    assert embedded.ensure_running(folder)


@pytest.mark.parametrize("mode", [0o660, 0o606])
@pytest.mark.parametrize("name", ["store.log", "store.lock", "appendonlydir"])
def test_what_others_may_write_to_is_refused(folder: Path, name: str, mode: int) -> None:
    path = folder / name
    path.mkdir() if name == "appendonlydir" else path.touch()
    path.chmod(mode)
    _refused(folder, path, "may be written to by")


@pytest.mark.parametrize("name", ["new", "deep/er/new"])
@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022])
def test_a_folder_that_the_store_makes_is_accepted_whatever_the_umask(store_dir: Path, umask: int, name: str) -> None:
    before = os.umask(umask)
    try:
        for _ in range(2):
            embedded.ensure_running(store_dir / name)
            assert embedded.stop(store_dir / name)
    finally:
        os.umask(before)


@pytest.mark.parametrize("below", ["", "data", "deep/data"])
def test_a_file_in_place_of_the_folder_is_refused(folder: Path, below: str) -> None:
    plain = folder / "plain"
    plain.touch()
    _refused(plain / below, plain, "is not a folder")
    with pytest.raises(StoreStartError, match="is not a folder"):
        check_place(plain / below)


def test_a_place_is_looked_at_without_making_anything(folder: Path) -> None:
    check_place(folder / "deep/data")
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_place_that_may_not_be_written_to_is_told(folder: Path) -> None:
    folder.chmod(0o500)
    for place in (folder, folder / "data"):
        with pytest.raises(StoreStartError, match=r"Permission denied\): make it writable"):
            check_place(place)
    folder.chmod(0o700)


def test_a_fifo_in_place_of_the_log_is_refused_and_holds_up_nobody(folder: Path) -> None:
    os.mkfifo(folder / "store.log")
    with pytest.raises(StoreStartError, match=r"store\.log, which is not a plain file: remove it"):
        embedded.ensure_running(folder)


def test_what_is_refused_is_used_again_once_it_is_put_right(folder: Path) -> None:
    (folder / "store.log").symlink_to(folder.parent / "precious")
    with pytest.raises(StoreStartError):
        embedded.ensure_running(folder)
    (folder / "store.log").unlink()
    assert embedded.ensure_running(folder)


@pytest.fixture
def short_sockets(store_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for sockets of long paths, one of the test's own."""
    path = embedded.socket_path(store_dir / ("x" * 120))
    place = store_dir / "sockets"
    monkeypatch.setattr(embedded, "socket_path", lambda data_dir: place / path.name)
    return place


def test_the_folder_of_short_sockets_may_be_no_link(short_sockets: Path, folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    short_sockets.symlink_to(folder.parent / "elsewhere")
    for use in (embedded.ensure_running, embedded.status):
        with pytest.raises(StoreStartError, match=f"{short_sockets} is not a private folder of this user: remove it"):
            use(folder)


def test_a_short_socket_may_be_no_link(short_sockets: Path, folder: Path) -> None:
    short_sockets.mkdir(mode=0o700)
    link = embedded.socket_path(folder)
    link.symlink_to(folder.parent / "elsewhere")
    _refused(folder, link, "is a link")


@needs_root
def test_a_short_socket_may_not_be_somebody_else_s(short_sockets: Path, folder: Path) -> None:
    short_sockets.mkdir(mode=0o700)
    path = embedded.socket_path(folder)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    os.chown(path, SOMEBODY, SOMEBODY)
    _refused(folder, path, f"belongs to user {SOMEBODY}")


@pytest.mark.parametrize("name", ["with space", "ha#sh", "que?ry", "100%25", "a&b;c$(d)'\"", "ünï"])
def test_the_url_of_the_socket_leads_there_whatever_the_folder_is_called(store_dir: Path, name: str) -> None:
    folder = store_dir / name
    try:
        path = embedded.ensure_running(folder)
        url = embedded.socket_url(folder)
        assert not set(url) & set(" #?$&;'\"()\\`")
        store = connect(load_settings(redis_url=url))
        assert store.client.ping()
        assert store.socket == path
        store.close()
        done = warm.run("rq.cli", "info", "-u", url, cwd=store_dir, env=os.environ)
        assert "0 queues" in done.stdout, done.stderr
    finally:
        embedded.stop(folder)


def test_a_new_folder_is_private(store_dir: Path) -> None:
    folder = store_dir / "new"
    try:
        embedded.ensure_running(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert (folder / ".gitignore").read_text() == "*\n"
    finally:
        embedded.stop(folder)
