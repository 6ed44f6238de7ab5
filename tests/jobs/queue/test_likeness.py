"""What messages of one failure have in common, and that no message takes long."""

from __future__ import annotations

import time
from base64 import b64encode

import pytest

from liquid_background.jobs.queue.causes import Cause, Raised, raised_in
from liquid_background.jobs.queue.likeness import MAX_LIKENESS, likeness
from liquid_background.jobs.queue.results import exc_string

ALIKE = {
    "POST /mail: 503 (pages/signup:7)": "POST *: * (pages/signup:7)",
    "ValueError: customer 42 not found (line 3)": "ValueError: customer * not found (line 3)",
    "KeyError: 'abc'": "KeyError: '*'",
    "can't open 'x' and don't": "can't open '*' and don't",
    "GET https://u:p@api.example.com/v1/orders/17?key=1#x: 404": "GET https://api.example.com/* *",
    "bad uuid 550e8400-e29b-41d4-a716-446655440000!": "bad uuid *!",
    "values [1, 2, 3] and (-5)": "values [*] and (*)",
    "at 2024-01-02T10:00:00.123+02:00 it was 12.50 EUR": "at * it was * EUR",
    "cannot open /data/imports/alice.csv": "cannot open *",
    "cannot open C:\\data\\x.csv": "cannot open *",
    "see /x?page=3&b=4 now": "see * now",
    "unterminated 'abc def": "unterminated '*'",
    'say "hello" to `ada`': "say '*' to '*'",
    "mail to ada.l@example.co.uk bounced": "mail to * bounced",
    "partial 'p' not found (pages/a:14, run from pages/x:3)": "partial '*' not found (pages/a:14, run from pages/x:3)",
    "its process was killed by signal 9 (SIGKILL)": "its process was killed by signal * (SIGKILL)",
    "": "",
}


@pytest.mark.parametrize(("message", "common"), ALIKE.items())
def test_a_message_keeps_what_does_not_change(message: str, common: str) -> None:
    assert likeness(message) == common


@pytest.mark.parametrize(
    "message",
    [
        "a" * 8000,
        "'" * 8000,
        "a/" * 4000,
        "/" * 8000,
        "1-" * 4000,
        "*, " * 3000,
        " (a:1, " * 1500,
        "a@" * 4000,
        "x@a." * 2000,
    ],
)
def test_no_message_takes_long(message: str) -> None:
    started = time.process_time()
    assert len(likeness(message)) <= MAX_LIKENESS
    assert time.process_time() - started < 0.05


def test_a_cause_is_known_by_its_place_its_class_and_its_message() -> None:
    causes = [
        Cause.of("pages/x", 3, "KeyError", "KeyError: 'a'"),
        Cause.of("pages/y", 3, "KeyError", "KeyError: 'a'"),
        Cause.of("pages/x", 4, "KeyError", "KeyError: 'a'"),
        Cause.of("pages/x", 3, "ValueError", "KeyError: 'a'"),
        Cause.of("pages/x", 3, "KeyError", "KeyError: gone"),
    ]
    assert len({cause.failure for cause in causes}) == len(causes)
    assert Cause.of("pages/x", 3, "KeyError", "KeyError: 'b'") == causes[0]
    assert causes[0].encoded() == f"{causes[0].failure}\nKeyError\nKeyError: '*'".encode()


@pytest.mark.parametrize(
    ("trace", "raised"),
    [
        ('Traceback (most recent call last):\n  File "x"\nshop.Broken: no\n', Raised("Broken", "shop.Broken: no")),
        ("KeyError: 'a'\nwith a note of words", Raised("KeyError", "KeyError: 'a'")),
        ("ValueError", Raised("ValueError", "ValueError")),
        ("", Raised("", "")),
    ],
)
def test_a_traceback_ends_in_what_was_raised(trace: str, raised: Raised) -> None:
    assert raised_in(exc_string(trace)) == raised


@pytest.mark.parametrize("kept", [None, b"", b"x", b64encode(b"garbage"), b"\xff"])
def test_what_is_no_traceback_says_nothing(kept: bytes | None) -> None:
    assert raised_in(kept) == Raised("", "")
