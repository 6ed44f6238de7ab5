"""Connections that nobody can hold: stalled requests end, and so do answers that nobody reads."""

from __future__ import annotations

import resource
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.web.conftest import Served, post, read_reply, request

SHORT = """
from liquid_background.web.site import bodies, connection, crowd
connection.HEAD_TIMEOUT = 1.5
connection.READ_TIMEOUT = 1.5
crowd._MOST = 40
connection.MAX_UNREAD = 10 * 1024 * 1024
bodies.BODY_TIMEOUT = 1.5
bodies.MAX_BODIES = 3 * 1024 * 1024
"""


WORK = "{% assign s = 'x' %}{% for i in (1..23) %}{% assign s = s | append: s %}{% endfor %}{{ s | size }}"


@pytest.fixture(scope="module")
def served(module_serve: Callable[..., Served]) -> Served:
    big = "{% for i in (1..9000) %}" + "x" * 1000 + "{% endfor %}"
    return module_serve({"pages/index": "hello", "pages/big": big}, script=SHORT)


@pytest.mark.parametrize(
    ("part", "line"),
    [
        (b"GET / HTTP/1.1\r\nHost: loc", "GET / HTTP/1.1 408"),
        (b"GE", "GE 408"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 1000, "GET / HTTP/1.1 408"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc", "POST / 408"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "POST / 408"),
    ],
)
def test_half_a_request_times_out(served: Served, part: bytes, line: str) -> None:
    before = len(served.log())
    assert served.send(part).status == 408
    served.wait(lambda: len(served.log()) > before)
    assert served.log()[-1].startswith(line)


def test_bodies_that_keep_coming_leave_room_for_others(served: Served) -> None:
    slow = [served.connect() for _ in range(6)]
    for connection in slow:
        connection.sendall(post(b"a" * 1_000_000)[:-200_000])
    assert served.send(post(b"{}" + b" " * 1_000_000)).status == 200
    statuses = [read_reply(connection).status for connection in slow]
    assert statuses[0] == 503  # the one that has been coming for the longest
    assert set(statuses) == {408, 503}
    assert any("POST / 503" in line and "at once" in line for line in served.log())
    assert served.send(post(b"{}" + b" " * 1_000_000)).status == 200  # nothing is held of those that ended


def test_a_long_path_has_a_line_of_its_own_size(served: Served) -> None:
    assert served.get("/" + "%41" * 20_000).status == 404
    assert served.get("/" + "%C3%A9" * 9_000).status == 404
    served.wait(lambda: len([line for line in served.log() if "…" in line]) == 2)
    assert max(len(line) for line in served.log()) < 13_000


@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=["first", "second"])
def test_a_request_that_comes_byte_by_byte_times_out(served: Served, before: bytes) -> None:
    connection = served.connect()
    connection.sendall(before)
    started = time.monotonic()
    with suppress(BrokenPipeError, ConnectionResetError):
        for byte in b"GET / HTTP/1.1\r\nX: " + b"y" * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)
    assert time.monotonic() - started < 6


def test_an_idle_connection_is_closed_without_a_line(served: Served) -> None:
    before = served.log()
    assert read_reply(served.connect()).raw == b""
    assert served.log() == before


def test_many_half_requests_do_not_keep_others_out(served: Served) -> None:
    half = [served.connect() for _ in range(60)]
    for connection in half:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: loc")
    assert served.get("/").text == "hello"
    assert {read_reply(connection).status for connection in half} <= {0, 408, 503}


def test_many_half_bodies_do_not_keep_others_out(served: Served) -> None:
    half = [served.connect() for _ in range(60)]
    for connection in half:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(post(b"a" * 1000)[:-1])
    assert served.get("/").text == "hello"
    assert {read_reply(connection).status for connection in half} <= {0, 408, 503}
    assert not any("Traceback" in line for line in served.log())


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_page_processes_have_descriptors_to_spare_whatever_is_connected(serve: Callable[..., Served]) -> None:
    server = serve({"pages/index": "{{ 0.3 | sleep }}{{ 1 | pid }}"})
    half = [server.connect() for _ in range(480)]
    for connection in half:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: loc")
    replies = [read_reply(connection) for connection in [server.start("/") for _ in range(4)]]
    assert {reply.status for reply in replies} == {200}
    for pid in {reply.text for reply in replies}:
        assert len(list(Path(f"/proc/{pid}/fd").iterdir())) < 30


def test_an_answer_that_nobody_reads_is_given_up(served: Served) -> None:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", served.port))
    served.asked.append(connection)
    connection.sendall(request("/big"))
    served.until("GET /big 200")
    time.sleep(4)  # nothing tells a client that does not read
    assert len(read_reply(connection).raw) < 9_000_000


@pytest.mark.slow
def test_a_slow_reader_gets_all_of_it(served: Served) -> None:
    connection = served.connect()
    connection.sendall(request("/big"))
    data = bytearray()
    while part := connection.recv(4_000_000):
        data += part
        time.sleep(0.2)
    assert len(data) > 9_000_000


def chunks(size: int, number: int) -> bytes:
    return (b"%x\r\n" % size + b"a" * size + b"\r\n") * number


@pytest.fixture(scope="module")
def patient(module_serve: Callable[..., Served]) -> Served:
    """A server that gives a body the time that it takes."""
    return module_serve({"pages/index": "hello"})


@pytest.mark.parametrize("size", [1, 2, 7, 15])
def test_a_body_of_crumbs_is_refused_and_holds_up_nobody(patient: Served, size: int) -> None:
    crumbs = patient.connect()
    crumbs.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    with suppress(BrokenPipeError, ConnectionResetError):
        crumbs.sendall(chunks(size, 200_000))
    assert patient.get("/").text == "hello"
    assert read_reply(crumbs).status in (0, 400)  # none, where it was closed while the rest was on its way
    reply = patient.send(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(size, 20_000)
    )
    assert reply.status == 400


@pytest.mark.parametrize(("size", "number"), [(1, 1000), (17, 10_000), (64, 10_000), (8000, 100)])
def test_a_body_in_many_pieces_is_taken(patient: Served, size: int, number: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert patient.send(head + chunks(size, number) + b"0\r\n\r\n").status == 200


def lines(number: int) -> bytes:
    return b"".join(b"a%d: x\r\n" % index for index in range(number))


@pytest.mark.parametrize("number", [130, 2000, 9000])
def test_a_request_of_many_lines_is_refused_before_they_are_taken_apart(patient: Served, number: int) -> None:
    before = len(patient.log())
    connection = patient.connect()
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(b"GET /many HTTP/1.1\r\nHost: localhost\r\n" + lines(number) + b"\r\n")
    assert read_reply(connection).status in (0, 400)  # none, where it was closed while the rest was on its way
    patient.wait(lambda: len(patient.log()) > before)
    assert patient.log()[-1] == "GET /many HTTP/1.1 400 (it has more than 128 header lines)"


@pytest.mark.parametrize("number", [130, 9000])
def test_a_body_with_many_lines_behind_it_is_refused(patient: Served, number: int) -> None:
    connection = patient.connect()
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"2\r\nab\r\n0\r\n" + lines(number) + b"\r\n")
    assert read_reply(connection).status in (0, 400)
    assert patient.get("/").text == "hello"


def test_a_request_of_a_hundred_lines_and_a_body_of_many_lines_are_taken(patient: Served) -> None:
    body = b"\n".join([b"["] + [b'"line",'] * 50_000 + [b'"x"]'])
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + lines(100)
    assert patient.send(head + b"Content-Length: %d\r\n\r\n" % len(body) + body).status == 200
    pieces = b"".join(b"%x\r\n" % len(part) + part + b"\r\n" for part in (b"\n" * 5000, b"a\n" * 3000))
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n" + lines(20) + b"\r\n"
    assert patient.send(chunked).status == 200


def test_a_body_in_small_pieces_waits_for_its_ration(serve: Callable[..., Served]) -> None:
    served = serve(
        {"pages/index": "hello"}, script="from liquid_background.web.site import pieces\npieces._A_SECOND = 200\n"
    )
    small = served.connect()
    started = time.monotonic()
    small.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
    small.sendall(chunks(100, 1000) + b"0\r\n\r\n")
    assert served.get("/").text == "hello"
    whole = served.send(post(b"{}" + b" " * 300_000))  # in pieces of the usual size, which are not rationed
    assert whole.status == 200
    assert "POST / 200" in served.log()[-1]
    assert len(served.log()) == 2, "the small pieces are still on their way"
    assert read_reply(small).status == 200
    assert time.monotonic() - started > 650 / 200 - 0.3


def test_what_visitors_send_takes_no_memory_of_the_pages(serve: Callable[..., Served]) -> None:
    limit = {"MEMORY_LIMIT": "110"}
    served = serve({"pages/index": "hello", "pages/leave": "{{ 1 | leave }}", "pages/work": WORK}, **limit)
    slow = [served.connect() for _ in range(60)]
    for connection in slow:
        connection.sendall(post(b"a" * 1_000_000)[:-1])
    assert served.get("/leave").status == 500  # so that the next page has a process of its own
    assert served.get("/work").text.strip() == "8388608"


def test_a_head_of_60_kb_is_taken_and_one_of_70_kb_is_not(patient: Served) -> None:
    assert patient.send(request("/", f"X: {'y' * 60_000}")).status == 200
    assert patient.send(request("/", f"X: {'y' * 70_000}")).status == 400


def test_answers_that_nobody_reads_are_not_kept_without_end(served: Served) -> None:
    lazy = []
    for _ in range(24):  # of 9 MB each
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        connection.connect(("127.0.0.1", served.port))
        connection.sendall(request("/big"))
        lazy.append(connection)
    served.wait(lambda: any("was cut off" in line for line in served.log()))
    assert served.get("/").text == "hello"
    for connection in lazy:
        connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit")
def test_a_newcomer_is_told_when_pages_are_at_all_connections(serve: Callable[..., Served]) -> None:
    server = serve({"pages/index": "hello", "pages/stuck": "{{ 600 | sleep }}"}, PAGE_TIMEOUT="3")
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (172, 172))  # of which connections may have 8
    stuck = [server.start("/stuck") for _ in range(8)]
    time.sleep(0.3)  # until pages are at all of them
    reply = server.get("/")
    assert (reply.status, "too many connections" in reply.text, "retry-after" in reply.headers) == (503, True, True)
    assert server.until("GET / HTTP/1.1 503 (too many connections)")
    waits = server.connect()  # and asks when there is room again
    assert {read_reply(connection).status for connection in stuck} == {503}
    waits.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert read_reply(waits).text == "hello"
