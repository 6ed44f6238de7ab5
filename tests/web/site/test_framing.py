"""Requests as bytes, odd in framing or target: a 400 or a right answer, one line in the log, and no smuggling."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from tests.web.conftest import Served

K = b"Host: localhost\r\n"
H = K + b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def served(module_serve: Callable[..., Served]) -> Served:
    return module_serve({"pages/index": "hello", "pages/head": "{{ headers['x-a'] }}"})


def get(target: bytes, *headers: bytes, version: bytes = b"1.1") -> bytes:
    return b"GET " + target + b" HTTP/" + version + b"\r\n" + H + b"".join(headers) + b"\r\n"


def post(*headers: bytes, body: bytes = b"", host: bytes = H, version: bytes = b"1.1") -> bytes:
    return b"POST / HTTP/" + version + b"\r\n" + host + b"".join(headers) + b"\r\n" + body


SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + H + b"\r\n"
REFUSED = {
    "both framings": post(b"Content-Length: 3\r\n", CHUNKED, body=b"0\r\n\r\n"),
    "both, the other way round": post(CHUNKED, b"Content-Length: 3\r\n", body=b"0\r\n\r\n"),
    "both, with a request in the body": post(CHUNKED, b"Content-Length: 6\r\n", host=K, body=b"0\r\n\r\n" + SMUGGLED),
    "chunks of HTTP/1.0": post(CHUNKED, body=b"0\r\n\r\n" + SMUGGLED, version=b"1.0", host=K),
    "lengths that differ": post(b"Content-Length: 2\r\nContent-Length: 3\r\n", host=K, body=b"ab" + SMUGGLED),
    "lengths that differ in a list": post(b"Content-Length: 2, 3\r\n", host=K, body=b"ab" + SMUGGLED),
    "signed length": post(b"Content-Length: +2\r\n", host=K, body=b"ab" + SMUGGLED),
    "length with a separator": post(b"Content-Length: 1_0\r\n", host=K, body=SMUGGLED),
    "hexadecimal length": post(b"Content-Length: 0x2\r\n", host=K, body=b"ab" + SMUGGLED),
    "no length": post(b"Content-Length: \r\n", host=K, body=SMUGGLED),
    "identity": post(b"Transfer-Encoding: identity\r\n", host=K, body=SMUGGLED),
    "two codings": post(b"Transfer-Encoding: gzip, chunked\r\n", host=K, body=b"0\r\n\r\n"),
    "chunked twice": post(CHUNKED, CHUNKED, host=K, body=b"0\r\n\r\n"),
    "nearly chunked": post(b"Transfer-Encoding: xchunked\r\n", host=K, body=b"0\r\n\r\n"),
    "a blank behind the name": post(b"Transfer-Encoding : chunked\r\n", host=K, body=b"0\r\n\r\n"),
    "a chunk that is longer than it says": post(CHUNKED, host=K, body=b"2\r\nabXX0\r\n\r\n" + SMUGGLED),
    "a negative chunk": post(CHUNKED, host=K, body=b"-2\r\nab\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk of 30 digits": post(CHUNKED, host=K, body=b"f" * 30 + b"\r\n" + SMUGGLED),
    "a folded first line": b"GET / HTTP/1.1\r\n X: y\r\n" + H + b"\r\n",
    "a folded host": b"GET / HTTP/1.1\r\nHost: local\r\n host\r\n\r\n",
    "no name": get(b"/", b": x\r\n"),
    "no colon": get(b"/", b"foo\r\n"),
    "a NUL in a header": get(b"/", b"X: a\0b\r\n"),
    "a carriage return in a header": get(b"/", b"X: a\rb\r\n"),
    "another site's address": get(b"http://evil.example/"),
    "an address": get(b"http://localhost/"),
    "no slash": get(b"index"),
    "a star": get(b"*"),
    "an encoded NUL": get(b"/%00"),
    "a raw NUL": get(b"/a\0b"),
    "half an escape": get(b"/%2"),
    "no UTF-8": get(b"/%ff"),
    "an overlong slash": get(b"/%c0%af"),
    "a surrogate": get(b"/%ed%a0%80"),
    "a blank in the target": get(b"/a b"),
    "tabs": b"GET\t/\tHTTP/1.1\r\n" + H + b"\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "20,000 headers": get(b"/", *(b"X-%d: y\r\n" % number for number in range(20_000))),
    "a long header": get(b"/", b"X: " + b"y" * 80_000 + b"\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused_with_all_behind_it(served: Served, name: str) -> None:
    before = len(served.log())
    reply = served.send(REFUSED[name])
    assert reply.status == 400
    assert reply.raw.count(b"HTTP/1.1 ") == 1
    _logged(served, before, [400])


ANSWERED = {
    "one length twice": (post(b"Content-Length: 2\r\nContent-Length: 2\r\n", body=b"ab"), [200]),
    "a folded header": (get(b"/head", b"X-A: a\r\n b\r\n"), [200]),
    "a folded length": (post(b"Content-Length:\r\n 2\r\n", host=K, body=b"ab" + get(b"/")), [200, 200]),
    "extensions and trailers of chunks": (post(CHUNKED, body=b"2;x=y\r\nab\r\n0\r\nX: y\r\n\r\n"), [200]),
    "an encoded slash": (get(b"/a%2fb"), [404]),
    "backslashes": (get(b"/..%5c..%5capp.py"), [404]),
    "two slashes": (get(b"/a//b"), [404]),
    "two slashes at the start": (get(b"//"), [200]),
    "dots": (get(b"/../../app.py"), [404]),
    "encoded dots": (get(b"/%2e%2e/%2e%2e/app.py"), [404]),
    "HEAD": (get(b"/").replace(b"GET", b"HEAD"), [200]),
    "HEAD of nothing": (get(b"/none").replace(b"GET", b"HEAD"), [404]),
    "OPTIONS": (get(b"/").replace(b"GET", b"OPTIONS"), [405]),
    "TRACE": (get(b"/").replace(b"GET", b"TRACE"), [405]),
    "a small method": (get(b"/").replace(b"GET", b"get"), [405]),
    "120 headers": (get(b"/", *(b"X-%d: y\r\n" % number for number in range(120))), [200]),
    "1,000 headers": (get(b"/", *(b"X-%d: y\r\n" % number for number in range(1000))), [400]),
    "HTTP/1.0": (get(b"/", version=b"1.0"), [200]),
    "HTTP/1.0 that stays": (b"GET / HTTP/1.0\r\n" + K + b"Connection: keep-alive\r\n\r\n", [200]),
    "a line feed alone": (get(b"/").replace(b"\r", b""), [200]),
    "empty lines before": (b"\r\n\r\n" + get(b"/"), [200]),
    "a body of GET": (get(b"/", b"Content-Length: 3\r\n") + b"abc", [200]),
    "three in one packet": (
        b"".join(b"GET " + path + b" HTTP/1.1\r\n" + K + b"\r\n" for path in (b"/", b"/head")) + get(b"/none"),
        [200, 200, 404],
    ),
    "a body and the next request": (post(b"Content-Length: 3\r\n", host=K, body=b"abc" + get(b"/none")), [200, 404]),
    "one behind a wrong one": (b"GET /%zz HTTP/1.1\r\n" + H + b"\r\n" + SMUGGLED, [400]),
    "another expectation": (post(b"Content-Length: 2\r\nExpect: tea\r\n", body=b"ab"), [200]),
    "200 blanks in a header": (get(b"/head", b"X-A:" + b" " * 200 + b"a\r\n"), [200]),
    "blanks in a body": (post(b"Content-Length: 5000\r\n", host=K, body=b" " * 5000 + get(b"/none")), [200, 404]),
    "blanks in chunks": (
        post(CHUNKED, host=K, body=2 * (b"1388\r\n" + b" \t" * 2500 + b"\r\n") + b"0\r\n\r\n" + get(b"/none")),
        [200, 404],
    ),
    "blanks in a body behind chunks": (
        post(CHUNKED, host=K, body=b"0\r\n\r\n" + post(b"Content-Length: 5000\r\n", body=b" " * 5000)),
        [200, 200],
    ),
    "an expectation of HTTP/1.0": (
        post(b"Content-Length: 2\r\nExpect: 100-continue\r\n", body=b"ab", version=b"1.0"),
        [200],
    ),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_odd_and_clear_gets_its_answers(served: Served, name: str) -> None:
    data, statuses = ANSWERED[name]
    before = len(served.log())
    reply = served.send(data)
    assert [int(part[:3]) for part in reply.raw.split(b"HTTP/1.1 ")[1:]] == statuses
    _logged(served, before, statuses)


BLANKS = b" \t" * 30_000
MANY_BLANKS = {
    "a header": get(b"/", b"X:" + BLANKS + b"\0\r\n"),
    "a header's value": get(b"/", b"X:" + BLANKS + b"x\0\r\n"),
    "a chunk's size": post(CHUNKED, body=b"1;" + BLANKS + b"\nx\r\na\r\n0\r\n\r\n"),
    "the next chunk's size": post(CHUNKED, body=b"1\r\na\r\n1;" + BLANKS + b"\nx\r\na\r\n0\r\n\r\n"),
    "the last chunk's size": post(CHUNKED, body=b"1\r\na\r\n0;" + BLANKS + b"\nx\r\n\r\n"),
    "a header behind the chunks": post(CHUNKED, body=b"1\r\na\r\n0\r\nX:" + BLANKS + b"\0\r\n\r\n"),
    "a later header behind the chunks": post(CHUNKED, body=b"1\r\na\r\n0\r\nX: y\r\nX:" + BLANKS + b"\0\r\n\r\n"),
}


@pytest.mark.parametrize("place", MANY_BLANKS)
def test_blanks_that_would_hold_up_everybody_are_refused_at_once(served: Served, place: str) -> None:
    before = len(served.log())
    connection = served.connect()
    middle = len(MANY_BLANKS[place]) // 2
    started = time.monotonic()
    connection.sendall(MANY_BLANKS[place][:middle])
    assert served.get("/head").status == 200  # another one, while half of it is there
    with suppress(OSError):  # it has been refused by then
        connection.sendall(MANY_BLANKS[place][middle:])
    assert served.get("/head").status == 200
    assert time.monotonic() - started < 5  # and not the 20 s for which they would keep the server busy
    served.wait(lambda: any(" 400 (" in line for line in served.log()[before:]))


def test_head_has_the_headers_of_get_and_no_body(served: Served) -> None:
    reply = served.send(get(b"/").replace(b"GET", b"HEAD"))
    assert (reply.headers["content-length"], reply.text) == ("5", "")


def test_a_client_that_asks_before_it_sends_is_told_to(served: Served) -> None:
    connection = served.connect()
    connection.sendall(post(b"Content-Length: 2\r\nExpect: 100-continue\r\n"))
    assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
    connection.sendall(b"ab")
    assert b"200 OK" in connection.recv(1000)
    before = len(served.log())
    large = served.send(post(b"Content-Length: 99999999\r\nExpect: 100-continue\r\n"))
    assert large.status == 413
    _logged(served, before, [413])


def _logged(served: Served, before: int, statuses: Sequence[int]) -> None:
    served.wait(lambda: len(served.log()) >= before + len(statuses))
    time.sleep(0.02)  # for a line too many
    lines = served.log()[before:]
    assert [int(line.partition(" (")[0][-3:]) for line in lines] == list(statuses)
    assert all(line.isprintable() and line.strip() for line in lines)
