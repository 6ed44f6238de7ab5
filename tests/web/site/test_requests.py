"""Requests that are not what they should be: each is answered, and stands in the access log in one line."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from liquid_background.variables import parse_cookies
from tests.web.conftest import Served, post, request

H = b"Host: localhost\r\nConnection: close\r\n"
NEVER = "x{% background source_name: 'never' %}{% endbackground %}"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def served(module_serve: Callable[..., Served]) -> Served:
    matter = "---\nresponse_headers:\n  {}\n---\nx{{% background source_name: 'never' %}}{{% endbackground %}}"
    return module_serve(
        {
            "pages/index": "hello {{ params | json }}",
            "pages/head": "{{ headers['x-a'] }}|{{ cookies.ok }}",
            "pages/redirect": matter.format('Location: "/a\\r\\nSet-Cookie: x=1"'),
            "pages/snow": matter.format('X-Snow: "\u2603"'),
            "pages/name": matter.format('"X Y": z'),
            "pages/length": matter.format("content-length: 3"),
            "pages/fine": '---\nformat: txt\nresponse_headers:\n  X-Fine: "caf\u00e9"\n---\nx',
            "pages/jason": "---\nslug: format\nformat: jason\n---\n" + NEVER,
            "pages/pots": "---\nslug: fine\nmethod: POTS\n---\nx",
            "pages/empty": "---\nmethod: ''\n---\nx",
            "pages/text": "---\n\nresponse_headers: text\n---\nx",
            "pages/list": "---\nresponse_headers:\n  X-A: a\n  X-B: [a]\n---\nx",
        },
        "--show-errors",
    )


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("ok=1; b=2", "1"),
        ("ok=1;ok=2", "2"),
        (' ok = "a b" ', "a b"),
        ('ok="a\\054b\\"c\\\\d\\x"', 'a,b"c\\dx'),
        ('ok="half', '"half'),
        ('ok="', '"'),
        ("ok=a=b", "a=b"),
        ("alone", ""),
        ("ok", ""),
    ],
)
def test_cookies_are_read_as_browsers_write_them(served: Served, sent: str, read: str) -> None:
    assert served.send(request("/head", f"Cookie: {sent}")).text == f"|{read}"


@pytest.mark.parametrize("escapes", ['\\"', "\\\\", "\\1", "\\"])
def test_no_cookie_holds_a_page_up(escapes: str) -> None:
    whole = f'a="{escapes * (60_000 // len(escapes))}"'
    started = time.process_time()
    parse_cookies(f"{whole}; b=1")
    assert time.process_time() - started < 1  # it was half a minute


def test_a_form_may_hold_raw_bytes_beside_encoded_ones(served: Served) -> None:
    reply = served.send(post(b"a=\xc3%A9&b=%c3\xa9&c=\xc3\xa9+\x01&d=%0a", FORM))
    assert (reply.status, json.loads(reply.text.removeprefix("hello "))) == (
        200,
        {"a": "\u00e9", "b": "\u00e9", "c": "\u00e9 \x01", "d": "\n"},
    )


def _one_line(served: Served, before: int, status: int) -> None:
    served.wait(lambda: len(served.log()) > before)
    (line,) = served.log()[before:]
    assert f" {status} (" in line
    assert line.isprintable()


MALFORMED = {
    "deep lists": post(b"[" * 100_000),
    "deep objects": post(b'{"a":' * 50_000),
    "deeper than filters go": post(b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"),
    "lone surrogate": post(b'{"a": "\\ud800"}'),
    "lone surrogate in a name": post(b'{"a": [{"\\udfff": 1}]}'),
    "NaN": post(b'{"a": NaN}'),
    "Infinity": post(b'{"a": [-Infinity]}'),
    "a float beyond all": post(b'{"a": 1e999}'),
    "5,000 digits": post(b'{"a": ' + b"9" * 5000 + b"}"),
    "not UTF-8": post(b'{"a": "\xff"}'),
    "no object": post(b"[1]"),
    "broken JSON": post(b'{"a": '),
    "form with broken escapes": post(b"a=%zz", FORM),
    "form with half an escape": post(b"a=%f", FORM),
    "form that is no text": post(b"a=%ff", FORM),
    "form of raw bytes": post(b"a=\xff", FORM),
    "form of many fields": post(b"a&" * 5000, FORM),
    "broken escape in the query": b"GET /?a=%zz HTTP/1.1\r\n" + H + b"\r\n",
    "surrogate in the query": b"GET /?a=%ED%A0%80 HTTP/1.1\r\n" + H + b"\r\n",
    "query of many fields": b"GET /?" + b"a&" * 20_000 + b" HTTP/1.1\r\n" + H + b"\r\n",
    "huge query": b"GET /?" + b"a" * 100_000,
    "broken escape in the path": b"GET /%zz HTTP/1.1\r\n" + H + b"\r\n",
    "path that is no text": b"GET /%c3%28 HTTP/1.1\r\n" + H + b"\r\n",
    "NUL in the path": b"GET /a%00b HTTP/1.1\r\n" + H + b"\r\n",
    "raw bytes in the path": b"GET /\xc3\xa9\x1b[2J HTTP/1.1\r\n" + H + b"\r\n",
    "no path": b"OPTIONS * HTTP/1.1\r\n" + H + b"\r\n",
    "another server's": b"GET http://a.example/ HTTP/1.1\r\n" + H + b"\r\n",
    "Content-Length in words": b"POST / HTTP/1.1\r\n" + H + b"Content-Length: abc\r\n\r\n",
    "negative Content-Length": b"POST / HTTP/1.1\r\n" + H + b"Content-Length: -5\r\n\r\n",
    "two Content-Lengths": b"POST / HTTP/1.1\r\n" + H + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "Content-Length of 5,000 digits": b"POST / HTTP/1.1\r\n" + H + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "broken chunks": b"POST / HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nfoo\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_a_400(served: Served, name: str) -> None:
    before = len(served.log())
    reply = served.send(MALFORMED[name])
    assert reply.status == 400
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert len(reply.text.splitlines()) == 1
    _one_line(served, before, 400)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"BREW / HTTP/1.1\r\n" + H + b"\r\n", 405),
        (b"POST / HTTP/1.1\r\n" + H + b"Content-Length: 999999999999\r\n\r\n", 413),
        (post(b"a" * 2_000_000), 413),
        (b"GET /\xe2 HTTP/1.1\r\n".replace(b"\xe2", b"nowhere%0d%0aGET%20/admin%20200%1b[2J") + H + b"\r\n", 404),
    ],
)
def test_what_is_refused_for_another_reason_is_logged_too(served: Served, data: bytes, status: int) -> None:
    before = len(served.log())
    assert served.send(data).status == status
    _one_line(served, before, status)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"GET /%1b%5b31m%0a%0dGET%20/x%20200 HTTP/1.1\r\n" + H + b"\r\n", "GET /%1B%5B31m%0A%0DGET%20/x%20200 404 ("),
        (b"GET /x%C2%A0200%25 HTTP/1.1\r\n" + H + b"\r\n", "GET /x%C2%A0200%25 404 ("),
        (b"GET /sur%ff%EF%BF%BD HTTP/1.1\r\n" + H + b"\r\n", "GET /sur%ff%EF%BF%BD 400 ("),
        (b"GET /x 200 (1ms) HTTP/1.1\r\n" + H + b"\r\n", "GET /x%20200%20(1ms) HTTP/1.1 400 ("),
        (b"GET /x 200\t(1ms)\xa0\r\n\r\n", "GET /x%20200%09(1ms)%A0 400 ("),
    ],
)
def test_no_path_passes_for_the_status_behind_it(served: Served, data: bytes, line: str) -> None:
    before = len(served.log())
    served.send(data)
    served.wait(lambda: len(served.log()) > before)
    assert served.log()[-1].startswith(line)


REASONS = {
    "a strange host": (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "it does not answer to the host evil.example"),
    "a host of words": (
        b"GET / HTTP/1.1\r\nHost: x 200 (1ms) \xa0y\r\n\r\n",
        "it does not answer to the host x%20200%20(1ms)%20%C2%A0y",
    ),
    "a blank host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", "no host is named"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", "it has no Host header"),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n", "it has more than one Host header"),
    "two lengths": (MALFORMED["two Content-Lengths"], "its Content-Length headers differ"),
    "no length": (MALFORMED["Content-Length in words"], "its Content-Length is no number of bytes"),
    "no JSON": (post(b'{"token": s3cret'), "the body is not JSON: Expecting value: line 1 column 11 (char 10)"),
    "no text": (post(b'{"a": "\xff"}'), "the body is not JSON: it cannot be decoded as UTF-8 text"),
    "no text of 16 bits": (post(b"\xff\xfe\x00"), "the body is not JSON: it cannot be decoded as UTF-8 text"),
    "a list": (post(b"[1]"), "the body holds a list, not a JSON object"),
    "a broken form": (post(b"token=%zz", FORM), "the form holds what is not percent-encoding"),
    "a broken query": (b"GET /?token=%zz HTTP/1.1\r\n" + H + b"\r\n", "the query holds what is not percent-encoding"),
    "a NUL": (MALFORMED["NUL in the path"], "the path holds a NUL character"),
    "no path": (MALFORMED["no path"], "the path does not start with a slash"),
}


@pytest.mark.parametrize("name", REASONS)
def test_the_access_log_says_why_a_request_was_refused(served: Served, name: str) -> None:
    data, reason = REASONS[name]
    before = len(served.log())
    assert served.send(data).status == 400
    served.wait(lambda: len(served.log()) > before)
    (line,) = served.log()[before:]
    assert re.fullmatch(rf"(GET|POST|OPTIONS) /\S*( HTTP/1.1)? 400 \((\d+ms, )?{re.escape(reason)}\)", line), line


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "Multipart/Mixed; boundary=x", "multipart/form-data"]
)
def test_a_form_as_browsers_send_it_with_files_is_refused_with_what_is_taken(served: Served, kind: str) -> None:
    before = len(served.log())
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
    reply = served.send(post(body, kind))
    assert (reply.status, reply.text) == (
        415,
        "A multipart body is not taken: send the form as application/x-www-form-urlencoded, or a JSON object as "
        "application/json.\n",
    )
    served.wait(lambda: len(served.log()) > before)
    assert "ms, a multipart body is not taken: send the form as " in served.log()[before]
    assert served.send(post(b"a", "text/csv")).text == "hello {}"


def test_a_query_does_not_stand_in_the_log(served: Served) -> None:
    served.send(b"GET /?token=s3cret\x00 HTTP/1.1\r\n\r\n")
    served.get("/?token=s3cret")
    served.until("GET / 200")
    assert "s3cret" not in served.err.read_text()


def test_good_values_come_through(served: Served) -> None:
    assert '"a": "\\ud83d\\ude00"' in served.send(post(b'{"a": "\\ud83d\\ude00"}')).text
    assert '{"a": {}, "b": [1.5]}' in served.send(post(b'\xef\xbb\xbf{"a": {}, "b": [1.5]}')).text
    assert served.send(post(b"q=50%25&e=caf%C3%A9", FORM)).text == 'hello {"q": "50%", "e": "caf\\u00e9"}'
    assert served.get("/?a=1&a=2&b=").text == 'hello {"a": "2", "b": ""}'


def test_request_headers_of_any_bytes(served: Served) -> None:
    reply = served.get("/head", "X-A: \xe9\x80", "Cookie: \xe9=1; [x]=2; ok=yes")
    assert reply.status == 200
    assert reply.text == "\xe9\x80|yes"


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("redirect", "'Location' has a line break"),
        ("snow", "'X-Snow' is '\u2603', which a header cannot hold"),
        ("name", "'X Y' is not a header's name"),
        ("length", "'content-length' is the server's own"),
    ],
)
def test_a_header_that_a_page_may_not_set_is_its_error_and_sends_no_job(
    served: Served, page: str, reason: str, store: Any
) -> None:
    before = len(served.log())
    reply = served.get(f"/{page}")
    assert reply.status == 500
    assert reason in reply.text
    assert f"in pages/{page}:3" in reply.text
    assert reply.text.splitlines()[reply.text.splitlines().index("2 | response_headers:") + 2] == "  |   ^"
    served.until(f"error in pages/{page}: the front matter's response_headers: {reason.partition(' ')[0]}")
    assert served.log()[before].endswith(f" (pages/{page}:3)")
    assert "set-cookie" not in reply.headers
    served.wait(lambda: len(served.log()) == before + 2)  # the reason, and the access
    assert store.client.keys("rq:job:*") == []


def test_headers_and_formats(served: Served) -> None:
    reply = served.get("/fine")
    assert (reply.status, reply.headers["x-fine"]) == (200, "caf\xe9")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "reason", "place"),
    [
        ("format", "format is 'jason'; it must be one of html, json, xml, txt, csv, css, js", "pages/jason:3"),
        ("pots", "method is 'POTS'; it must be one of GET, POST, PUT, PATCH, DELETE", "pages/pots:3"),
        ("empty", "method is ''; it must be one of GET, POST, PUT, PATCH, DELETE", "pages/empty:2"),
        ("text", "response_headers must be `name: value` lines of its own", "pages/text:3"),
        ("list", "response_headers: 'X-B' must be one line of Latin-1 text", "pages/list:4"),
    ],
)
def test_a_value_that_check_refuses_costs_its_own_page(
    served: Served, path: str, reason: str, place: str, store: Any
) -> None:
    before = len(served.log())
    reply = served.get(f"/{path}")
    assert (reply.status, f"the front matter's {reason}" in reply.text) == (500, True)
    served.wait(lambda: len(served.log()) == before + 2)
    assert served.log()[before] == f"error in {place.partition(':')[0]}: the front matter's {reason} ({place})"
    assert store.client.keys("rq:job:*") == []
    assert served.get("/fine").status == 200


def test_garbage_behind_a_request_does_not_spoil_its_answer(served: Served) -> None:
    reply = served.send(b"GET / HTTP/1.1\r\n" + H + b"\r\n\x00\x00\r\n\r\n")
    assert (reply.status, reply.text) == (200, "hello {}")
    before = len(served.log())
    reply = served.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGARBAGE\r\n\r\n")
    assert reply.raw.count(b"HTTP/1.1 ") == 2
    served.wait(lambda: len(served.log()) == before + 2)
    assert served.log()[-1].startswith("GARBAGE 400")
    two = b"GET /?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n" + b"GET /?a=2 HTTP/1.1\r\n" + H + b"\r\n"
    assert served.send(two).raw.count(b"200 OK") == 2


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.:8000", "127.0.0.1:1", "[::1]:8000"])
def test_loopback_answers_to_its_own_names(served: Served, host: str) -> None:
    assert served.send(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "localhost@evil", "[::2]", ""]
)
def test_loopback_answers_to_no_other_name(served: Served, host: str) -> None:
    reply = served.send(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert reply.status == 400
    assert "hello" not in reply.text


def test_other_hosts_can_be_allowed(serve: Callable[..., Served]) -> None:
    server = serve({"pages/index": "x"}, "--allow-host", "shop.example")
    for host, status in (("Shop.example:80", 200), ("localhost", 200), ("other.example", 400)):
        data = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        assert server.send(data).status == status
